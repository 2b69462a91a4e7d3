#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { SECOND = 1000000000, PATIENCE_NS = 2000000000 };

static uint64_t raw_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* Until the counter is read; false where it can't be. */
static bool settle(void)
{
    clock_begin();
    for (uint64_t since = clock_monotonic_ns();
         clock_counter.rate == 0 && clock_monotonic_ns() - since < PATIENCE_NS;)
        clock_check();
    cr_assert_eq(clock_counter.rate != 0, tsc_keeps_time());
    return clock_counter.rate != 0;
}

/* A processor with a counter of 2.5 GHz, a reading of which takes 100 ticks. */
static struct clock_reading at(uint64_t raw_ns)
{
    return (struct clock_reading){1000 + raw_ns / 2 * 5, 100, 77 * (uint64_t)SECOND + raw_ns,
                                  5 + raw_ns};
}

static void take(uint64_t ns)
{
    struct clock_reading reading = at(ns);
    clock_take(&reading);
}

Test(base_clock, is_the_kernels_until_the_counter_is_known)
{
    uint64_t before = clock_monotonic_ns(), now = clock_now_ns(), after = clock_monotonic_ns();
    cr_assert_leq(before, now);
    cr_assert_leq(now, after);
}

Test(base_clock, goes_on_as_it_did_once_the_counter_is_known)
{
    uint64_t last = clock_now_ns();
    clock_begin();
    for (uint64_t since = last; last - since < PATIENCE_NS && clock_counter.rate == 0;) {
        clock_check();
        uint64_t now = clock_now_ns();
        cr_assert_leq(last, now);
        last = now;
    }
    for (int i = 0; i < 1000000; i++) {
        uint64_t now = clock_now_ns();
        cr_assert_leq(last, now);
        last = now;
    }
    int64_t off = (int64_t)(clock_now_ns() - clock_monotonic_ns());
    cr_assert_lt(llabs(off), SECOND / 1000, "%ld ns off", (long)off);
}

Test(base_clock, a_time_is_as_long_as_by_the_kernels_clock)
{
    settle();
    for (int i = 0; i < 10; i++) {
        uint64_t outer = raw_ns(), since = clock_now_ns(), inner = raw_ns();
        while (raw_ns() - inner < 10000000)
            continue;
        uint64_t least = raw_ns() - inner, took = clock_now_ns() - since, most = raw_ns() - outer;
        cr_assert_geq(took, least - least / 10000);
        cr_assert_leq(took, most + most / 10000);
    }
}

Test(base_clock, both_ways_to_read_it_tell_the_same)
{
    settle();
    for (int i = 0; i < 100000; i++) {
        uint64_t before = clock_read_ns(), now = clock_now_ns(), after = clock_read_ns();
        cr_assert_leq(before, now);
        cr_assert_leq(now, after);
    }
}

Test(base_clock, the_rate_is_known_from_readings_far_enough_apart)
{
    take(0);
    take(7999999);
    cr_assert_eq(clock_counter.rate, 0,
                 "2 * 100 ticks are more than a hundred-thousandth of 19,999,997");
    take(8000000);
    cr_assert_float_eq((double)clock_counter.rate / 4294967296.0, 0.4, 1e-9);
    cr_assert_leq(
        llabs((int64_t)(clock_of_ticks(at(SECOND).ticks, clock_counter.rate) - SECOND - 5)), 1);
}

Test(base_clock, a_reading_that_was_interrupted_is_not_enough)
{
    struct clock_reading late = at(8000000);
    late.ticks_meanwhile = 101;
    take(0);
    clock_take(&late);
    cr_assert_eq(clock_counter.rate, 0);
}

Test(base_clock, a_counter_that_went_back_at_once_is_not_read)
{
    take(SECOND);
    struct clock_reading back = at(2 * (uint64_t)SECOND);
    back.ticks = 0;
    clock_take(&back);
    cr_assert_eq(clock_counter.rate, 0);
}

Test(base_clock, a_counter_that_goes_on_evenly_is_read_on)
{
    take(0);
    for (uint64_t ns = SECOND; ns < 86400 * (uint64_t)SECOND; ns += ns / 3)
        take(ns);
    cr_assert_neq(clock_counter.rate, 0);
}

/* Time goes on from the last reading that was right, as the kernel's clock does. */
static void jumps(int64_t ticks)
{
    take(0);
    take(SECOND);
    struct clock_reading later = at(2 * (uint64_t)SECOND);
    later.ticks += (uint64_t)ticks;
    later.now_ns -= 7; /* the kernel's clock was slewed meanwhile */
    clock_take(&later);
    cr_assert_eq(clock_counter.rate, 0, "a jump by %ld ticks was not seen", (long)ticks);
    uint64_t before = clock_monotonic_ns(), now = clock_now_ns(), after = clock_monotonic_ns();
    cr_assert_leq(before + 7 - 1, now);
    cr_assert_leq(now, after + 7 + 1);
}

Test(base_clock, a_jump_forward_is_seen)
{
    jumps(200000);
}

Test(base_clock, a_jump_back_is_seen)
{
    jumps(-200000);
}

Test(base_clock, a_jump_to_zero_is_seen)
{
    jumps(-(int64_t)at(2 * (uint64_t)SECOND).ticks);
}

Test(base_clock, what_is_within_the_readings_doubt_is_no_jump)
{
    take(0);
    take(SECOND);
    struct clock_reading later = at(2 * (uint64_t)SECOND);
    later.ticks += 20000; /* 8 us of a second */
    clock_take(&later);
    cr_assert_neq(clock_counter.rate, 0);
}

Test(base_clock, a_child_goes_on_with_the_parents_rate_and_measures_one_that_is_not_done)
{
    take(0);
    clock_forget();
    take(SECOND);
    cr_assert_eq(clock_counter.rate, 0, "the reading before was the parent's");
    take(2 * (uint64_t)SECOND);
    int64_t rate = clock_counter.rate;
    cr_assert_neq(rate, 0);
    clock_forget();
    take(3 * (uint64_t)SECOND);
    cr_assert_eq(clock_counter.rate, rate);
    take(4 * (uint64_t)SECOND);
    cr_assert_eq(clock_counter.rate, rate);
}
