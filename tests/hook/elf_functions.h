#ifndef TESTS_HOOK_ELF_FUNCTIONS_H
#define TESTS_HOOK_ELF_FUNCTIONS_H

/* elf_functions: a file's executable segment and the functions in it, by .dynsym or .symtab. */

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../expect.h"

struct elf_function {
    const char *name;
    uint64_t address;
    size_t size, room;
};

struct elf_file {
    int fd;
    Elf *elf;
    const uint8_t *text;
    uint64_t text_address;
    size_t text_size;
    struct elf_function *functions; /* by address, each address once */
    size_t n;
};

static inline void elf_find_text(struct elf_file *file)
{
    size_t n, size;
    const char *bytes = elf_rawfile(file->elf, &size);
    expect(elf_getphdrnum(file->elf, &n) == 0);
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr segment;
        expect(gelf_getphdr(file->elf, (int)i, &segment) != NULL);
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0)
            continue;
        expect(segment.p_offset + segment.p_filesz <= size);
        file->text = (const uint8_t *)bytes + segment.p_offset;
        file->text_address = segment.p_vaddr;
        file->text_size = segment.p_filesz;
    }
    expect(file->text != NULL);
}

static inline bool elf_is_in_text(const struct elf_file *file, const GElf_Sym *symbol)
{
    return symbol->st_value - file->text_address < file->text_size &&
           symbol->st_size <= file->text_size - (symbol->st_value - file->text_address);
}

static inline void elf_add_symbols(struct elf_file *file, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t n = header->sh_entsize != 0 ? header->sh_size / header->sh_entsize : 0;
    file->functions = realloc(file->functions, (file->n + n) * sizeof *file->functions);
    expect(file->functions != NULL);
    for (size_t i = 0; i < n; i++) {
        GElf_Sym symbol;
        expect(gelf_getsym(data, (int)i, &symbol) != NULL);
        if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || !elf_is_in_text(file, &symbol))
            continue;
        file->functions[file->n++] =
            (struct elf_function){elf_strptr(file->elf, header->sh_link, symbol.st_name),
                                  symbol.st_value, symbol.st_size, 0};
    }
}

/* Of those at one address the longest comes first. */
static inline int elf_by_address(const void *a, const void *b)
{
    const struct elf_function *left = a, *right = b;
    if (left->address != right->address)
        return left->address < right->address ? -1 : 1;
    return (left->size < right->size) - (left->size > right->size);
}

static inline void elf_sort(struct elf_file *file)
{
    size_t kept = 0;
    qsort(file->functions, file->n, sizeof *file->functions, elf_by_address);
    for (size_t i = 0; i < file->n; i++)
        if (kept == 0 || file->functions[kept - 1].address != file->functions[i].address)
            file->functions[kept++] = file->functions[i];
    file->n = kept;
    for (size_t i = 0; i < kept; i++) {
        uint64_t next =
            i + 1 < kept ? file->functions[i + 1].address : file->text_address + file->text_size;
        file->functions[i].room = next - file->functions[i].address;
    }
}

/* False if there is no such file. */
static inline bool elf_open(struct elf_file *file, const char *path)
{
    *file = (struct elf_file){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (file->fd < 0)
        return false;
    expect(elf_version(EV_CURRENT) != EV_NONE);
    file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
    expect(file->elf != NULL);
    elf_find_text(file);
    for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
        GElf_Shdr header;
        expect(gelf_getshdr(section, &header) != NULL);
        if (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB)
            elf_add_symbols(file, section, &header);
    }
    elf_sort(file);
    return true;
}

static inline void elf_close(struct elf_file *file)
{
    free(file->functions);
    elf_end(file->elf);
    close(file->fd);
}

#endif
