#include "base/clock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/hot.h"
#include "base/log.h"

/*
 * The rate is that of CLOCK_MONOTONIC_RAW, which the kernel has from the same counter, so it is
 * constant: three readings on one line give it, and a later one that is not on it tells a jump.
 *
 * Between the counter's two readings around the clocks' the processor may be taken away: how far
 * they are apart is how wrong the reading may be.
 */

/* One part in so many: what the rate may be wrong by where nothing jumps, and with room for that,
 * what a reading may be off the line: a jump of less than that is not seen. */
enum { RATE_TO = 100000, LINE_TO = 20000 };

/* Of TRIES the best is taken; readings cost a microsecond, so they are some 50 ms apart. */
enum { TRIES = 5, TICKS_BETWEEN = 1 << 27 };

HOT_DATA struct clock_counter clock_counter;

static struct {
    bool usable;
    struct clock_reading first, last; /* no ticks_meanwhile: none */
} counter;
static _Atomic uint64_t ahead_ns; /* of the kernel's clock, once the counter was given up */

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

uint64_t clock_by_kernel_ns(void)
{
    return clock_monotonic_ns() + atomic_load_explicit(&ahead_ns, memory_order_relaxed);
}

uint64_t clock_now_ns(void)
{
    return clock_read_ns();
}

void clock_begin(void)
{
    counter.usable = tsc_keeps_time();
}

static struct clock_reading read_once(void)
{
    struct clock_reading reading = {.ticks = tsc_now()};
    reading.now_ns = clock_monotonic_ns();
    reading.raw_ns = read_ns(CLOCK_MONOTONIC_RAW);
    reading.ticks_meanwhile = tsc_now() - reading.ticks;
    return reading;
}

static struct clock_reading read_well(void)
{
    struct clock_reading best = read_once();
    for (int i = 1; i < TRIES; i++) {
        struct clock_reading reading = read_once();
        if (reading.ticks_meanwhile < best.ticks_meanwhile)
            best = reading;
    }
    return best;
}

static bool is_there(const struct clock_reading *reading)
{
    return reading->ticks_meanwhile != 0;
}

static int64_t ticks_between(const struct clock_reading *a, const struct clock_reading *b)
{
    return (int64_t)(b->ticks - a->ticks);
}

static int64_t ns_between(const struct clock_reading *a, const struct clock_reading *b)
{
    return (int64_t)(b->raw_ns - a->raw_ns);
}

/* How many ticks may be missing between two readings, or too many; a tick is about a ns, or less.
 */
static int64_t doubt(const struct clock_reading *a, const struct clock_reading *b)
{
    return (int64_t)(a->ticks_meanwhile + b->ticks_meanwhile);
}

static int64_t rate_between(const struct clock_reading *a, const struct clock_reading *b)
{
    return (int64_t)((double)ns_between(a, b) / (double)ticks_between(a, b) * 4294967296.0);
}

/* Whether the counter has gone on at this rate. */
static bool on_line(const struct clock_reading *a, const struct clock_reading *b, int64_t rate)
{
    int64_t ns = ns_between(a, b);
    int64_t by_ticks = (int64_t)((__int128)ticks_between(a, b) * rate >> 32);
    return llabs(by_ticks - ns) <= doubt(a, b) + ns / LINE_TO;
}

/* From now on the counter is read: at `ticks` the kernel's clock was no later than `now_ns`. */
static void read_counter(const struct clock_reading *now, int64_t rate)
{
    clock_counter.ticks = now->ticks;
    clock_counter.ns = now->now_ns;
    atomic_store_explicit(&clock_counter.rate, rate, memory_order_release);
}

/* Whether they are so far apart that their doubt is one part in so many, or less. */
static bool far_enough(const struct clock_reading *a, const struct clock_reading *b, int64_t parts)
{
    return doubt(a, b) <= ticks_between(a, b) / parts;
}

/* With a third reading amid the first one and this: what jumps between two of them shows beside the
 * other two, and all begins anew. */
static void measure(const struct clock_reading *now)
{
    const struct clock_reading *first = &counter.first, *amid = &counter.last;
    if (!is_there(first) || ticks_between(amid, now) <= 0) {
        counter.first = counter.last = *now;
        return;
    }
    if (amid->ticks == first->ticks) {
        if (far_enough(first, now, LINE_TO))
            counter.last = *now;
        return;
    }
    if (!far_enough(first, now, RATE_TO))
        return;
    int64_t rate = rate_between(first, now);
    if (rate > 0 && on_line(first, amid, rate) && on_line(amid, now, rate))
        read_counter(now, rate);
    else
        counter.first = *now;
    counter.last = *now;
}

/* Time goes on from the last reading that was on the line, or from what was told since, if that is
 * more: it does not go back. */
static void give_up(const struct clock_reading *now, int64_t rate)
{
    uint64_t ns = clock_of_ticks(counter.last.ticks, rate) + now->raw_ns - counter.last.raw_ns;
    uint64_t told = clock_of_ticks(now->ticks + now->ticks_meanwhile, rate);
    if ((int64_t)(told - ns) > 0)
        ns = told;
    atomic_store_explicit(&ahead_ns, ns - now->now_ns, memory_order_relaxed);
    atomic_store_explicit(&clock_counter.rate, CLOCK_GIVEN_UP, memory_order_release);
    log_line(LOG_WARN,
             BYTES("the processor's time stamp counter does not run as the kernel's clock "
                   "does any more: a request's time may have been wrong; from now on the "
                   "kernel's clock is asked"));
}

/* A reading that leaves much in doubt is compared, but the next one not with it. */
static void watch(const struct clock_reading *now, int64_t rate)
{
    if (!is_there(&counter.last))
        counter.last = *now;
    else if (!on_line(&counter.last, now, rate))
        give_up(now, rate);
    else if (far_enough(&counter.last, now, LINE_TO))
        counter.last = *now;
}

void clock_take(const struct clock_reading *now)
{
    int64_t rate = atomic_load_explicit(&clock_counter.rate, memory_order_relaxed);
    if (rate == 0)
        measure(now);
    else if (rate > 0)
        watch(now, rate);
}

void clock_check(void)
{
    if (!counter.usable || tsc_now() - counter.last.ticks < TICKS_BETWEEN ||
        atomic_load_explicit(&clock_counter.rate, memory_order_relaxed) == CLOCK_GIVEN_UP)
        return;
    struct clock_reading now = read_well();
    clock_take(&now);
}

void clock_forget(void)
{
    counter.first = counter.last = (struct clock_reading){0};
}
