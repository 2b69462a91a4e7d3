#ifndef CMD_LIBRARIES_H
#define CMD_LIBRARIES_H

/* libraries: a program and the libraries that it needs, found where the loader would find them:
 * in the folders that the files themselves name, in LD_LIBRARY_PATH, in the loader's cache and in
 * the standard folders. Nothing is loaded or run. */

#include "hook/elf_file.h"

struct library {
    char *path;
    const char *soname; /* a view into the file, or NULL */
    struct elf_file file;
};

struct libraries {
    struct library *at; /* the program is the first */
    size_t n, room;
    char **missing; /* names of libraries that were not found */
    size_t missing_n;
    struct bytes cache;
};

/* Opens the program at `path` and all that it needs; 0, or as elf_file_open says for the program,
 * -ENOEXEC also for one that was cut. Close it in any case. */
int libraries_open(struct libraries *libraries, const char *path);

void libraries_close(struct libraries *libraries);

/* What a library is called by people: the last part of its path. */
const char *library_name(const struct library *library);

#endif
