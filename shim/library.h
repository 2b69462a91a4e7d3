#ifndef SHIM_LIBRARY_H
#define SHIM_LIBRARY_H

/*
 * library: the real functions of a library that the host may or may not have, and of which it may
 * have two versions at once, or load one with dlopen where no global look-up finds it. So they are
 * those that the module would have got which makes the call, as its return address tells. Looked up
 * once per place of call. Any thread; not in signal handlers before the first call of the place.
 *
 * A library that was found stays loaded for as long as the process lives, as OpenSSL does of its
 * own accord: its functions' addresses are kept. Modules come and go: one whose calls return to
 * where those of another one did gets the other's library, which is the wrong one only if the two
 * modules were linked to different versions.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "base/lock.h"

enum { LIBRARY_FUNCTIONS_MOST = 48, LIBRARY_COPIES_MOST = 16, LIBRARY_SITES = 512 };

/* A place of call, and the functions that it means. */
struct library_site {
    _Atomic(const void *) caller; /* NULL: none; set last */
    const void *functions;
};

struct library {
    const char *stem;         /* what its file's name begins with, as "libssl.so" */
    const char *const *names; /* its functions'; the first one is in every version */
    size_t functions;
    const void *absent; /* what to call where there are none: such a table as below */
    struct lock lock;
    size_t copies;
    const void *built_in; /* the main program's own, where it has been adopted */
    /* LIBRARY_SITES of them, all 0 to begin with: apart, as what is not all 0 is part of the file,
     * and of every process's memory. */
    struct library_site *site;
    void *copy[LIBRARY_COPIES_MOST][LIBRARY_FUNCTIONS_MOST];
};

/* The main program has the library built in: what its calls mean from now on. In the constructor.
 */
void library_adopt(struct library *library, void *const *table);

/* A table of pointers to its functions, in the order of `names`, for a call that returns to
 * `caller`. Those that a copy does not have are the absent ones. */
const void *library_functions(struct library *library, const void *caller);

#endif
