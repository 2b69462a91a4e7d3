#include "send/shift.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

#include "base/bare_thread.h"
#include "base/process.h"
#include "base/sys.h"

#define LONG_NS 60000000000ull

/* Numbers of threads: the newest each. */
static _Atomic uint32_t entered, may_leave, left, may_go;

static void begin(void)
{
    process_begin();
    bare_thread_measure();
}

TestSuite(shift, .init = begin, .timeout = 60);

/* Bounded by the suite's timeout. */
static void wait_for(_Atomic uint32_t *word, uint32_t value)
{
    uint32_t now;
    while ((now = atomic_load(word)) < value)
        sys_futex_wait((const uint32_t *)word, now, UINT64_MAX);
}

static void tell(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store(word, value);
    sys_futex_wake((const uint32_t *)word);
}

/* Ends when it may. The first is not gone then, as one that the machine gives no processor; and
 * when it may go, it takes its time: who does not wait for it finds it there. */
static void leave_one_by_one(void)
{
    static const uint32_t never = 0;
    uint32_t number = shift_enter();
    tell(&entered, number);
    wait_for(&may_leave, number);
    shift_end(number);
    tell(&left, number);
    if (number > 1)
        return;
    wait_for(&may_go, 1);
    sys_futex_wait(&never, 0, 50000000);
}

static void start(uint32_t number)
{
    cr_assert_eq(shift_start(leave_one_by_one, false), 0);
    wait_for(&entered, number);
}

static void end(uint32_t number)
{
    tell(&may_leave, number);
    wait_for(&left, number);
}

Test(shift, the_next_ones_start_while_one_is_not_quite_gone)
{
    unsigned threads = process_threads();
    start(1);
    end(1);
    for (uint32_t i = 2; i < 5; i++) {
        start(i);
        end(i);
        while (process_threads() > threads + 1)
            sys_yield();
    }
}

static void let_all_go(void)
{
    tell(&may_leave, 2);
    tell(&may_go, 1);
}

Test(shift, who_retires_one_waits_until_those_before_are_gone_too)
{
    unsigned threads = process_threads();
    start(1);
    end(1);
    start(2);
    cr_assert_eq(process_threads(), threads + 2);
    cr_assert(shift_retire(LONG_NS, let_all_go));
    cr_assert_eq(process_threads(), threads);
}

/* The first says that it has ended when the second, which stays, has said so. */
static void end_the_other_way_round(void)
{
    uint32_t number = shift_enter();
    tell(&entered, number);
    if (number == 1)
        wait_for(&left, 2);
    shift_end(number);
    tell(number == 1 ? &may_leave : &left, number);
    if (number == 2)
        wait_for(&may_go, 2);
}

static void wake_nobody(void)
{
    cr_assert_fail("none is there that could be asked");
}

Test(shift, an_end_that_comes_late_is_of_its_own_thread)
{
    cr_assert_eq(shift_start(end_the_other_way_round, false), 0);
    wait_for(&entered, 1);
    cr_assert_eq(shift_start(end_the_other_way_round, false), 0);
    wait_for(&may_leave, 1);
    cr_assert_not(shift_retire(LONG_NS, wake_nobody));
    tell(&may_go, 2);
}
