#ifndef HOOK_MODULE_H
#define HOOK_MODULE_H

/* module: the program and the libraries that are loaded into this process, and their files. */

#include <link.h>

#include "hook/elf_file.h"

struct module {
    char *path; /* as the loader knows it; the main program's is what /proc/self/exe links to */
    uintptr_t bias;
    const ElfW(Phdr) * segments; /* in the module's own memory */
    size_t n;
    bool is_main;
};

/*
 * Lists what is loaded, but for the kernel's own module and what belongs to us. 0 or -ENOMEM; free
 * it with modules_free. Nothing may be unloaded while the list is used.
 */
int modules_list(struct module **modules, size_t *n);

void modules_free(struct module *modules, size_t n);

/*
 * Opens the file that the module was loaded from, be it deleted or replaced since, as long as the
 * kernel lets us: the main program's always, a library's where we may read /proc/self/map_files.
 * 0, -ESTALE when another file is there now, or as elf_file_open.
 */
int module_open(const struct module *module, struct elf_file *file);

#endif
