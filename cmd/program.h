#ifndef CMD_PROGRAM_H
#define CMD_PROGRAM_H

/* program: finds a program as a shell does, and says whether a library can be preloaded into it. */

#include <limits.h>

/*
 * Finds `name` on PATH, or as it stands if it has a slash. 0 and its path; -ENOENT, -EACCES when
 * all that was found is not an executable file, or -EPERM when a folder on the way can't be
 * searched (on PATH, such a folder is passed over).
 */
int program_find(const char *name, char path[PATH_MAX]);

/*
 * Why nothing can be preloaded into the program at `path`, and what to do, as a sentence for users;
 * NULL when it can, or when that can't be told. A script is judged by its interpreter.
 */
const char *program_obstacle(const char *path);

#endif
