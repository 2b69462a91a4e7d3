#include "send/shift.h"

#include <stdatomic.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/sys.h"

/* So long before the time is up the thread takes it for past: it must not take itself for awaited
 * when who waited has just left. */
#define MARGIN_NS 1000000

static struct {
    _Atomic uint32_t begun, asked, over; /* numbers of threads, the newest each */
    _Atomic pid_t tid;                   /* 0: it does not run yet */
    _Atomic uint64_t awaited_until_ns;
} shift;

void shift_begin(void)
{
    atomic_store(&shift.tid, 0);
    atomic_fetch_add(&shift.begun, 1);
}

void shift_failed(void)
{
    shift_end(atomic_load(&shift.begun));
}

uint32_t shift_enter(void)
{
    atomic_store(&shift.tid, sys_gettid());
    return atomic_load(&shift.begun);
}

void shift_end(uint32_t number)
{
    atomic_store(&shift.over, number);
    sys_futex_wake((const uint32_t *)&shift.over);
}

static bool reached(const _Atomic uint32_t *newest, uint32_t number)
{
    return (int32_t)(atomic_load(newest) - number) >= 0;
}

bool shift_asked(void)
{
    uint32_t number = atomic_load(&shift.begun);
    return reached(&shift.asked, number) && !reached(&shift.over, number);
}

bool shift_awaited(void)
{
    return clock_now_ns() + MARGIN_NS < atomic_load(&shift.awaited_until_ns);
}

/* In a child that a raw clone made there is what its parent's memory says, but no thread. */
static bool is_here(void)
{
    pid_t tid = atomic_load(&shift.tid);
    return tid == 0 || sys_thread_exists(sys_getpid(), tid) == 0;
}

static void ask(uint32_t number)
{
    uint32_t asked = atomic_load(&shift.asked);
    while ((int32_t)(number - asked) > 0 &&
           !atomic_compare_exchange_weak(&shift.asked, &asked, number))
        ;
}

/* The kernel counts a thread for some microseconds more, of which the caller may be told (unshare).
 */
static void wait_until_gone(uint32_t number, uint64_t deadline)
{
    while (atomic_load(&shift.begun) == number && is_here() && clock_now_ns() < deadline)
        sys_yield();
}

static bool wait_for_end(uint32_t number, uint64_t deadline)
{
    uint64_t now = clock_now_ns();
    uint32_t over;
    while (over = atomic_load(&shift.over), !reached(&shift.over, number) && now < deadline) {
        sys_futex_wait((const uint32_t *)&shift.over, over, deadline - now);
        now = clock_now_ns();
    }
    wait_until_gone(number, deadline);
    return reached(&shift.over, number);
}

bool shift_retire(uint64_t patience_ns, void (*wake)(void))
{
    uint32_t number = atomic_load(&shift.begun);
    uint64_t now = clock_now_ns();
    if (reached(&shift.over, number) || !is_here() ||
        (reached(&shift.asked, number) && now >= atomic_load(&shift.awaited_until_ns)))
        return false;
    atomic_store(&shift.awaited_until_ns, now + patience_ns);
    ask(number);
    wake();
    return wait_for_end(number, now + patience_ns);
}

void shift_forget(void)
{
    atomic_store(&shift.over, atomic_load(&shift.begun));
}
