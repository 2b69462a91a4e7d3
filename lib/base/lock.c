#include "base/lock.h"

#include "base/clock.h"
#include "base/sys.h"

/*
 * A holder that is not running needs the processor to go on: yield early, and since on a busy
 * machine its turn can be some scheduler's slices away, sleep then. Only a holder that is gone for
 * ever (a thread cancelled in these few instructions) is waited for to the end: a quarter of a
 * second.
 */
enum { SPINS = 64, YIELDS = 1024, NAP_NS = 1000000, PATIENCE_NS = 250000000 };

static bool try_take(struct lock *lock)
{
    uint32_t holder = atomic_load_explicit(&lock->holder_epoch, memory_order_relaxed);
    if (holder == process.epoch)
        return false;
    return atomic_compare_exchange_strong_explicit(&lock->holder_epoch, &holder, process.epoch,
                                                   memory_order_acquire, memory_order_relaxed);
}

static void nap(void)
{
    static const uint32_t never = 0;
    sys_futex_wait(&never, 0, NAP_NS);
}

bool lock_contended(struct lock *lock)
{
    for (int i = 0; i < SPINS; i++)
        if (try_take(lock))
            return true;
    uint64_t since = clock_now_ns();
    for (int i = 0; clock_now_ns() - since < PATIENCE_NS; i++) {
        if (try_take(lock))
            return true;
        if (i < YIELDS)
            sys_yield();
        else
            nap();
    }
    return false;
}
