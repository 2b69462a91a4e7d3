#include <criterion/criterion.h>

#include "live.h"
#include "request/current.h"
#include "threads.h"

static uint32_t settled, settled_number;

static void settle(void)
{
    settled++;
    settled_number = current_number;
}

static void begin(void)
{
    live_begin();
    current_watch(settle);
}

TestSuite(current, .init = begin, .timeout = 60);

static struct worker *begun(const char *id)
{
    struct worker *worker = live_worker(id);
    worker_begin(worker, thread_self());
    return worker;
}

static void end(struct worker *worker)
{
    worker_end(worker, thread_self(), 200, OUTCOME_DONE, 5000);
    worker_free(worker);
}

Test(current, none_at_first)
{
    cr_assert_eq(current_number, 0);
}

Test(current, the_one_request_of_the_thread)
{
    struct worker *worker = begun("one");
    uint32_t first = current_number;
    cr_assert_neq(first, 0);
    end(worker);
    cr_assert_eq(current_number, 0);
    cr_assert_eq(settled, 1);
    cr_assert_eq(settled_number, first, "it is current while it settles");
    worker = begun("two");
    cr_assert_neq(current_number, 0);
    cr_assert_neq(current_number, first);
    end(worker);
}

Test(current, of_two_none_until_both_have_ended)
{
    struct worker *one = begun("one"), *two = begun("two");
    cr_assert_eq(current_number, 0);
    cr_assert_eq(settled, 1);
    end(two);
    cr_assert_eq(current_number, 0);
    end(one);
    cr_assert_eq(current_number, 0);
    struct worker *three = begun("three");
    cr_assert_neq(current_number, 0);
    end(three);
}

Test(current, what_is_added_is_its_timers)
{
    struct worker *worker = begun("one");
    current_add(7, 5000000, 3);
    current_add(7, 1000000, 1);
    struct notes *notes = worker_take_notes(worker);
    struct timer timer[TIMERS_MOST];
    cr_assert_eq(notes->timers.n, 1);
    timers_copy(&notes->timers, timer);
    cr_assert_eq(timer[0].label, 7);
    cr_assert_eq(timer[0].count, 4);
    cr_assert_eq(timer[0].time_us, 6000);
    end(worker);
    current_add(7, 5000000, 3);
}

static struct worker *given;

static void *take_over(void *nothing)
{
    (void)nothing;
    worker_served_by(given, thread_self());
    return current_number == 0 ? NULL : "current where it did not begin";
}

Test(current, what_another_thread_took_over_gets_nothing)
{
    given = begun("one");
    cr_assert(on_threads(1, take_over));
    current_add(7, 5000000, 3);
    cr_assert_eq(worker_take_notes(given)->timers.n, 0);
}

Test(current, a_forked_childs_is_none)
{
    begun("one");
    current_forget();
    cr_assert_eq(current_number, 0);
    current_add(7, 5000000, 3);
}
