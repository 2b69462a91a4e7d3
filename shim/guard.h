#ifndef SHIM_GUARD_H
#define SHIM_GUARD_H

/*
 * guard: says that this thread is inside us. While it is up every hook passes straight through: in a
 * signal handler that interrupted us, in what our own thread calls. The host's errno needs no
 * keeping here: what is called under the guard leaves it alone (lib/base/sys.h), and the few of
 * libc's functions that might not are called with it put aside.
 */

#include <stdbool.h>

extern __thread bool guard_up __attribute__((tls_model("initial-exec")));

static inline void guard_raise(void)
{
    guard_up = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void guard_lower(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    guard_up = false;
}

#endif
