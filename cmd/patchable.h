#ifndef CMD_PATCHABLE_H
#define CMD_PATCHABLE_H

/* patchable: whether a function in a file can be hooked. */

#include "hook/search.h"

/* NULL when the function's beginning can be patched, else why it can't, in words for users. */
const char *patchable_reason(const struct elf_file *file, const struct symbol *symbol);

#endif
