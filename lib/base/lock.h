#ifndef BASE_LOCK_H
#define BASE_LOCK_H

/*
 * lock: a spin lock for sections of some tens of instructions, made for a host's threads: taking it
 * is one atomic operation when it is free, waiting is bounded, and one that a forked child inherits
 * from a thread it does not have counts as free. Zero it to begin. Not for signal handlers, unless
 * they can't interrupt a holder.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/process.h"

struct lock {
    _Atomic uint32_t holder_epoch; /* 0: free */
};

/* Waits a quarter of a second at most. False: somebody has held it all that time. */
__attribute__((noinline)) bool lock_contended(struct lock *lock);

static inline bool lock_take(struct lock *lock)
{
    uint32_t free = 0;
    if (__builtin_expect(
            atomic_compare_exchange_strong_explicit(&lock->holder_epoch, &free, process.epoch,
                                                    memory_order_acquire, memory_order_relaxed),
            1))
        return true;
    return lock_contended(lock);
}

static inline void lock_release(struct lock *lock)
{
    atomic_store_explicit(&lock->holder_epoch, 0, memory_order_release);
}

#endif
