/* elf_file: what is taken, what is refused, and files that lie. */

#include <errno.h>

#include "elf_model.h"
#include "hook/dynamic.h"
#include "hook/search.h"
#include "scratch.h"

Test(elf_file, reads_headers_segments_and_sections)
{
    struct elf_model *m = model_new();
    struct elf_file file;
    Elf64_Shdr section;
    cr_assert_eq(elf_file_on(&file, model_bytes(m)), 0);
    cr_assert_eq(file.segments, MODEL_SEGMENTS);
    cr_assert_eq(file.sections, MODEL_SECTIONS);
    cr_assert_eq(file.type, ET_DYN);
    cr_assert(elf_file_find_section(&file, SHT_PROGBITS, ".gnu_debuglink", &section));
    cr_assert_eq(elf_file_section_bytes(&file, &section).at, m->link);
    cr_assert_not(elf_file_find_section(&file, SHT_NULL, ".nothing", &section));
    elf_file_close(&file);
}

Test(elf_file, knows_what_is_code)
{
    const uint64_t code = MODEL_BASE + MODEL_CODE;
    struct elf_file file;
    cr_assert_eq(elf_file_on(&file, model_bytes(model_new())), 0);
    cr_assert(elf_file_is_code(&file, code, 0));
    cr_assert(elf_file_is_code(&file, code, MODEL_CODE_BYTES));
    cr_assert_not(elf_file_is_code(&file, code, MODEL_CODE_BYTES + 1));
    cr_assert_not(elf_file_is_code(&file, code + MODEL_CODE_BYTES, 0));
    cr_assert_not(elf_file_is_code(&file, code + 1, UINT64_MAX));
    cr_assert_not(elf_file_is_code(&file, MODEL_BASE, 1));
    elf_file_close(&file);
}

Test(elf_file, finds_the_build_id_by_section_or_segment)
{
    struct elf_model *m = model_new();
    for (int without_sections = 0; without_sections < 2; without_sections++) {
        struct elf_file file;
        if (without_sections)
            m->header.e_shnum = m->header.e_shstrndx = 0, m->header.e_shoff = 0;
        cr_assert_eq(elf_file_on(&file, model_bytes(m)), 0);
        struct bytes id = elf_file_build_id(&file);
        cr_assert_eq(id.n, 8);
        cr_assert_eq(id.at, (const char *)m->note.id);
        elf_file_close(&file);
    }
}

static int opening(const void *at, size_t n)
{
    struct elf_file file;
    int rc = elf_file_on(&file, (struct bytes){at, n});
    if (rc == 0)
        elf_file_close(&file);
    return rc;
}

Test(elf_file, refuses_what_it_is_not_for)
{
    struct elf_model *m = model_new();
    cr_assert_eq(opening(NULL, 0), -ENOEXEC);
    cr_assert_eq(opening("#!/bin/sh\n", 10), -ENOEXEC);
    cr_assert_eq(opening("MZ not an ELF file at all", 25), -ENOEXEC);
    for (size_t n = 0; n < sizeof m->header; n++)
        cr_assert_eq(opening((char *)m + MODEL_BYTES - n, n), -ENOEXEC);
    cr_assert_eq(opening(m, 63), -ENOEXEC);
    m->header.e_machine = EM_S390;
    cr_assert_eq(opening(m, MODEL_BYTES), -ENOTSUP);
    m->header.e_machine = EM_X86_64;
    m->header.e_ident[EI_CLASS] = ELFCLASS32;
    cr_assert_eq(opening(m, 20), -ENOTSUP);
    m->header.e_ident[EI_CLASS] = ELFCLASS64;
    m->header.e_ident[EI_DATA] = ELFDATA2MSB;
    cr_assert_eq(opening(m, MODEL_BYTES), -ENOTSUP);
}

Test(elf_file, refuses_what_is_no_file)
{
    struct elf_file file;
    struct scratch empty;
    scratch_begin(&empty);
    cr_assert_eq(elf_file_open(&file, "/no/such/file"), -ENOENT);
    cr_assert_eq(elf_file_open(&file, "/tmp"), -ENOEXEC);
    cr_assert_eq(elf_file_open(&file, "/dev/null"), -ENOEXEC);
    cr_assert_eq(elf_file_open(&file, empty.path), -ENOEXEC);
}

/* Uses all that can be read of the file; the guard page behind it ends the test if it is left. */
static void read_everything(struct bytes all)
{
    static const bool wanted = true;
    struct elf_file file;
    struct pattern pattern;
    struct nearest nearest;
    struct matches matches = {.at = NULL};
    struct dynamic dynamic;
    if (elf_file_on(&file, all) != 0)
        return;
    cr_assert_eq(pattern_read(&pattern, BYTES("*")), 0);
    nearest_begin(&nearest, &pattern);
    cr_assert_eq(search_file(&file, &file, &pattern, &wanted, 1, &matches), 0);
    for (size_t i = 0; i < matches.n; i++)
        cr_assert(elf_file_is_code(&file, matches.at[i].symbol.address, 1));
    search_nearest(&file, &file, &nearest);
    elf_file_build_id(&file);
    if (dynamic_read(&file, &dynamic))
        dynamic_string(&dynamic, DT_SONAME, 0);
    free(matches.at);
    pattern_free(&pattern);
    elf_file_close(&file);
}

Test(elf_file, survives_any_cut)
{
    const struct elf_model *m = model_new();
    for (size_t n = 0; n <= MODEL_BYTES; n++) {
        char *end = (char *)model_new() + MODEL_BYTES;
        memcpy(end - n, m, n);
        read_everything((struct bytes){end - n, n});
        munmap(end - MODEL_BYTES, MODEL_BYTES + 4096);
    }
}

/* Each field of the headers and tables in turn takes each of the values that break things. */
Test(elf_file, survives_any_field)
{
    static const uint64_t values[] = {
        0, 1, 2, 7, 0xfff, 0x1000, 0x7fffffff, 0xffffffff, UINT64_MAX - 7, UINT64_MAX, 1ull << 63};
    struct elf_model *m = model_new();
    const struct elf_model whole = *m;
    for (size_t at = EI_CLASS; at < sizeof whole; at += 2) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            for (size_t n = 2; n <= 8; n *= 2) {
                memcpy((char *)m + at, &values[v], n);
                read_everything(model_bytes(m));
                memcpy(m, &whole, sizeof whole);
            }
        }
    }
}
