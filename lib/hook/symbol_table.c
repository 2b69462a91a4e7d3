#include "hook/symbol_table.h"

#include "hook/dynamic.h"

enum { VERSIONS_MOST = 4096, INDEX_BITS = 0x7fff };

static bool read_word(struct bytes from, uint64_t index, uint32_t *word)
{
    if (index >= from.n / sizeof *word)
        return false;
    memcpy(word, from.at + index * sizeof *word, sizeof *word);
    return true;
}

/* The last symbol of a GNU hash table's chain, the one whose hash is odd; 0 when it never ends. */
static uint64_t chain_end(struct bytes chains, uint32_t symbol, uint32_t first)
{
    uint32_t hash;
    for (; read_word(chains, (uint64_t)symbol - first, &hash); symbol++)
        if (hash & 1)
            return symbol;
    return 0;
}

/* The number of symbols by DT_GNU_HASH: the highest of its chains ends at the last one. 0 when no
 * bucket has a chain, and then it can't be told. */
static uint64_t count_by_gnu_hash(struct bytes table)
{
    uint32_t buckets, first, bloom, symbol, highest = 0;
    if (!read_word(table, 0, &buckets) || !read_word(table, 1, &first) ||
        !read_word(table, 2, &bloom))
        return 0;
    const uint64_t bucket = 4 + (uint64_t)bloom * 2;
    for (uint32_t i = 0; i < buckets && read_word(table, bucket + i, &symbol); i++)
        highest = symbol > highest ? symbol : highest;
    const uint64_t chains = (bucket + buckets) * sizeof symbol;
    if (highest < first || highest == 0 || chains > table.n)
        return 0;
    struct bytes rest = {table.at + chains, table.n - chains};
    uint64_t last = chain_end(rest, highest, first);
    return last == 0 ? 0 : last + 1;
}

/* By the section's header, DT_HASH, DT_GNU_HASH, or else by what linkers place behind the symbols.
 */
static uint64_t count_dynamic(const struct elf_file *file, const struct dynamic *dynamic)
{
    uint64_t symbols = 0, strings = 0, count;
    uint32_t chains;
    Elf64_Shdr section;
    dynamic_value(dynamic, DT_SYMTAB, 0, &symbols);
    if (elf_file_find_section(file, SHT_DYNSYM, NULL, &section) && section.sh_addr == symbols)
        return section.sh_size / sizeof(Elf64_Sym);
    if (read_word(dynamic_memory(file, dynamic, DT_HASH), 1, &chains))
        return chains;
    count = count_by_gnu_hash(dynamic_memory(file, dynamic, DT_GNU_HASH));
    if (count == 0 && dynamic_value(dynamic, DT_STRTAB, 0, &strings) && strings > symbols)
        count = (strings - symbols) / sizeof(Elf64_Sym);
    return count;
}

static void cut_entries(struct bytes *entries, uint64_t count)
{
    uint64_t fit = entries->n / sizeof(Elf64_Sym);
    entries->n = (count < fit ? count : fit) * sizeof(Elf64_Sym);
}

void symbol_table_dynamic(const struct elf_file *file, struct symbol_table *table)
{
    struct dynamic dynamic;
    *table = (struct symbol_table){.entries = {NULL, 0}};
    if (!dynamic_read(file, &dynamic))
        return;
    table->entries = dynamic_memory(file, &dynamic, DT_SYMTAB);
    cut_entries(&table->entries, count_dynamic(file, &dynamic));
    table->strings = dynamic.strings;
    table->versions = dynamic_memory(file, &dynamic, DT_VERSYM);
    table->definitions = dynamic_memory(file, &dynamic, DT_VERDEF);
}

void symbol_table_static(const struct elf_file *file, struct symbol_table *table)
{
    Elf64_Shdr symbols, strings;
    *table = (struct symbol_table){.entries = {NULL, 0}};
    if (!elf_file_find_section(file, SHT_SYMTAB, NULL, &symbols) ||
        symbols.sh_entsize != sizeof(Elf64_Sym) ||
        !elf_file_section(file, symbols.sh_link, &strings) || strings.sh_type != SHT_STRTAB)
        return;
    table->entries = elf_file_section_bytes(file, &symbols);
    cut_entries(&table->entries, UINT64_MAX);
    table->strings = elf_strings(elf_file_section_bytes(file, &strings));
}

