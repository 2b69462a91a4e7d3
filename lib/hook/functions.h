#ifndef HOOK_FUNCTIONS_H
#define HOOK_FUNCTIONS_H

/*
 * functions: where in this process the functions are that patterns mean.
 *
 * Each module that some pattern means has its file read once, for all patterns: the loader's
 * symbols, and the others, from the file itself or else from its debug file. Modules whose file
 * can't be read have no functions. Allocates; for one thread at a time, and while no other thread
 * is inside of dlopen or dlclose. Keeps errno.
 */

#include "hook/module.h"
#include "hook/nearest.h"
#include "hook/pattern.h"

enum { FUNCTION_NAME_BYTES = 256 };

/* Views that live as long as the call that shows them. */
struct function {
    size_t pattern; /* which of them */
    struct bytes name, version;
    const char *module; /* path */
    uintptr_t address;  /* in memory; 0: not known */
    uint64_t size;      /* 0: not known */
    bool is_indirect;   /* the name is chosen between at start; the address is the chosen one's */
};

typedef void function_found(void *context, const struct function *function);

/* Whether to look into a module. */
typedef bool function_module(void *context, const struct module *module);

/*
 * Shows each function that one of the `n` patterns means, once for each such pattern, whatever
 * number of names it has. Of an STT_GNU_IFUNC what its resolver chooses is shown: where modules are
 * `relocated` the resolver is called, as the loader did; where they are not it would run into what
 * is not there yet, and the function is shown without an address. Only modules that `look` says yes
 * to, if it is not NULL, are looked into: each is shown to it once. 0 or -ENOMEM, with some
 * functions shown or none.
 */
int functions_find(const struct pattern *patterns, size_t n, bool relocated, function_module *look,
                   function_found *found, void *context);

/*
 * The names nearest to that of a pattern that found nothing, in the modules that it means, C++ ones
 * as they were written. How many; -ENOENT when no module is meant, or -ENOMEM.
 */
int functions_nearest(const struct pattern *pattern, char names[NEAREST_MOST][FUNCTION_NAME_BYTES]);

#endif
