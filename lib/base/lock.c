#include "base/lock.h"

#include "base/sys.h"

/* A holder that is not running needs the processor to go on, so yield early. Each yield costs under
 * a microsecond when nobody else wants to run: the whole wait is some milliseconds. */
enum { SPINS = 64, YIELDS = 8192 };

static bool try_take(struct lock *lock)
{
    uint32_t holder = atomic_load_explicit(&lock->holder_epoch, memory_order_relaxed);
    if (holder == process.epoch)
        return false;
    return atomic_compare_exchange_strong_explicit(&lock->holder_epoch, &holder, process.epoch,
                                                   memory_order_acquire, memory_order_relaxed);
}

bool lock_contended(struct lock *lock)
{
    for (int i = 0; i < SPINS + YIELDS; i++) {
        if (try_take(lock))
            return true;
        if (i >= SPINS)
            sys_yield();
    }
    return false;
}
