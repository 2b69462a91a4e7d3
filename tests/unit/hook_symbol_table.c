/* symbol_table: the loader's symbols and the others, versions, and files without section headers.
 */

#include "elf_model.h"
#include "hook/symbol_table.h"

static struct elf_file opened(struct elf_model *m)
{
    struct elf_file file;
    cr_assert_eq(elf_file_on(&file, model_bytes(m)), 0);
    return file;
}

static bool is(struct bytes text, const char *expected)
{
    return bytes_equal(text, bytes_of(expected));
}

Test(symbol_table, versions_of_the_loaders_symbols)
{
    struct symbol_table table;
    struct symbol symbol;
    struct elf_file file = opened(model_new());
    symbol_table_dynamic(&file, &table);
    cr_assert_eq(symbol_table_n(&table), 4);
    cr_assert_not(symbol_table_get(&table, 0, &symbol));
    cr_assert(symbol_table_get(&table, 1, &symbol));
    cr_assert(is(symbol.name, "missing") && !symbol.is_defined);
    cr_assert(symbol_table_get_function(&table, &file, 2, &symbol));
    symbol_version(&table, 2, &symbol);
    cr_assert(is(symbol.name, "run") && is(symbol.version, "V1") && symbol.is_default);
    cr_assert(symbol_table_get_function(&table, &file, 3, &symbol));
    symbol_version(&table, 3, &symbol);
    cr_assert(is(symbol.name, "run") && is(symbol.version, "V0") && !symbol.is_default);
    elf_file_close(&file);
}

Test(symbol_table, which_of_the_others_are_functions)
{
    static const char *const functions[] = {
        NULL, "run_alias", "_ZN4shop4Cart3addEi", "by_hand", NULL, "chosen", NULL, "old"};
    struct symbol_table table;
    struct symbol symbol;
    struct elf_file file = opened(model_new());
    symbol_table_static(&file, &table);
    cr_assert_eq(symbol_table_n(&table), 8);
    for (size_t i = 0; i < 8; i++) {
        bool found = symbol_table_get_function(&table, &file, i, &symbol);
        cr_assert_eq(found, functions[i] != NULL, "%zu", i);
        cr_assert(!found || is(symbol.name, functions[i]));
        cr_assert(!found || symbol.is_indirect == (i == 5));
    }
    cr_assert(is(symbol.version, "V0") && !symbol.is_default);
    elf_file_close(&file);
}

/* How many are counted when only one way of counting is left. */
static size_t counted(struct elf_model *m)
{
    struct symbol_table table;
    struct elf_file file = opened(m);
    symbol_table_dynamic(&file, &table);
    elf_file_close(&file);
    return symbol_table_n(&table);
}

static struct elf_model *without_sections(void)
{
    struct elf_model *m = model_new();
    m->header.e_shoff = 0;
    m->header.e_shnum = m->header.e_shstrndx = 0;
    return m;
}

static struct elf_model *with_gnu_hash(void)
{
    struct elf_model *m = without_sections();
    m->dynamic[4] = (Elf64_Dyn){DT_GNU_HASH, {MODEL_ADDRESS(gnu_hash)}};
    /* The second symbol ends the chain that the first begins. */
    memcpy(m->gnu_hash, (uint32_t[]){1, 2, 1, 0, 0, 0, 2, 8}, sizeof m->gnu_hash);
    return m;
}

Test(symbol_table, counts_by_hash)
{
    cr_assert_eq(counted(without_sections()), 4);
}

Test(symbol_table, counts_by_gnu_hash)
{
    struct elf_model *m = with_gnu_hash();
    m->dynamic_strings[0] = 9; /* behind the table of hashes: the odd hash that ends the chain */
    cr_assert_eq(counted(m), 4);
}

Test(symbol_table, counts_where_the_gnu_hash_is_empty)
{
    struct elf_model *m = with_gnu_hash();
    m->gnu_hash[6] = 0; /* the bucket */
    size_t expected = (MODEL_AT(dynamic_strings) - MODEL_AT(dynamic_symbol)) / sizeof(Elf64_Sym);
    cr_assert_eq(counted(m), expected);
    m->gnu_hash[0] = 0; /* no bucket at all */
    cr_assert_eq(counted(m), expected);
}

Test(symbol_table, counts_where_the_gnu_hash_lies)
{
    struct elf_model *m = with_gnu_hash();
    size_t expected = (MODEL_AT(dynamic_strings) - MODEL_AT(dynamic_symbol)) / sizeof(Elf64_Sym);
    m->gnu_hash[6] = 1; /* before the first that is hashed */
    cr_assert_eq(counted(m), expected);
    m->gnu_hash[6] = UINT32_MAX;
    cr_assert_eq(counted(m), expected);
    m->gnu_hash[2] = UINT32_MAX;
    cr_assert_eq(counted(m), expected);
}

Test(symbol_table, versions_that_go_round_end)
{
    struct elf_model *m = model_new();
    struct symbol_table table;
    struct symbol symbol;
    m->version[2] = 77;
    m->versions[2].definition.vd_next = UINT32_MAX;
    struct elf_file file = opened(m);
    symbol_table_dynamic(&file, &table);
    cr_assert(symbol_table_get(&table, 2, &symbol));
    symbol_version(&table, 2, &symbol);
    cr_assert_eq(symbol.version.n, 0);
    elf_file_close(&file);
}

Test(symbol_table, a_table_of_symbols_without_one_of_strings)
{
    struct elf_model *m = model_new();
    struct symbol_table table;
    for (uint32_t link = 0; link < 100; link++) {
        m->section[3].sh_link = link;
        struct elf_file file = opened(m);
        symbol_table_static(&file, &table);
        cr_assert_eq(symbol_table_n(&table), link == 1 || link == 4 ? 8 : 0);
        elf_file_close(&file);
    }
}
