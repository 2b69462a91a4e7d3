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
    cr_assert_eq(clock_counter.rate > 0, tsc_keeps_time());
    return clock_counter.rate > 0;
}

/* A processor with a counter of 2.5 GHz, a reading of which takes 100 ticks, and a kernel that
 * slews its clock by a tenth. */
static struct clock_reading at(uint64_t raw_ns)
{
    return (struct clock_reading){1000 + raw_ns / 2 * 5, 100, 77 * (uint64_t)SECOND + raw_ns,
                                  5 + raw_ns + raw_ns / 10};
}

static void take(uint64_t ns)
{
    struct clock_reading reading = at(ns);
    clock_take(&reading);
}

static void known(void)
{
    take(0);
    take(SECOND / 2);
    take(SECOND);
    cr_assert_gt(clock_counter.rate, 0);
}

static uint64_t told(uint64_t raw_ns)
{
    return clock_of_ticks(at(raw_ns).ticks, clock_counter.rate);
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
    uint64_t before = clock_monotonic_ns(), now = clock_now_ns(), after = clock_monotonic_ns();
    cr_assert_leq(before - SECOND / 100, now);
    cr_assert_leq(now, after + SECOND / 100);
}

Test(base_clock, a_time_is_as_long_as_by_the_kernels_clock)
{
    if (!settle())
        return;
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
    take(4000000);
    take(7999999);
    cr_assert_eq(clock_counter.rate, 0,
                 "2 * 100 ticks are more than a hundred-thousandth of 19,999,997");
    take(8000000);
    cr_assert_float_eq((double)clock_counter.rate / 4294967296.0, 0.4, 1e-9);
    cr_assert_eq(told(8000000), at(8000000).now_ns, "it goes on from the kernel's clock");
    uint64_t later = told(8000000 + SECOND) - told(8000000);
    cr_assert_leq(llabs((int64_t)later - SECOND), 1, "as the clock does that nobody slews");
}

Test(base_clock, a_reading_that_was_interrupted_is_not_enough)
{
    struct clock_reading late = at(8000000);
    late.ticks_meanwhile = 101;
    take(0);
    take(4000000);
    clock_take(&late);
    cr_assert_eq(clock_counter.rate, 0);
}

static struct clock_reading after_a_jump(uint64_t raw_ns, int64_t ticks)
{
    struct clock_reading reading = at(raw_ns);
    reading.ticks += (uint64_t)ticks;
    return reading;
}

/* From now on all readings are after a jump: the rate is measured right, or not at all. */
static void check_measured_from(uint64_t raw_ns, uint64_t step_ns, int64_t jump)
{
    for (int i = 0; i < 20; i++) {
        struct clock_reading reading = after_a_jump(raw_ns + (uint64_t)i * step_ns, jump);
        clock_take(&reading);
        if (clock_counter.rate != 0)
            cr_assert_float_eq((double)clock_counter.rate / 4294967296.0, 0.4, 1e-9);
    }
    cr_assert_gt(clock_counter.rate, 0);
}

static void check_measured(int64_t jump)
{
    check_measured_from(200 * (uint64_t)SECOND, SECOND, jump);
}

Test(base_clock, a_jump_before_the_rate_is_known)
{
    static const int64_t jumps[] = {1000000, 1ll << 50, -1000000, -200 * 5 * (int64_t)SECOND / 2};
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        clock_counter.rate = 0;
        clock_forget();
        take(199 * (uint64_t)SECOND);
        check_measured(jumps[i]);
    }
}

Test(base_clock, a_jump_as_the_rate_was_about_to_be_known)
{
    take(198 * (uint64_t)SECOND);
    take(199 * (uint64_t)SECOND);
    check_measured(1000000);
}

/* Between the readings is far more time on one side of the jump than on the other. */
Test(base_clock, a_jump_in_a_long_rest_before_the_rate_is_known)
{
    static const uint64_t rests[] = {600, 86400};
    for (size_t i = 0; i < 2; i++) {
        clock_counter.rate = 0;
        clock_forget();
        take(0);
        take(50000000);
        check_measured_from(rests[i] * SECOND, SECOND, (int64_t)(rests[i] / 3 * SECOND));
    }
}

Test(base_clock, a_jump_after_a_long_rest_before_the_rate_is_known)
{
    take(0);
    take(86400 * (uint64_t)SECOND);
    check_measured_from(86401 * (uint64_t)SECOND, SECOND, 5 * (int64_t)SECOND);
}

