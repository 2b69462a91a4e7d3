#ifndef HOOK_SEARCH_H
#define HOOK_SEARCH_H

/* search: the functions of one file that patterns mean, in one pass over its symbols. */

#include "hook/nearest.h"
#include "hook/pattern.h"

struct match {
    struct symbol symbol;
    size_t pattern; /* which of them */
    size_t order;   /* in which it was met */
};

/* Begins as zeroes. The symbols' names are views into the files. */
struct matches {
    struct match *at;
    size_t n, room;
};

/*
 * Adds what those of the `n` `patterns` for which `wanted` is true mean in `file` and in `debug`
 * (its debug file, or NULL), sorted by pattern and address. A function of several names is there
 * once for each pattern, under the loader's name for it if that is met. Only functions whose code
 * the file loads count. 0 or -ENOMEM; free `at` in any case.
 */
int search_file(const struct elf_file *file, const struct elf_file *debug,
                const struct pattern *patterns, const bool *wanted, size_t n,
                struct matches *matches);

/* Sorts those from `from` on, and joins those that have become names of one function. */
void search_join(struct matches *matches, size_t from);

/* Offers each function's name to `nearest`. */
void search_nearest(const struct elf_file *file, const struct elf_file *debug,
                    struct nearest *nearest);

/* The size of a function at `address`, 0 when none is known. */
uint64_t search_size(const struct elf_file *file, const struct elf_file *debug, uint64_t address);

#endif
