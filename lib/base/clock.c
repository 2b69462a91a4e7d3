#include "base/clock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/hot.h"
#include "base/log.h"

/*
 * The rate is that of CLOCK_MONOTONIC_RAW, which the kernel has from the same counter: so it is
 * constant, and found from two readings, and a third that is not on their line tells a jump.
 *
 * Between the counter's two readings around the clocks' the processor may be taken away: how far
 * they are apart is how wrong the reading may be.
 */

enum { TRIES = 5, RATE_TO = 100000, LINE_TO = 20000 };
enum { TICKS_BETWEEN = 1 << 27 }; /* some 50 ms */

#define MEASURING_NS 10000000000ll /* two readings with more between them may have a jump there */

HOT_DATA struct clock_counter clock_counter;

static struct {
    bool usable, given_up;
    struct clock_reading first, last;
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

/* How many ticks may be missing between two readings, or too many; a tick is less than a ns. */
static int64_t doubt(const struct clock_reading *a, const struct clock_reading *b)
{
    return (int64_t)(a->ticks_meanwhile + b->ticks_meanwhile);
}

/* Whether the rate between two readings is right to a hundred-thousandth; not if the counter went
 * back. */
static bool far_enough(const struct clock_reading *a, const struct clock_reading *b)
{
    return doubt(a, b) <= (int64_t)(b->ticks - a->ticks) / RATE_TO;
}

/* Neither clock may have gone back between the two, nor may it be long ago. */
static bool near_enough(const struct clock_reading *a, const struct clock_reading *b)
{
    int64_t ns = (int64_t)(b->raw_ns - a->raw_ns);
    return ns > 0 && ns < MEASURING_NS;
}

/* The clock does not go back by it: at `ticks` the kernel's was no later than `now_ns`. */
static void read_counter(const struct clock_reading *now)
{
    uint64_t ticks = now->ticks - counter.first.ticks, ns = now->raw_ns - counter.first.raw_ns;
    int64_t rate = (int64_t)((double)ns / (double)ticks * 4294967296.0);
    clock_counter.ticks = now->ticks;
    clock_counter.ns = now->now_ns;
    atomic_store_explicit(&clock_counter.rate, rate, memory_order_release);
}

/* Whether the counter has gone on since the last reading as it did before. */
static bool on_line(const struct clock_reading *now, int64_t rate)
{
    uint64_t ns = now->raw_ns - counter.last.raw_ns;
    int64_t by_ticks =
        (int64_t)(clock_of_ticks(now->ticks, rate) - clock_of_ticks(counter.last.ticks, rate));
    return llabs(by_ticks - (int64_t)ns) <= doubt(&counter.last, now) + (int64_t)(ns / LINE_TO);
}

/* Time goes on from the last reading that was on the line, or from what was told since, if that is
 * more: it does not go back. */
static void give_up(const struct clock_reading *now, int64_t rate)
{
    uint64_t ns = clock_of_ticks(counter.last.ticks, rate) + now->raw_ns - counter.last.raw_ns;
    uint64_t told = clock_of_ticks(now->ticks, rate);
    if ((int64_t)(told - ns) > 0)
        ns = told;
    counter.given_up = true;
    atomic_store_explicit(&ahead_ns, ns - now->now_ns, memory_order_relaxed);
    atomic_store_explicit(&clock_counter.rate, 0, memory_order_release);
    log_line(LOG_WARN, BYTES("the processor's time stamp counter has jumped: a request's time may "
                             "have been wrong; from now on the kernel's clock is asked"));
}

void clock_take(const struct clock_reading *now)
{
    int64_t rate = atomic_load_explicit(&clock_counter.rate, memory_order_relaxed);
    if (counter.given_up)
        return;
    if (counter.first.ticks_meanwhile == 0 || (rate == 0 && !near_enough(&counter.first, now)))
        counter.first = *now;
    else if (rate == 0 && far_enough(&counter.first, now))
        read_counter(now);
    else if (rate != 0 && !on_line(now, rate))
        give_up(now, rate);
    counter.last = *now;
}

void clock_check(void)
{
    if (!counter.usable || counter.given_up || tsc_now() - counter.last.ticks < TICKS_BETWEEN)
        return;
    struct clock_reading now = read_well();
    clock_take(&now);
}

void clock_forget(void)
{
    counter.first = counter.last = (struct clock_reading){0};
}
