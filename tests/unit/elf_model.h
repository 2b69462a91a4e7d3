#ifndef UNIT_ELF_MODEL_H
#define UNIT_ELF_MODEL_H

/* elf_model: a small shared object made up in memory, to read, and to break. */

#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hook/elf_file.h"

enum {
    MODEL_BASE = 0x1000, /* what is added to an offset to be an address */
    MODEL_CODE = 0x800,
    MODEL_CODE_BYTES = 0x200,
    MODEL_BYTES = 0x1000,
    MODEL_SEGMENTS = 4,
    MODEL_SECTIONS = 7
};

struct elf_model {
    Elf64_Ehdr header;
    Elf64_Phdr segment[MODEL_SEGMENTS]; /* data, code, PT_DYNAMIC, PT_NOTE */
    Elf64_Dyn dynamic[10];
    Elf64_Sym dynamic_symbol[4]; /* -, missing (undefined), run@@V1, run@V0: the last two aliases */
    Elf64_Half version[4];
    struct {
        Elf64_Verdef definition;
        Elf64_Verdaux name;
    } versions[3]; /* the file's own, V0 (index 2), V1 (index 3) */
    uint32_t hash[3];
    uint32_t gnu_hash[8];
    char dynamic_strings[64];
    Elf64_Sym symbol[8];
    char strings[192];
    struct {
        Elf64_Nhdr header;
        char name[4];
        unsigned char id[8];
    } note;
    char link[24]; /* .gnu_debuglink: a name of 16 bytes with its padding, and a check sum */
    char names[96];
    Elf64_Shdr
        section[MODEL_SECTIONS]; /* -, names, .dynsym, .symtab, .strtab, .gnu_debuglink, notes */
};

#define MODEL_AT(member)      ((uint64_t)offsetof(struct elf_model, member))
#define MODEL_ADDRESS(member) (MODEL_AT(member) + MODEL_BASE)

/* Puts a string into a table at the first place that is free, and tells where. */
static inline uint32_t model_string(char *table, const char *string)
{
    uint32_t at = 1;
    while (table[at] != '\0')
        at += (uint32_t)strlen(table + at) + 1;
    strcpy(table + at, string);
    return at;
}

static inline Elf64_Sym model_symbol(char *table, const char *name, unsigned type, uint64_t address,
                                     uint64_t size)
{
    return (Elf64_Sym){.st_name = model_string(table, name),
                       .st_info = (unsigned char)ELF64_ST_INFO(STB_GLOBAL, type),
                       .st_shndx = type == STT_NOTYPE && address == 0 ? SHN_UNDEF : 1,
                       .st_value = address,
                       .st_size = size};
}

static inline void model_segments(struct elf_model *m)
{
    m->segment[0] =
        (Elf64_Phdr){PT_LOAD, PF_R, 0, MODEL_BASE, MODEL_BASE, MODEL_CODE, MODEL_CODE, 4096};
    m->segment[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                 .p_flags = PF_R | PF_X,
                                 .p_offset = MODEL_CODE,
                                 .p_vaddr = MODEL_BASE + MODEL_CODE,
                                 .p_filesz = MODEL_CODE_BYTES,
                                 .p_memsz = MODEL_CODE_BYTES};
    m->segment[2] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                                 .p_offset = MODEL_AT(dynamic),
                                 .p_vaddr = MODEL_ADDRESS(dynamic),
                                 .p_filesz = sizeof m->dynamic};
    m->segment[3] = (Elf64_Phdr){
        .p_type = PT_NOTE, .p_offset = MODEL_AT(note), .p_filesz = sizeof m->note, .p_align = 4};
}

static inline void model_versions(struct elf_model *m)
{
    static const char *const names[] = {"libmodel.so", "V0", "V1"};
    for (unsigned i = 0; i < 3; i++) {
        const bool last = i == 2;
        m->versions[i].definition = (Elf64_Verdef){.vd_version = 1,
                                                   .vd_ndx = (Elf64_Half)(i + 1),
                                                   .vd_cnt = 1,
                                                   .vd_aux = sizeof(Elf64_Verdef),
                                                   .vd_next = last ? 0 : sizeof m->versions[0]};
        m->versions[i].name.vda_name = model_string(m->dynamic_strings, names[i]);
    }
    m->version[2] = 3;
    m->version[3] = 2 | 0x8000;
}

