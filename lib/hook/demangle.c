#include "hook/demangle.h"

#include <libiberty/demangle.h>

enum { MANGLED_BYTES = 1024 }; /* libiberty's own limit of depth, for the sake of the stack */

static void append(const char *text, size_t n, void *context)
{
    put_bytes(context, (struct bytes){text, n});
}

size_t demangle(struct bytes mangled, bool parameters, char to[DEMANGLED_BYTES])
{
    char name[MANGLED_BYTES];
    struct writer w = writer_on(to, DEMANGLED_BYTES - 1);
    if (mangled.n >= sizeof name || !bytes_start_with(mangled, BYTES("_Z")))
        return 0;
    memcpy(name, mangled.at, mangled.n);
    name[mangled.n] = '\0';
    int options = DMGL_ANSI | DMGL_RET_DROP | (parameters ? DMGL_PARAMS : 0);
    if (!cplus_demangle_v3_callback(name, options, append, &w) || w.full)
        return 0;
    to[w.n] = '\0';
    return w.n;
}
