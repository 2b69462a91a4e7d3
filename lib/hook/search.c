#include "hook/search.h"

#include <errno.h>
#include <stdlib.h>

/* The file whose code counts, what is looked for in it, and what was found. */
struct search {
    const struct elf_file *file;
    const struct pattern *patterns;
    const bool *wanted;
    size_t n;
    struct matches *matches;
    struct pattern_name name;
};

static int add_match(struct matches *matches, const struct symbol *symbol, size_t pattern)
{
    if (matches->n == matches->room) {
        size_t room = matches->room > 0 ? 2 * matches->room : 16;
        struct match *at = reallocarray(matches->at, room, sizeof *at);
        if (at == NULL)
            return -ENOMEM;
        matches->at = at;
        matches->room = room;
    }
    matches->at[matches->n] = (struct match){*symbol, pattern, matches->n};
    matches->n++;
    return 0;
}

static int search_table(struct search *search, const struct symbol_table *table)
{
    struct symbol symbol;
    for (size_t i = 0; i < symbol_table_n(table); i++) {
        if (!symbol_table_get_function(table, search->file, i, &symbol))
            continue;
        pattern_name_set(&search->name, symbol.name);
        for (size_t p = 0; p < search->n; p++) {
            if (!search->wanted[p] || !pattern_takes_name(&search->patterns[p], &search->name))
                continue;
            symbol_version(table, i, &symbol);
            if (pattern_takes_version(&search->patterns[p], &symbol) &&
                add_match(search->matches, &symbol, p) != 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int by_pattern_and_address(const void *left, const void *right)
{
    const struct match *a = left, *b = right;
    if (a->pattern != b->pattern)
        return a->pattern < b->pattern ? -1 : 1;
    if (a->symbol.address != b->symbol.address)
        return a->symbol.address < b->symbol.address ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Of the names of one function the first stays, with the largest size that any of them tells. */
void search_join(struct matches *matches, size_t from)
{
    size_t kept = from;
    if (matches->n > from)
        qsort(matches->at + from, matches->n - from, sizeof *matches->at, by_pattern_and_address);
    for (size_t i = from; i < matches->n; i++) {
        struct match *last = kept > from ? &matches->at[kept - 1] : NULL;
        const struct match *next = &matches->at[i];
        if (last == NULL || last->pattern != next->pattern ||
            last->symbol.address != next->symbol.address)
            matches->at[kept++] = *next;
        else if (last->symbol.size < next->symbol.size)
            last->symbol.size = next->symbol.size;
    }
    matches->n = kept;
}

enum { TABLES = 3 };

/* The loader's first: its names have versions. */
static void read_tables(const struct elf_file *file, const struct elf_file *debug,
                        struct symbol_table tables[TABLES])
{
    symbol_table_dynamic(file, &tables[0]);
    symbol_table_static(file, &tables[1]);
    tables[2] = (struct symbol_table){.entries = {NULL, 0}};
    if (debug != NULL)
        symbol_table_static(debug, &tables[2]);
}

int search_file(const struct elf_file *file, const struct elf_file *debug,
                const struct pattern *patterns, const bool *wanted, size_t n,
                struct matches *matches)
{
    struct search search = {file, patterns, wanted, n, matches, .name = {.symbol = {NULL, 0}}};
    struct symbol_table tables[TABLES];
    const size_t from = matches->n;
    int rc = 0;
    read_tables(file, debug, tables);
    for (size_t i = 0; i < TABLES && rc == 0; i++)
        rc = search_table(&search, &tables[i]);
    search_join(matches, from);
    return rc;
}

void search_nearest(const struct elf_file *file, const struct elf_file *debug,
                    struct nearest *nearest)
{
    struct symbol_table tables[TABLES];
    struct symbol symbol;
    read_tables(file, debug, tables);
    for (size_t t = 0; t < TABLES; t++)
        for (size_t i = 0; i < symbol_table_n(&tables[t]); i++)
            if (symbol_table_get_function(&tables[t], file, i, &symbol))
                nearest_offer(nearest, symbol.name);
}

uint64_t search_size(const struct elf_file *file, const struct elf_file *debug, uint64_t address)
{
    struct symbol_table tables[TABLES];
    struct symbol symbol;
    uint64_t size = 0;
    read_tables(file, debug, tables);
    for (size_t t = 0; t < TABLES; t++)
        for (size_t i = 0; i < symbol_table_n(&tables[t]); i++)
            if (symbol_table_get_function(&tables[t], file, i, &symbol) &&
                symbol.address == address && symbol.size > size)
                size = symbol.size;
    return size;
}
