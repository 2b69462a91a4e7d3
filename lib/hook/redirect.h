#ifndef HOOK_REDIRECT_H
#define HOOK_REDIRECT_H

/* redirect: calls of functions of the program's go to others of the same kind instead. */

#include <stddef.h>

struct redirect {
    const char *name;
    void *function, *instead; /* NULL: the program has no such function, nothing is done */
    size_t size;              /* its symbol's */
    void *original;           /* set: what to call for the function itself */
};

/* Redirects all of them, or none if one can't be: then which one, and why. Where memory can't be
 * written after all, those before it stay redirected; `original` is right in any case. 0, or a
 * negative errno value. Before the program runs. */
typedef int redirect_functions(struct redirect *rows, size_t n, const char **name,
                               const char **reason);
redirect_functions redirect_all;

#endif
