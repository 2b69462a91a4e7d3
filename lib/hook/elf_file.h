#ifndef HOOK_ELF_FILE_H
#define HOOK_ELF_FILE_H

/*
 * elf_file: an ELF file of this machine's kind in memory, read through libelf. Nothing that the
 * file says is believed: what lies outside of it counts as absent, so that a broken file has less
 * in it, and nothing else happens. Allocates, and is not for signal handlers; files share nothing.
 */

#include <elf.h>

#include "base/bytes.h"

struct Elf;

enum { ELF_FILE_CODE_MOST = 8 };

struct elf_file {
    struct bytes all;
    struct Elf *elf;
    bool mapped;
    uint16_t type;             /* ET_DYN, ET_EXEC, … */
    size_t segments, sections; /* how many */
    struct {
        uint64_t begin, end;
    } code[ELF_FILE_CODE_MOST]; /* addresses that are loaded as executable, as the file has them */
    size_t codes;
};

/*
 * Maps the file at `path` and reads its headers. 0; -ENOEXEC for what is no ELF file or broken,
 * -ENOTSUP for another class, byte order or processor than ours, or what open(2) and mmap(2) say.
 * On error there is nothing to close. A file that is cut while it is open may kill us (SIGBUS).
 */
int elf_file_open(struct elf_file *file, const char *path);

/* The same for `all`, which must live until elf_file_close. */
int elf_file_on(struct elf_file *file, struct bytes all);

void elf_file_close(struct elf_file *file);

/* `n` bytes from `offset` on; without an address when the file does not have them all. */
struct bytes elf_file_range(const struct elf_file *file, uint64_t offset, uint64_t n);

/* One of the `segments`. */
bool elf_file_segment(const struct elf_file *file, size_t i, Elf64_Phdr *segment);

/* Whether the file is a program or a library that has all that the loader would load of it: it was
 * not cut. */
bool elf_file_is_whole(const struct elf_file *file);

/* What the file has for `address`, up to the end of what it has for that segment. */
struct bytes elf_file_loaded(const struct elf_file *file, uint64_t address);

/* Whether all of `size` bytes, one at least, are loaded as executable. */
bool elf_file_is_code(const struct elf_file *file, uint64_t address, uint64_t size);

/* One of the `sections`. */
bool elf_file_section(const struct elf_file *file, size_t i, Elf64_Shdr *section);

/* A section's bytes; without an address when it has none of its own, or has them compressed. */
struct bytes elf_file_section_bytes(const struct elf_file *file, const Elf64_Shdr *section);

/* The first section of that type (SHT_NULL: any), and of that name unless it is NULL. */
bool elf_file_find_section(const struct elf_file *file, uint32_t type, const char *name,
                           Elf64_Shdr *section);

/* The GNU build id; empty when there is none. */
struct bytes elf_file_build_id(const struct elf_file *file);

/* A table of strings, cut after its last terminator, so that elf_string is safe. */
struct bytes elf_strings(struct bytes table);

/* The string at `at`, or NULL when the table ends before it. */
static inline const char *elf_string(struct bytes strings, uint64_t at)
{
    return at < strings.n ? strings.at + at : NULL;
}

#endif
