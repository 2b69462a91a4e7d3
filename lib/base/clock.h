#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/*
 * clock: the time, in nanoseconds. Safe anywhere, but for clock_begin and clock_check.
 *
 * Every request asks for it twice, and by clock_gettime each time takes lines of the vDSO's code,
 * of its data and of libc's that have left the caches. So where the kernel keeps time by the
 * processor's counter (base/tsc.h) that is read here, once it is known at what rate it runs, and
 * for as long as the kernel's clock agrees.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/tsc.h"

/* Once per process, at start: whether the counter may be read. Reads a file. */
void clock_begin(void);

/* The sender, now and then: how fast the counter runs, or whether it still runs so. One at a time.
 */
void clock_check(void);

/* In a forked child: what the parent had half done is left. */
void clock_forget(void);

/*
 * Since some start; never goes back. It is CLOCK_MONOTONIC at first, and goes on as
 * CLOCK_MONOTONIC_RAW does, which nobody sets or slews, once the counter is read. If that jumps (a
 * machine that was suspended without it, or moved), a wrong time is told until the next
 * clock_check.
 */
uint64_t clock_now_ns(void);

/* The same, in place: for what every request does. */
static inline uint64_t clock_read_ns(void);

/* CLOCK_MONOTONIC itself. */
uint64_t clock_monotonic_ns(void);

/* Since 1970 (CLOCK_REALTIME). */
uint64_t clock_wall_ns(void);

/* How the counter is read: `rate` last, and then nothing any more but `rate` 0. */
struct clock_counter {
    _Atomic int64_t rate; /* ns per tick, in 2^-32; 0: it is not read */
    uint64_t ticks, ns;   /* at some time in the past */
};
extern struct clock_counter clock_counter;

/* By the kernel, going on where the counter was given up. */
__attribute__((noinline)) uint64_t clock_by_kernel_ns(void);

static inline __attribute__((always_inline)) uint64_t clock_of_ticks(uint64_t ticks, int64_t rate)
{
    __int128 since = (int64_t)(ticks - clock_counter.ticks);
    return clock_counter.ns + (uint64_t)(int64_t)(since * rate >> 32);
}

static inline __attribute__((always_inline)) uint64_t clock_read_ns(void)
{
    int64_t rate = atomic_load_explicit(&clock_counter.rate, memory_order_acquire);
    if (__builtin_expect(rate == 0, 0))
        return clock_by_kernel_ns();
    return clock_of_ticks(tsc_now(), rate);
}

/* What clock_check does with what it has read; for it, and for tests. */
struct clock_reading {
    uint64_t ticks;           /* before the two */
    uint64_t ticks_meanwhile; /* until after them; 0: no reading */
    uint64_t raw_ns, now_ns;  /* CLOCK_MONOTONIC_RAW and CLOCK_MONOTONIC */
};
void clock_take(const struct clock_reading *reading);

#endif
