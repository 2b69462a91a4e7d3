#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/*
 * clock: the time, in nanoseconds. What reads it is safe anywhere.
 *
 * Every request asks for it twice, and by clock_gettime each time takes lines of the vDSO's code,
 * of its data and of libc's that have left the caches. So where the kernel keeps time by the
 * processor's counter (base/tsc.h) that is read here, once it is known at what rate it runs, and
 * for as long as the kernel's clock agrees.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/tsc.h"

/* Once per process, at start, as a server may shut itself into a folder later: whether the counter
 * may be read. Reads a file. */
void clock_begin(void);

/* The sender, as often as it likes: from time to time it is looked how fast the counter runs, or
 * whether it still runs so. One at a time. */
void clock_check(void);

/* In a forked child, while it has one thread: readings that the parent may not have finished are
 * dropped, and a jump since the last of them is not seen. The rate stays. */
void clock_forget(void);

/*
 * Since some start. It is CLOCK_MONOTONIC at first; once the counter is read it goes on as
 * CLOCK_MONOTONIC_RAW does, which nobody sets or slews. A thread does not see it go back, but for
 * what the kernel slews while one changes to the other (microseconds), and if the counter jumps, as
 * where a machine was suspended and its counter was not: then the clock does, too, until the next
 * clock_check, from which on the kernel's is asked for good. Another thread may be some 10 ns
 * behind.
 */
uint64_t clock_now_ns(void);

/* The same, in place: for what every request does. */
static inline uint64_t clock_read_ns(void);

/* CLOCK_MONOTONIC itself. */
uint64_t clock_monotonic_ns(void);

/* Since 1970 (CLOCK_REALTIME). */
uint64_t clock_wall_ns(void);

/* How the counter is read. `rate` is stored last; then nothing here changes, but `rate`, once. */
struct clock_counter {
    _Atomic int64_t rate; /* ns per tick, in 2^-32; 0: not known yet; CLOCK_GIVEN_UP */
    uint64_t ticks, ns;   /* of one moment */
};
#define CLOCK_GIVEN_UP (-1)
extern struct clock_counter clock_counter;

/* By the kernel, going on where the counter was given up. */
__attribute__((noinline)) uint64_t clock_by_kernel_ns(void);

/* The time when the counter stands at `ticks`, before or after clock_counter's; `rate` is that
 * one's, loaded with acquire, and above 0. */
static inline __attribute__((always_inline)) uint64_t clock_of_ticks(uint64_t ticks, int64_t rate)
{
    __int128 since = (int64_t)(ticks - clock_counter.ticks);
    return clock_counter.ns + (uint64_t)(int64_t)(since * rate >> 32);
}

static inline __attribute__((always_inline)) uint64_t clock_read_ns(void)
{
    int64_t rate = atomic_load_explicit(&clock_counter.rate, memory_order_acquire);
    if (__builtin_expect(rate <= 0, 0))
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