/* Linkers write the version into the name itself where no table of versions goes with it. */
static void cut_version(struct symbol *symbol)
{
    const char *at = memchr(symbol->name.at, '@', symbol->name.n);
    if (at == NULL || at == symbol->name.at)
        return;
    const char *end = symbol->name.at + symbol->name.n;
    symbol->name.n = (size_t)(at - symbol->name.at);
    symbol->is_default = at + 1 < end && at[1] == '@';
    at += symbol->is_default ? 2 : 1;
    symbol->version = (struct bytes){at, (size_t)(end - at)};
}

static Elf64_Sym entry_of(const struct symbol_table *table, size_t i)
{
    Elf64_Sym entry;
    memcpy(&entry, table->entries.at + i * sizeof entry, sizeof entry);
    return entry;
}

static bool is_defined(const Elf64_Sym *entry)
{
    return entry->st_shndx != SHN_UNDEF && entry->st_shndx != SHN_ABS;
}

/* Assembler files may leave the type out, but then a size tells functions from labels. */
static bool is_function(const Elf64_Sym *entry)
{
    const unsigned type = ELF64_ST_TYPE(entry->st_info);
    return type == STT_FUNC || type == STT_GNU_IFUNC || (type == STT_NOTYPE && entry->st_size > 0);
}

static bool set_symbol(const struct symbol_table *table, const Elf64_Sym *entry,
                       struct symbol *symbol)
{
    const char *name = elf_string(table->strings, entry->st_name);
    if (name == NULL || name[0] == '\0')
        return false;
    *symbol = (struct symbol){
        .name = bytes_of(name),
        .is_indirect = ELF64_ST_TYPE(entry->st_info) == STT_GNU_IFUNC,
        .is_defined = is_defined(entry),
        .address = entry->st_value,
        .size = entry->st_size,
    };
    if (table->versions.n == 0)
        cut_version(symbol);
    return true;
}

bool symbol_table_get(const struct symbol_table *table, size_t i, struct symbol *symbol)
{
    Elf64_Sym entry = entry_of(table, i);
    return set_symbol(table, &entry, symbol);
}

/* The name comes last: it is far away in memory, and most symbols of a big program are none. */
bool symbol_table_get_function(const struct symbol_table *table, const struct elf_file *file,
                               size_t i, struct symbol *symbol)
{
    Elf64_Sym entry = entry_of(table, i);
    return is_function(&entry) && is_defined(&entry) &&
           elf_file_is_code(file, entry.st_value, entry.st_size) &&
           set_symbol(table, &entry, symbol);
}

static bool read_part(struct bytes from, uint64_t at, void *to, size_t n)
{
    if (at > from.n || n > from.n - at)
        return false;
    memcpy(to, from.at + at, n);
    return true;
}

/* The name of the version `index` among those that the file defines. */
static const char *version_name(const struct symbol_table *table, unsigned index)
{
    Elf64_Verdef definition;
    Elf64_Verdaux name;
    uint64_t at = 0;
    for (int i = 0; i < VERSIONS_MOST; i++, at += definition.vd_next) {
        if (!read_part(table->definitions, at, &definition, sizeof definition))
            return NULL;
        if (definition.vd_ndx == index)
            return read_part(table->definitions, at + definition.vd_aux, &name, sizeof name)
                       ? elf_string(table->strings, name.vda_name)
                       : NULL;
        if (definition.vd_next == 0)
            return NULL;
    }
    return NULL;
}

void symbol_version(const struct symbol_table *table, size_t i, struct symbol *symbol)
{
    Elf64_Half version;
    if (!symbol->is_defined ||
        !read_part(table->versions, i * sizeof version, &version, sizeof version))
        return;
    /* 0 and 1 are no versions: local, and global without one. */
    unsigned index = version & INDEX_BITS;
    const char *name = index > 1 ? version_name(table, index) : NULL;
    if (name == NULL)
        return;
    symbol->version = bytes_of(name);
    symbol->is_default = index == version;
}
