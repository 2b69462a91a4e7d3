#ifndef BASE_OWN_STACK_H
#define BASE_OWN_STACK_H

/*
 * own_stack: a function that needs more stack than a host's thread may have left: its signal
 * handlers have some kilobytes, and so have its coroutines.
 */

#include <stddef.h>

/* Runs `run` on `n` bytes of fresh memory, whole pages, and returns when it has. Signals must be
 * blocked: a handler has not the host's stack there. 0; or, and then it did not run, -ENOMEM, or
 * -ENOSYS where this is not written for the processor. errno is what it leaves. */
int own_stack_run(void (*run)(void), size_t n);

#endif
