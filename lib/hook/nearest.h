#ifndef HOOK_NEAREST_H
#define HOOK_NEAREST_H

/*
 * nearest: the names that differ least from one that was not found. The distance is the number of
 * characters to put in, take out or change (Levenshtein), told 64 characters at a step by Myers's
 * bit vectors, so that 200,000 names are a matter of some 10 ms. Of a C++ name the distance is that
 * of the symbol's beginning, up to its parameters, from what the symbol of the wanted name would
 * begin with: nothing need be demangled.
 */

#include "hook/pattern.h"

enum { NEAREST_MOST = 3, NEAREST_BYTES = 64 };

/* What is looked for, as bits: where in it each character stands. */
struct nearest_wanted {
    uint64_t places[256];
    unsigned n;
};

struct nearest {
    struct nearest_wanted c, cpp;    /* as a C symbol; as a C++ symbol, without its `_Z` */
    bool is_mangled, is_scoped;      /* `_Z…`; `…::…` */
    unsigned n;                      /* names found */
    struct bytes name[NEAREST_MOST]; /* symbols, nearest first: views of what was offered */
    unsigned distance[NEAREST_MOST];
};

/* Looks for the pattern's name; its globs' characters don't count. */
void nearest_begin(struct nearest *nearest, const struct pattern *pattern);

/* Keeps `name` if it is among the nearest; one that has little in common never is. */
void nearest_offer(struct nearest *nearest, struct bytes name);

#endif
