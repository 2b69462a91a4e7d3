#ifndef SHIM_GUARD_H
#define SHIM_GUARD_H

/*
 * guard: says that this thread is inside us, and keeps the host's errno meanwhile. While it is up
 * every hook passes straight through: in a signal handler that interrupted us, in what our own
 * thread calls.
 */

#include <errno.h>
#include <stdbool.h>

extern __thread bool guard_up __attribute__((tls_model("initial-exec")));

struct guard {
    int host_errno;
};

static inline struct guard guard_raise(void)
{
    guard_up = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return (struct guard){errno};
}

static inline void guard_lower(struct guard guard)
{
    errno = guard.host_errno;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    guard_up = false;
}

#endif
