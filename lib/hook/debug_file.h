#ifndef HOOK_DEBUG_FILE_H
#define HOOK_DEBUG_FILE_H

/* debug_file: the file apart that has the symbols of a stripped one. A `.gnu_debugdata` section
 * (symbols in xz inside of the file itself) is not read. */

#include "hook/elf_file.h"

#define DEBUG_FILE_ROOT "/usr/lib/debug"

/*
 * Finds and opens the debug file of `file`, whose absolute path is `path`: by its build id below
 * `root`, then by its `.gnu_debuglink`, beside it, in `.debug` there, and in its folder below
 * `root`. One by build id counts only with the same build id; one by link with the same build id,
 * or, where `file` has none, with the check sum that the link tells. 0, or -ENOENT.
 */
int debug_file_open(struct elf_file *debug, const struct elf_file *file, const char *path,
                    const char *root);

#endif
