#include <criterion/criterion.h>

#include "metric/label.h"
#include "request/timers.h"

static struct timers timers;
static struct timer timer[TIMERS_MOST];

static void add(int label, uint64_t time_us)
{
    cr_assert_eq(timers_add(&timers, (uint16_t)label, time_us, 1), 0);
}

/* All of them, in `timer`. */
static uint32_t all(void)
{
    cr_assert_leq(timers.n, TIMERS_MOST);
    timers_copy(&timers, timer);
    return timers.n;
}

static void assert_timer(uint32_t at, int label, uint32_t count, uint64_t time_us)
{
    cr_assert_lt(at, all());
    cr_assert_eq(timer[at].label, label);
    cr_assert_eq(timer[at].count, count);
    cr_assert_eq(timer[at].time_us, time_us);
}

Test(timers, none_at_first)
{
    cr_assert_eq(all(), 0);
    cr_assert_not(timers_have(&timers, 1));
}

Test(timers, cumulative_time_and_count_per_label)
{
    add(7, 100);
    add(3, 5);
    add(7, 900);
    add(7, 0);
    cr_assert_eq(all(), 2);
    assert_timer(0, 7, 3, 1000);
    assert_timer(1, 3, 1, 5);
}

Test(timers, a_time_of_0_is_one)
{
    add(1, 0);
    assert_timer(0, 1, 1, 0);
    cr_assert(timers_have(&timers, 1));
    cr_assert_not(timers_have(&timers, 2));
}

Test(timers, the_first_need_no_memory)
{
    for (int i = 1; i <= TIMERS_HERE; i++)
        add(i, 1);
    cr_assert_null(timers.more);
    add(TIMERS_HERE + 1, 1);
    cr_assert_not_null(timers.more);
}

/* In the order in which they came, at every number of them. */
Test(timers, order_and_sums_over_blocks)
{
    for (int n = 1; n < TIMERS_MOST; n++) {
        add(1000 + n, (uint64_t)n);
        for (int i = 1; i <= n; i++)
            add(1000 + i, 1);
        cr_assert_eq(all(), (uint32_t)n);
    }
    for (int i = 1; i < TIMERS_MOST; i++) {
        uint32_t count = 1 + (uint32_t)(TIMERS_MOST - i);
        assert_timer((uint32_t)i - 1, 1000 + i, count, (uint64_t)i + count - 1);
        cr_assert(timers_have(&timers, (uint16_t)(1000 + i)));
    }
}

/* The last of the 255 is for those that find no place. */
Test(timers, past_255_time_counts_under_other)
{
    for (int i = 1; i <= 1000; i++)
        add(i, 2);
    cr_assert_eq(all(), TIMERS_MOST);
    for (int i = 1; i < TIMERS_MOST; i++)
        assert_timer((uint32_t)i - 1, i, 1, 2);
    assert_timer(TIMERS_MOST - 1, LABEL_OTHER, 1000 - (TIMERS_MOST - 1), 2 * (1000 - 254));
    cr_assert_not(timers_have(&timers, 1000));
    add(1, 2);
    assert_timer(0, 1, 2, 4);
}

Test(timers, other_that_came_early_takes_them_too)
{
    add(LABEL_OTHER, 1);
    for (int i = 1; i <= 300; i++)
        add(i, 1);
    cr_assert_leq(all(), TIMERS_MOST);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < timers.n; i++)
        sum += timer[i].time_us;
    cr_assert_eq(sum, 301, "nothing is lost");
    cr_assert_eq(timer[0].label, LABEL_OTHER);
    cr_assert_gt(timer[0].time_us, 1);
}

Test(timers, time_saturates)
{
    add(1, INT64_MAX - 1);
    add(1, 1);
    assert_timer(0, 1, 2, INT64_MAX);
    add(1, 1);
    add(1, UINT64_MAX);
    assert_timer(0, 1, 4, INT64_MAX);
    add(2, UINT64_MAX);
    assert_timer(1, 2, 1, INT64_MAX);
}

Test(timers, a_count_saturates)
{
    add(1, 1);
    timers.here[0].count = UINT32_MAX;
    add(1, 1);
    assert_timer(0, 1, UINT32_MAX, 2);
}

Test(timers, cleared_they_begin_anew)
{
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i <= 100; i++)
            add(i + round, 1);
        assert_timer(99, 100 + round, 1, 1);
        timers_clear(&timers);
        cr_assert_eq(all(), 0);
        cr_assert_not(timers_have(&timers, 50));
    }
}

Test(timers, cleared_they_give_their_blocks_back)
{
    for (int i = 1; i <= TIMERS_HERE + 1; i++)
        add(i, 1);
    struct block *block = timers.more;
    timers_clear(&timers);
    cr_assert_null(timers.more);
    cr_assert_eq(block_make(), block);
}
