#ifndef HOOK_SYMBOL_TABLE_H
#define HOOK_SYMBOL_TABLE_H

/* symbol_table: the symbols of an ELF file, those for the loader and those for debuggers. */

#include "hook/elf_file.h"

/* Views into the file, all of them; empty ones where the file has none. */
struct symbol_table {
    struct bytes entries; /* an array of Elf64_Sym, whole ones */
    struct bytes strings;
    struct bytes versions;    /* an array of Elf64_Half, one per symbol */
    struct bytes definitions; /* of the versions: Elf64_Verdef and what they refer to */
};

struct symbol {
    struct bytes name;    /* without a version; what follows it is in the file, and terminated */
    struct bytes version; /* empty: none */
    bool is_default;      /* `name@@VERSION` */
    bool is_indirect;     /* STT_GNU_IFUNC: the address is that of its resolver */
    bool is_defined;      /* in this file */
    uint64_t address;     /* as the file has it: without the load bias */
    uint64_t size;
};

/* Those that the loader uses (.dynsym). */
void symbol_table_dynamic(const struct elf_file *file, struct symbol_table *table);

/* Those that a stripped file has no more (.symtab): local functions too. */
void symbol_table_static(const struct elf_file *file, struct symbol_table *table);

static inline size_t symbol_table_n(const struct symbol_table *table)
{
    return table->entries.n / sizeof(Elf64_Sym);
}

/* The symbol `i` < symbol_table_n, without its version if only the loader's tables tell that: such
 * a look takes a while (symbol_version). False: it has no name. */
bool symbol_table_get(const struct symbol_table *table, size_t i, struct symbol *symbol);

/* The same, for a function whose code `file` loads: any kind of function, of no type too if it has
 * a size. False for all else. */
bool symbol_table_get_function(const struct symbol_table *table, const struct elf_file *file,
                               size_t i, struct symbol *symbol);

/* Finds the version of the symbol `i`, if the loader's tables tell one. */
void symbol_version(const struct symbol_table *table, size_t i, struct symbol *symbol);

#endif