Test(base_clock, a_reading_in_doubt_amid_two_hides_no_jump)
{
    struct clock_reading doubtful = at(50000000);
    doubtful.ticks_meanwhile = 2500000; /* 1 ms */
    take(0);
    clock_take(&doubtful);
    check_measured_from(100000000, 50000000, 5000000); /* 2 ms */
}

Test(base_clock, a_clock_that_went_back_at_once)
{
    take(300 * (uint64_t)SECOND);
    struct clock_reading back = at(301 * (uint64_t)SECOND);
    back.raw_ns = at(0).raw_ns;
    clock_take(&back);
    cr_assert_eq(clock_counter.rate, 0);
    check_measured(1ll << 50);
}

Test(base_clock, a_counter_that_goes_on_evenly_is_read_on)
{
    take(0);
    for (uint64_t ns = SECOND; ns < 86400 * (uint64_t)SECOND; ns += ns / 3)
        take(ns);
    cr_assert_gt(clock_counter.rate, 0);
}

/* From what was told last the kernel's clock goes on; the counter is not read again. */
static void check_jump(int64_t ticks, uint64_t meanwhile)
{
    known();
    take(2 * (uint64_t)SECOND);
    struct clock_reading later = after_a_jump(3 * (uint64_t)SECOND, ticks);
    later.ticks_meanwhile = meanwhile;
    uint64_t right = told(3 * (uint64_t)SECOND);
    uint64_t jumped = clock_of_ticks(later.ticks + meanwhile, clock_counter.rate);
    clock_take(&later);
    cr_assert_eq(clock_counter.rate, CLOCK_GIVEN_UP, "%ld ticks were not seen", (long)ticks);
    uint64_t last = ticks > 0 ? jumped : right;
    int64_t ahead = (int64_t)(clock_now_ns() - clock_monotonic_ns());
    cr_assert_leq(llabs(ahead - (int64_t)(last - later.now_ns)), SECOND / 1000);
    for (uint64_t ns = 4; ns < 10; ns++)
        take(ns * SECOND);
    cr_assert_eq(clock_counter.rate, CLOCK_GIVEN_UP);
}

Test(base_clock, a_jump_forward_is_seen)
{
    check_jump(200000, 100);
}

Test(base_clock, time_does_not_go_back_after_a_long_jump)
{
    check_jump(1ll << 50, 10000000);
}

Test(base_clock, a_jump_back_is_seen)
{
    check_jump(-200000, 100);
}

Test(base_clock, a_jump_to_zero_is_seen)
{
    check_jump(-(int64_t)at(3 * (uint64_t)SECOND).ticks, 100);
}

Test(base_clock, what_is_within_the_readings_doubt_is_no_jump)
{
    known();
    struct clock_reading later = after_a_jump(2 * (uint64_t)SECOND, 20000); /* 8 us of a second */
    clock_take(&later);
    cr_assert_gt(clock_counter.rate, 0);
    later = after_a_jump(3 * (uint64_t)SECOND, 1000000);
    later.ticks_meanwhile = 1000000; /* the processor was away */
    clock_take(&later);
    cr_assert_gt(clock_counter.rate, 0);
}

Test(base_clock, what_comes_after_a_reading_in_doubt_is_not_compared_with_it)
{
    known();
    struct clock_reading doubtful = at(2 * (uint64_t)SECOND);
    doubtful.ticks_meanwhile = 5000000; /* 2 ms */
    clock_take(&doubtful);
    cr_assert_gt(clock_counter.rate, 0);
    struct clock_reading jumped = after_a_jump(3 * (uint64_t)SECOND, 2500000); /* 1 ms */
    clock_take(&jumped);
    cr_assert_eq(clock_counter.rate, CLOCK_GIVEN_UP);
}

Test(base_clock, a_child_measures_anew_what_was_not_done)
{
    take(0);
    take(SECOND / 2);
    clock_forget();
    take(SECOND);
    take(2 * (uint64_t)SECOND);
    cr_assert_eq(clock_counter.rate, 0, "the readings before were the parent's");
    take(3 * (uint64_t)SECOND);
    cr_assert_gt(clock_counter.rate, 0);
}

Test(base_clock, a_child_goes_on_with_the_parents_rate)
{
    known();
    int64_t rate = clock_counter.rate;
    clock_forget();
    struct clock_reading torn = after_a_jump(2 * (uint64_t)SECOND, 200000);
    clock_take(&torn);
    cr_assert_eq(clock_counter.rate, rate, "what it is compared with was the parent's");
    take(3 * (uint64_t)SECOND);
    cr_assert_eq(clock_counter.rate, CLOCK_GIVEN_UP);
}
