#include "facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "hook/dynamic.h"
#include "hook/search.h"

const struct call calls[] = {
    {"accept", CALL_ACCEPTS},
    {"accept4", CALL_ACCEPTS},
    {"read", CALL_READS},
    {"__read_chk", CALL_READS},
    {"readv", CALL_READS},
    {"recv", CALL_READS},
    {"__recv_chk", CALL_READS},
    {"recvfrom", CALL_READS},
    {"__recvfrom_chk", CALL_READS},
    {"recvmsg", CALL_READS},
    {"recvmmsg", CALL_READS},
    {"write", CALL_WRITES},
    {"writev", CALL_WRITES},
    {"send", CALL_WRITES},
    {"sendto", CALL_WRITES},
    {"sendmsg", CALL_WRITES},
    {"sendmmsg", CALL_WRITES},
    {"sendfile", CALL_WRITES},
    {"sendfile64", CALL_WRITES},
    {"splice", CALL_WRITES},
    {"SSL_read", CALL_TLS},
    {"SSL_read_ex", CALL_TLS},
    {"SSL_write", CALL_TLS},
    {"SSL_write_ex", CALL_TLS},
    {"gnutls_record_recv", CALL_TLS},
    {"gnutls_record_send", CALL_TLS},
    {NULL, CALL_ACCEPTS},
};

static size_t calls_n(void)
{
    return sizeof calls / sizeof calls[0] - 1;
}

static bool is_libc(const struct library *library)
{
    const char *name = library_name(library);
    return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "ld-", 3) == 0 ||
           strncmp(name, "libpthread.so", 13) == 0;
}

static void note_import(struct facts *facts, size_t library, struct bytes name)
{
    for (size_t i = 0; i < calls_n(); i++)
        if (bytes_equal(name, bytes_of(calls[i].name)))
            facts->called[i][library] = true;
    if (bytes_start_with(name, BYTES("io_uring_")))
        facts->io_uring[library] = true;
}

static void note_imports(struct facts *facts, size_t library)
{
    struct symbol_table table;
    struct symbol symbol;
    symbol_table_dynamic(&facts->libraries.at[library].file, &table);
    for (size_t i = 0; i < symbol_table_n(&table); i++)
        if (symbol_table_get(&table, i, &symbol) && !symbol.is_defined)
            note_import(facts, library, symbol.name);
}

enum { DEFINED_NAMES = 4 };

static const char *const defined[DEFINED_NAMES] = {"SSL_read", "gnutls_record_recv", "io_uring_*",
                                                   "uv__io_uring_*"};

/* What it has built in, exported or not: the patterns are those of `defined`. */
static int note_definitions(struct facts *facts, size_t library, const struct pattern *patterns)
{
    static const bool wanted[DEFINED_NAMES] = {true, true, true, true};
    struct matches matches = {.at = NULL};
    int rc = search_file(&facts->libraries.at[library].file, NULL, patterns, wanted, DEFINED_NAMES,
                         &matches);
    for (size_t i = 0; i < matches.n; i++)
        *(matches.at[i].pattern < 2 ? &facts->tls[library] : &facts->io_uring[library]) = true;
    free(matches.at);
    return rc;
}

static int note_libraries(struct facts *facts)
{
    struct pattern patterns[DEFINED_NAMES] = {{.text = NULL}};
    int rc = 0;
    for (size_t i = 0; i < DEFINED_NAMES && rc == 0; i++)
        rc = pattern_read(&patterns[i], bytes_of(defined[i]));
    for (size_t i = 0; i < facts->libraries.n && rc == 0; i++) {
        if (is_libc(&facts->libraries.at[i]))
            continue;
        note_imports(facts, i);
        rc = note_definitions(facts, i, patterns);
    }
    for (size_t i = 0; i < DEFINED_NAMES; i++)
        pattern_free(&patterns[i]);
    return rc;
}

static void note_loader(struct facts *facts, const struct elf_file *file)
{
    Elf64_Phdr segment;
    for (size_t i = 0; i < file->segments && !facts->is_dynamic; i++) {
        if (!elf_file_segment(file, i, &segment) || segment.p_type != PT_INTERP)
            continue;
        facts->loader = elf_file_range(file, segment.p_offset, segment.p_filesz);
        facts->is_dynamic = true;
    }
    if (facts->loader.at == NULL)
        return;
    facts->loader.n = strnlen(facts->loader.at, facts->loader.n);
    if (memmem(facts->loader.at, facts->loader.n, "ld-musl", 7) != NULL)
        facts->libc = "musl";
    else if (memmem(facts->loader.at, facts->loader.n, "ld-linux", 8) != NULL)
        facts->libc = "glibc";
}

static void note_privileges(struct facts *facts, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return;
    facts->is_setuid = status.st_mode & S_ISUID;
    facts->is_setgid = (status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP);
    facts->has_capabilities = getxattr(path, "security.capability", NULL, 0) > 0;
}

static int allocate(struct facts *facts)
{
    const size_t n = facts->libraries.n;
    bool *flags = calloc((calls_n() + 2) * n, sizeof *flags);
    if (flags == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < calls_n(); i++)
        facts->called[i] = flags + (i + 2) * n;
    facts->tls = flags;
    facts->io_uring = flags + n;
    return 0;
}

int facts_gather(struct facts *facts, const char *path)
{
    Elf64_Shdr section;
    *facts = (struct facts){.is_dynamic = false};
    int rc = libraries_open(&facts->libraries, path);
    if (rc == 0)
        rc = allocate(facts);
    if (rc != 0)
        return rc;
    const struct elf_file *file = &facts->libraries.at[0].file;
    note_loader(facts, file);
    note_privileges(facts, path);
    facts->is_library = !facts->is_dynamic && facts->libraries.at[0].soname != NULL;
    facts->is_stripped = !elf_file_find_section(file, SHT_SYMTAB, NULL, &section);
    facts->is_go = elf_file_find_section(file, SHT_NULL, ".go.buildinfo", &section) ||
                   elf_file_find_section(file, SHT_NULL, ".note.go.buildid", &section);
    return note_libraries(facts);
}

void facts_free(struct facts *facts)
{
    free(facts->tls);
    libraries_close(&facts->libraries);
}

bool facts_call(const struct facts *facts, enum call_kind kind)
{
    for (size_t i = 0; i < calls_n(); i++)
        if (calls[i].kind == kind && facts_first(facts, facts->called[i]) != NULL)
            return true;
    return false;
}

const struct library *facts_first(const struct facts *facts, const bool *which)
{
    for (size_t i = 0; i < facts->libraries.n; i++)
        if (which[i])
            return &facts->libraries.at[i];
    return NULL;
}

bool facts_tls_is_shared(const struct library *library)
{
    const char *name = library_name(library);
    return strncmp(name, "libssl", 6) == 0 || strncmp(name, "libgnutls", 9) == 0;
}
