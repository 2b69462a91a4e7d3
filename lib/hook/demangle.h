#ifndef HOOK_DEMANGLE_H
#define HOOK_DEMANGLE_H

/*
 * demangle: a C++ symbol's name as it was written. By libiberty's cplus_demangle_v3_callback,
 * which is linked into us: it needs no C++ library in the host, and no memory but the stack's.
 */

#include "base/bytes.h"

enum { DEMANGLED_BYTES = 4096 };

/*
 * Writes the name that `mangled` stands for, with its parameters or without them, and a terminator
 * to `to`. The length, or 0: it is not a mangled name, or is too long.
 */
size_t demangle(struct bytes mangled, bool parameters, char to[DEMANGLED_BYTES]);

#endif
