#ifndef SHIM_REAL_H
#define SHIM_REAL_H

/*
 * real: the real calls that servers make for every request, on connections. In a process with one
 * thread libc's own are a system call and errno, and no more: what else they do is for threads that
 * are cancelled. So there they are made without libc's function in between. It is not for its few
 * instructions: the kernel fills the processor's stack of return addresses with its own, so that on
 * the way back from it each return is a guess that fails, and has cold lines before it. Three such
 * calls took a request of nginx 0.07 us.
 *
 * Where libc has to be asked, or the kernel says no, what follows is in functions of its own: the
 * others need no frame.
 */

#include <stdbool.h>
#include <sys/syscall.h>

#include "base/hot.h"
#include "base/kernel.h"
#include "libc.h"

#define FOLLOWED __attribute__((noinline)) HOT
#define BY_LIBC  __attribute__((noinline))

/* Whether they may be made so. */
static inline __attribute__((always_inline)) bool real_is_direct(void)
{
    return KERNEL_CALL && __builtin_expect(*libc.alone != 0, 1);
}

#endif
