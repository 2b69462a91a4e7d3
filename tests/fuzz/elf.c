/*
 * The symbol reader: any file is refused or has functions, each with code and a name in the file.
 * The input ends where a page that nobody may read begins: libelf is not instrumented, and would
 * else read on unseen.
 */

#include <stdlib.h>
#include <sys/mman.h>

#include "hook/debug_file.h"
#include "hook/dynamic.h"
#include "hook/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES = 1 << 16, PATTERNS = 4 };

static struct pattern patterns[PATTERNS];

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static char *input_end(void)
{
    static char *end;
    if (end != NULL)
        return end;
    char *at =
        mmap(NULL, INPUT_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    insist(at != MAP_FAILED && mprotect(at + INPUT_BYTES, 4096, PROT_NONE) == 0);
    end = at + INPUT_BYTES;
    return end;
}

static void read_patterns(void)
{
    static const char *const texts[PATTERNS] = {"*", "shop::*", "*@*@", "run@@V1"};
    for (size_t i = 0; i < PATTERNS && patterns[i].text == NULL; i++)
        insist(pattern_read(&patterns[i], bytes_of(texts[i])) == 0);
}

static bool inside(struct bytes part, struct bytes whole)
{
    return part.n == 0 || (part.at >= whole.at && part.at + part.n < whole.at + whole.n);
}

static void check_match(const struct elf_file *file, const struct match *match)
{
    const struct symbol *symbol = &match->symbol;
    insist(match->pattern < PATTERNS && symbol->name.n > 0);
    insist(inside(symbol->name, file->all) && inside(symbol->version, file->all));
    insist(elf_file_is_code(file, symbol->address, symbol->size));
}

static void check_symbols(const struct elf_file *file)
{
    static const bool wanted[PATTERNS] = {true, true, true, true};
    struct matches matches = {.at = NULL};
    struct nearest nearest;
    insist(search_file(file, file, patterns, wanted, PATTERNS, &matches) == 0);
    for (size_t i = 0; i < matches.n; i++)
        check_match(file, &matches.at[i]);
    nearest_begin(&nearest, &patterns[3]);
    search_nearest(file, file, &nearest);
    insist(matches.n > 0 || nearest.n == 0);
    free(matches.at);
}

static void check_the_rest(const struct elf_file *file)
{
    struct elf_file debug;
    struct dynamic dynamic;
    elf_file_build_id(file);
    if (dynamic_read(file, &dynamic))
        for (size_t i = 0; i < 4; i++)
            dynamic_string(&dynamic, DT_NEEDED, i);
    insist(debug_file_open(&debug, file, "/nowhere/file", "/nowhere") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_file file;
    if (size > INPUT_BYTES)
        return 0;
    read_patterns();
    char *at = input_end() - size;
    memcpy(at, data, size);
    if (elf_file_on(&file, (struct bytes){at, size}) != 0)
        return 0;
    check_symbols(&file);
    check_the_rest(&file);
    elf_file_close(&file);
    return 0;
}
