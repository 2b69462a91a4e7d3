#include "hook/dynamic.h"

static bool find_entries(const struct elf_file *file, struct bytes *entries)
{
    Elf64_Phdr segment;
    for (size_t i = 0; i < file->segments; i++) {
        if (!elf_file_segment(file, i, &segment) || segment.p_type != PT_DYNAMIC)
            continue;
        *entries = elf_file_range(file, segment.p_offset, segment.p_filesz);
        entries->n -= entries->n % sizeof(Elf64_Dyn);
        return entries->n > 0;
    }
    return false;
}

bool dynamic_read(const struct elf_file *file, struct dynamic *dynamic)
{
    uint64_t size;
    *dynamic = (struct dynamic){.strings = {NULL, 0}};
    if (!find_entries(file, &dynamic->entries))
        return false;
    struct bytes table = dynamic_memory(file, dynamic, DT_STRTAB);
    if (dynamic_value(dynamic, DT_STRSZ, 0, &size) && size < table.n)
        table.n = size;
    dynamic->strings = elf_strings(table);
    return true;
}

bool dynamic_value(const struct dynamic *dynamic, int64_t tag, size_t nth, uint64_t *value)
{
    Elf64_Dyn entry;
    for (size_t at = 0; at < dynamic->entries.n; at += sizeof entry) {
        memcpy(&entry, dynamic->entries.at + at, sizeof entry);
        if (entry.d_tag == DT_NULL)
            return false;
        if (entry.d_tag == tag && nth-- == 0) {
            *value = entry.d_un.d_val;
            return true;
        }
    }
    return false;
}

const char *dynamic_string(const struct dynamic *dynamic, int64_t tag, size_t nth)
{
    uint64_t at;
    return dynamic_value(dynamic, tag, nth, &at) ? elf_string(dynamic->strings, at) : NULL;
}

struct bytes dynamic_memory(const struct elf_file *file, const struct dynamic *dynamic, int64_t tag)
{
    uint64_t address;
    if (!dynamic_value(dynamic, tag, 0, &address))
        return (struct bytes){NULL, 0};
    return elf_file_loaded(file, address);
}
