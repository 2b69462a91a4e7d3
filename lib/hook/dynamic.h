#ifndef HOOK_DYNAMIC_H
#define HOOK_DYNAMIC_H

/* dynamic: what PT_DYNAMIC tells, as the loader reads it; no section header is needed. */

#include "hook/elf_file.h"

struct dynamic {
    struct bytes entries; /* an array of Elf64_Dyn, whole ones */
    struct bytes strings;
};

/* False when the file has none: it is static, or broken. Views into the file. */
bool dynamic_read(const struct elf_file *file, struct dynamic *dynamic);

/* The value of the `nth` entry (from 0) of that tag. */
bool dynamic_value(const struct dynamic *dynamic, int64_t tag, size_t nth, uint64_t *value);

/* The same, for a tag whose value is a string; NULL when there is none. */
const char *dynamic_string(const struct dynamic *dynamic, int64_t tag, size_t nth);

/* Views of the file from the address on that the tag's value is; empty when there is none. */
struct bytes dynamic_memory(const struct elf_file *file, const struct dynamic *dynamic,
                            int64_t tag);

#endif
