#include "hook/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sys.h"

static const struct bytes nothing = {NULL, 0};

#if defined(__x86_64__)
enum { OUR_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OUR_MACHINE = EM_AARCH64 };
#else
enum { OUR_MACHINE = EM_NONE };
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { OUR_DATA = ELFDATA2LSB };
#else
enum { OUR_DATA = ELFDATA2MSB };
#endif

/* The kind is told before libelf sees the file: it takes any kind, and allocates by what it says.
 */
static int judge_header(struct bytes all)
{
    Elf64_Ehdr header;
    if (all.n < EI_NIDENT || memcmp(all.at, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    if (all.at[EI_CLASS] != ELFCLASS64 || all.at[EI_DATA] != OUR_DATA)
        return -ENOTSUP;
    if (all.n < sizeof header)
        return -ENOEXEC;
    memcpy(&header, all.at, sizeof header);
    return header.e_machine == OUR_MACHINE ? 0 : -ENOTSUP;
}

static void find_code(struct elf_file *file)
{
    Elf64_Phdr segment;
    for (size_t i = 0; i < file->segments && file->codes < ELF_FILE_CODE_MOST; i++) {
        if (!elf_file_segment(file, i, &segment) || segment.p_type != PT_LOAD ||
            !(segment.p_flags & PF_X) || segment.p_memsz > UINT64_MAX - segment.p_vaddr)
            continue;
        file->code[file->codes].begin = segment.p_vaddr;
        file->code[file->codes++].end = segment.p_vaddr + segment.p_memsz;
    }
}

static bool has_table(const struct elf_file *file, uint64_t offset, size_t n, size_t size)
{
    return n <= file->all.n / size && elf_file_range(file, offset, n * size).at != NULL;
}

/* The counts, as far as the file has room for that many. */
static int read_headers(struct elf_file *file)
{
    GElf_Ehdr header;
    if (gelf_getehdr(file->elf, &header) == NULL)
        return -ENOEXEC;
    file->type = header.e_type;
    if (header.e_phentsize != sizeof(Elf64_Phdr) ||
        elf_getphdrnum(file->elf, &file->segments) != 0 ||
        !has_table(file, header.e_phoff, file->segments, sizeof(Elf64_Phdr)))
        file->segments = 0;
    if (header.e_shentsize != sizeof(Elf64_Shdr) ||
        elf_getshdrnum(file->elf, &file->sections) != 0 ||
        !has_table(file, header.e_shoff, file->sections, sizeof(Elf64_Shdr)))
        file->sections = 0;
    find_code(file);
    return 0;
}

int elf_file_on(struct elf_file *file, struct bytes all)
{
    *file = (struct elf_file){.all = all};
    int rc = judge_header(all);
    if (rc != 0)
        return rc;
    elf_version(EV_CURRENT);
    /* libelf takes memory that it may write to, and does not write to it. */
    file->elf = elf_memory((char *)(uintptr_t)all.at, all.n);
    rc = file->elf != NULL ? read_headers(file) : -ENOEXEC;
    if (rc != 0)
        elf_file_close(file);
    return rc;
}

static int map(const char *path, struct bytes *all)
{
    struct stat status;
    int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    int rc = sys_fstat(fd, &status);
    if (rc == 0 && (!S_ISREG(status.st_mode) || status.st_size == 0))
        rc = -ENOEXEC;
    if (rc == 0) {
        all->n = (size_t)status.st_size;
        all->at = mmap(NULL, all->n, PROT_READ, MAP_PRIVATE, fd, 0);
        rc = all->at == MAP_FAILED ? -ENOMEM : 0;
    }
    sys_close(fd);
    return rc;
}

int elf_file_open(struct elf_file *file, const char *path)
{
    struct bytes all;
    int rc = map(path, &all);
    if (rc != 0)
        return rc;
    rc = elf_file_on(file, all);
    if (rc != 0)
        munmap((char *)(uintptr_t)all.at, all.n);
    file->mapped = rc == 0;
    return rc;
}

void elf_file_close(struct elf_file *file)
{
    elf_end(file->elf);
    if (file->mapped)
        munmap((char *)(uintptr_t)file->all.at, file->all.n);
    *file = (struct elf_file){.all = nothing};
}

struct bytes elf_file_range(const struct elf_file *file, uint64_t offset, uint64_t n)
{
    if (offset > file->all.n || n > file->all.n - offset)
        return nothing;
    return (struct bytes){file->all.at + offset, n};
}

bool elf_file_segment(const struct elf_file *file, size_t i, Elf64_Phdr *segment)
{
    return i < file->segments && gelf_getphdr(file->elf, (int)i, segment) != NULL;
}

bool elf_file_is_whole(const struct elf_file *file)
{
    Elf64_Phdr segment;
    size_t loaded = 0;
    for (size_t i = 0; i < file->segments; i++) {
        if (!elf_file_segment(file, i, &segment) || segment.p_type != PT_LOAD)
            continue;
        if (elf_file_range(file, segment.p_offset, segment.p_filesz).at == NULL)
            return false;
        loaded++;
    }
    return loaded > 0 && (file->type == ET_EXEC || file->type == ET_DYN);
}

struct bytes elf_file_loaded(const struct elf_file *file, uint64_t address)
{
    Elf64_Phdr segment;
    for (size_t i = 0; i < file->segments; i++) {
        if (!elf_file_segment(file, i, &segment) || segment.p_type != PT_LOAD ||
            address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
            continue;
        struct bytes all = elf_file_range(file, segment.p_offset, segment.p_filesz);
        if (all.at == NULL)
            continue;
        uint64_t skipped = address - segment.p_vaddr;
        return (struct bytes){all.at + skipped, all.n - skipped};
    }
    return nothing;
}

bool elf_file_is_code(const struct elf_file *file, uint64_t address, uint64_t size)
{
    size += size == 0;
    for (size_t i = 0; i < file->codes; i++)
        if (address >= file->code[i].begin && address < file->code[i].end &&
            size <= file->code[i].end - address)
            return true;
    return false;
}

bool elf_file_section(const struct elf_file *file, size_t i, Elf64_Shdr *section)
{
    if (i >= file->sections)
        return false;
    Elf_Scn *found = elf_getscn(file->elf, i);
    return found != NULL && gelf_getshdr(found, section) != NULL;
}

struct bytes elf_file_section_bytes(const struct elf_file *file, const Elf64_Shdr *section)
{
    if (section->sh_type == SHT_NOBITS || (section->sh_flags & SHF_COMPRESSED))
        return nothing;
    return elf_file_range(file, section->sh_offset, section->sh_size);
}

static struct bytes section_names(const struct elf_file *file)
{
    size_t index;
    Elf64_Shdr section;
    if (elf_getshdrstrndx(file->elf, &index) != 0 || !elf_file_section(file, index, &section))
        return nothing;
    return elf_strings(elf_file_section_bytes(file, &section));
}

bool elf_file_find_section(const struct elf_file *file, uint32_t type, const char *name,
                           Elf64_Shdr *section)
{
    struct bytes names = section_names(file);
    for (size_t i = 1; i < file->sections; i++) {
        if (!elf_file_section(file, i, section) || (type != SHT_NULL && section->sh_type != type))
            continue;
        const char *its = elf_string(names, section->sh_name);
        if (name == NULL || (its != NULL && strcmp(its, name) == 0))
            return true;
    }
    return false;
}

/* Looks through notes, each of which is padded to `align` bytes in its two parts. */
static struct bytes find_build_id(struct bytes notes, uint64_t align)
{
    const uint64_t padding = align == 8 ? 7 : 3;
    Elf64_Nhdr note;
    while (notes.n >= sizeof note) {
        memcpy(&note, notes.at, sizeof note);
        uint64_t name = (note.n_namesz + padding) & ~padding;
        uint64_t begin = (sizeof note + name + padding) & ~padding;
        uint64_t end = begin + note.n_descsz;
        if (end > notes.n)
            break;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes.at + sizeof note, "GNU", 4) == 0)
            return (struct bytes){notes.at + begin, note.n_descsz};
        end = (end + padding) & ~padding;
        if (end > notes.n)
            break;
        notes.at += end;
        notes.n -= end;
    }
    return nothing;
}

struct bytes elf_file_build_id(const struct elf_file *file)
{
    Elf64_Shdr section;
    Elf64_Phdr segment;
    struct bytes found = nothing;
    for (size_t i = 1; i < file->sections && found.n == 0; i++)
        if (elf_file_section(file, i, &section) && section.sh_type == SHT_NOTE)
            found = find_build_id(elf_file_section_bytes(file, &section), section.sh_addralign);
    for (size_t i = 0; i < file->segments && found.n == 0; i++)
        if (elf_file_segment(file, i, &segment) && segment.p_type == PT_NOTE)
            found = find_build_id(elf_file_range(file, segment.p_offset, segment.p_filesz),
                                  segment.p_align);
    return found;
}

struct bytes elf_strings(struct bytes table)
{
    const char *last = table.n > 0 ? memrchr(table.at, '\0', table.n) : NULL;
    return (struct bytes){table.at, last != NULL ? (size_t)(last - table.at) + 1 : 0};
}
