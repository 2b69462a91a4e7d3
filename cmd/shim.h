#ifndef CMD_SHIM_H
#define CMD_SHIM_H

/* shim: where libstatshero.so is, and the environment that loads it into a program. */

#include <limits.h>

/*
 * Finds the shim beside this executable or in ../lib of its folder. 0 and its absolute path, or a
 * negative errno after having said why it can't be used.
 */
int shim_find(char path[PATH_MAX]);

/* Puts the shim at the head of LD_PRELOAD, in our environment for the program to inherit. 0 or
 * -errno. */
int shim_preload(const char *path);

/* Sets STATS_HERO_`name`. 0 or -errno. */
int shim_set(const char *name, const char *value);

/* Sets STATS_HERO_`name` unless the user did. 0 or -errno. */
int shim_set_default(const char *name, const char *value);

#endif
