/*
 * confine: a thread of the host's that puts a seccomp filter on itself. Where the filter would kill
 * for a call of ours, what waits is sent before, and the process is left alone from then on.
 */
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "export.h"
#include "libc.h"
#include "life.h"

/* Declared with `...` for callers, see shim/syscall.c. */
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

EXPORT int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    if (option == PR_SET_SECCOMP)
        life_confined(a == SECCOMP_MODE_FILTER ? (const struct sock_fprog *)b : NULL,
                      a == SECCOMP_MODE_STRICT);
    return libc.prctl(option, a, b, c, d);
}
