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

/* Ends when it may, and is not gone then, as one that the machine gives no processor. */
static void linger(void)
{
    uint32_t number = shift_enter();
    tell(&entered, number);
    wait_for(&may_leave, number);
    shift_end(number);
    tell(&left, number);
    wait_for(&may_go, number);
}

static void start(uint32_t number)
{
    cr_assert_eq(shift_start(linger, false), 0);
    wait_for(&entered, number);
}

static void end(uint32_t number)
{
    tell(&may_leave, number);
    wait_for(&left, number);
}

Test(shift, the_next_one_starts_while_the_one_before_is_not_quite_gone)
{
    start(1);
    end(1);
    start(2);
    tell(&may_go, 1);
    end(2);
    start(3);
}

static void let_all_go(void)
{
    tell(&may_leave, 2);
    tell(&may_go, 2);
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

static _Atomic uint32_t second_is_over;

static void end_after_the_second(void)
{
    uint32_t number = shift_enter();
    tell(&entered, number);
    if (number == 1)
        wait_for(&second_is_over, 1);
    shift_end(number);
    tell(number == 1 ? &left : &second_is_over, 1);
}

static void wake_nobody(void)
{
}

Test(shift, an_end_that_comes_late_is_of_its_own_thread)
{
    cr_assert_eq(shift_start(end_after_the_second, false), 0);
    wait_for(&entered, 1);
    cr_assert_eq(shift_start(end_after_the_second, false), 0);
    wait_for(&left, 1);
    cr_assert_not(shift_retire(LONG_NS, wake_nobody), "none is there that could be");
}
