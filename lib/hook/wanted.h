#ifndef HOOK_WANTED_H
#define HOOK_WANTED_H

/* wanted: the functions that HOOKS, TIMERS and the built-in table name, as rows of one table of
 * patterns. Read once; the first row that means a function has it. */

#include "hook/pattern.h"
#include "hook/spec.h"

#define WANTED_MOST 640

struct wanted {
    const struct spec_hook *hook; /* NULL: it is timed */
    struct bytes label;           /* of a timer; empty: the function's name */
    struct bytes target;          /* as it was written */
    bool standard;                /* of the built-in table: no word if it is not there */
    bool met;                     /* a function was found */
    bool told;                    /* a refusal in a library that came later */
};

extern struct wanted wanted[WANTED_MOST];
extern struct pattern wanted_patterns[WANTED_MOST];
extern size_t wanted_n;

/* What can't be used is told in diagnostics. True: HOOKS asks for the built-in TLS library, too. */
bool wanted_read(struct bytes hooks, struct bytes timers);

#endif
