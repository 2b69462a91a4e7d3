#ifndef CMD_SUBJECT_H
#define CMD_SUBJECT_H

/* subject: the file that `check` and `symbols` look at. */

#include <limits.h>
#include <stdbool.h>

struct subject {
    char path[PATH_MAX]; /* the file that the user named */
    char file[PATH_MAX]; /* the program itself: a script's interpreter (behind env, what it runs),
                            else `path` */
    bool is_script;
};

/* Finds what the user named: a path, or a program on PATH. 0, or the exit status after having said
 * what is wrong. */
int subject_find(struct subject *subject, const char *name);

/* Says why the file can't be read as a program: what elf_file_open returned. */
void subject_say(const struct subject *subject, int error);

#endif