static inline void model_dynamic(struct elf_model *m)
{
    const uint64_t code = MODEL_BASE + MODEL_CODE;
    m->dynamic_symbol[1] = model_symbol(m->dynamic_strings, "missing", STT_NOTYPE, 0, 0);
    m->dynamic_symbol[2] = model_symbol(m->dynamic_strings, "run", STT_FUNC, code, 16);
    m->dynamic_symbol[3] = m->dynamic_symbol[2];
    m->hash[1] = 4;
    /* One bucket, symbols from 2 on, one word of filter, no shift; the filter; bucket; chain. */
    memcpy(m->gnu_hash, (uint32_t[]){1, 2, 1, 0, 0, 0, 2, 8}, sizeof m->gnu_hash);
    const Elf64_Dyn entries[] = {{DT_SONAME, {m->versions[0].name.vda_name}},
                                 {DT_STRTAB, {MODEL_ADDRESS(dynamic_strings)}},
                                 {DT_STRSZ, {sizeof m->dynamic_strings}},
                                 {DT_SYMTAB, {MODEL_ADDRESS(dynamic_symbol)}},
                                 {DT_HASH, {MODEL_ADDRESS(hash)}},
                                 {DT_VERSYM, {MODEL_ADDRESS(version)}},
                                 {DT_VERDEF, {MODEL_ADDRESS(versions)}},
                                 {DT_NULL, {0}}};
    memcpy(m->dynamic, entries, sizeof entries);
}

static inline void model_static(struct elf_model *m)
{
    const uint64_t code = MODEL_BASE + MODEL_CODE;
    m->symbol[1] = model_symbol(m->strings, "run_alias", STT_FUNC, code, 16);
    m->symbol[2] = model_symbol(m->strings, "_ZN4shop4Cart3addEi", STT_FUNC, code + 0x20, 8);
    m->symbol[3] = model_symbol(m->strings, "by_hand", STT_NOTYPE, code + 0x30, 8);
    m->symbol[4] = model_symbol(m->strings, "label", STT_NOTYPE, code + 0x34, 0);
    m->symbol[5] = model_symbol(m->strings, "chosen", STT_GNU_IFUNC, code + 0x40, 8);
    m->symbol[6] = model_symbol(m->strings, "data", STT_FUNC, MODEL_BASE, 8);
    m->symbol[7] = model_symbol(m->strings, "old@V0", STT_FUNC, code + 0x50, 8);
    m->symbol[2].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
}

static inline Elf64_Shdr model_section(struct elf_model *m, const char *name, uint32_t type,
                                       uint64_t at, uint64_t n)
{
    return (Elf64_Shdr){.sh_name = model_string(m->names, name),
                        .sh_type = type,
                        .sh_offset = at,
                        .sh_addr = at + MODEL_BASE,
                        .sh_size = n,
                        .sh_addralign = 4};
}

static inline void model_sections(struct elf_model *m)
{
    m->section[1] = model_section(m, ".shstrtab", SHT_STRTAB, MODEL_AT(names), sizeof m->names);
    m->section[2] =
        model_section(m, ".dynsym", SHT_DYNSYM, MODEL_AT(dynamic_symbol), sizeof m->dynamic_symbol);
    m->section[3] = model_section(m, ".symtab", SHT_SYMTAB, MODEL_AT(symbol), sizeof m->symbol);
    m->section[3].sh_link = 4;
    m->section[3].sh_entsize = sizeof(Elf64_Sym);
    m->section[4] = model_section(m, ".strtab", SHT_STRTAB, MODEL_AT(strings), sizeof m->strings);
    m->section[5] = model_section(m, ".gnu_debuglink", SHT_PROGBITS, MODEL_AT(link), 20);
    m->section[6] = model_section(m, ".note", SHT_NOTE, MODEL_AT(note), sizeof m->note);
}

/* The object, in pages of its own, MODEL_BYTES of them. */
static inline struct elf_model *model_new(void)
{
    struct elf_model *m =
        mmap(NULL, MODEL_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq((void *)m, MAP_FAILED);
    cr_assert_leq(sizeof *m, MODEL_CODE);
    mprotect((char *)m + MODEL_BYTES, 4096, PROT_NONE);
    memcpy(m->header.e_ident, ELFMAG, SELFMAG);
    m->header.e_ident[EI_CLASS] = ELFCLASS64;
    m->header.e_ident[EI_DATA] = ELFDATA2LSB;
    m->header.e_ident[EI_VERSION] = EV_CURRENT;
    m->header.e_type = ET_DYN;
    m->header.e_machine = EM_X86_64;
    m->header.e_version = EV_CURRENT;
    m->header.e_ehsize = sizeof m->header;
    m->header.e_phoff = MODEL_AT(segment);
    m->header.e_phentsize = sizeof(Elf64_Phdr);
    m->header.e_phnum = MODEL_SEGMENTS;
    m->header.e_shoff = MODEL_AT(section);
    m->header.e_shentsize = sizeof(Elf64_Shdr);
    m->header.e_shnum = MODEL_SECTIONS;
    m->header.e_shstrndx = 1;
    model_segments(m);
    model_versions(m);
    model_dynamic(m);
    model_static(m);
    memcpy(m->link, "model.so.debug\0\0", 16);
    m->note.header = (Elf64_Nhdr){4, sizeof m->note.id, NT_GNU_BUILD_ID};
    memcpy(m->note.name, "GNU", 4);
    memcpy(m->note.id, "\x12\x34\x56\x78\x9a\xbc\xde\xf0", 8);
    model_sections(m);
    return m;
}

static inline struct bytes model_bytes(const struct elf_model *m)
{
    return (struct bytes){(const char *)m, MODEL_BYTES};
}

#endif
