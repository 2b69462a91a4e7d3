#include "base/bare_thread.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/sys.h"

enum { STACK_BYTES = 65536 };

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define POSSIBLE true
#else
#define POSSIBLE false
#endif

static __thread int variable = 7;
static struct bare_thread thread;
static _Atomic uint32_t go_on;
static _Atomic pid_t tid;
static _Atomic int found;
static _Atomic uint64_t blocked;
static _Atomic uintptr_t stack;

static void begin(void)
{
    bare_thread_measure();
}

TestSuite(bare_thread, .init = begin, .timeout = 60);

static bool start(void (*run)(void))
{
    int error = bare_thread_start(&thread, run, STACK_BYTES);
    if (error == -ENOSYS && !POSSIBLE)
        return false;
    cr_assert_eq(error, 0);
    return true;
}

/* Bounded by the suite's timeout. */
static void wait_for_end(void)
{
    while (atomic_load(&thread.tid) != 0)
        sys_yield();
}

static void look_around(void)
{
    _Alignas(16) char here[4096];
    memset(here, 1, sizeof here);
    uint64_t set = 0;
    sys_signals_block(&set);
    atomic_store(&blocked, set);
    atomic_store(&stack, (uintptr_t)here);
    atomic_store(&found, variable);
    variable = 8;
    atomic_store(&tid, sys_gettid());
}

Test(bare_thread, is_a_thread_with_variables_of_its_own)
{
    if (!start(look_around))
        return;
    wait_for_end();
    cr_assert_neq(atomic_load(&tid), 0);
    cr_assert_neq(atomic_load(&tid), sys_gettid());
    cr_assert_eq(atomic_load(&found), 0);
    cr_assert_eq(variable, 7);
    cr_assert_eq(atomic_load(&stack) % 16, 0);
}

Test(bare_thread, gets_no_signal)
{
    if (!start(look_around))
        return;
    wait_for_end();
    cr_assert_eq(atomic_load(&blocked) | 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1), UINT64_MAX);
    uint64_t own;
    sys_signals_block(&own);
    sys_signals_restore(&own);
    cr_assert_eq(own, 0, "the starter's are as before");
}

static void wait_to_go_on(void)
{
    while (atomic_load(&go_on) == 0)
        sys_futex_wait((const uint32_t *)&go_on, 0, UINT64_MAX);
}

Test(bare_thread, one_at_a_time)
{
    if (!start(wait_to_go_on))
        return;
    cr_assert_neq(atomic_load(&thread.tid), 0);
    cr_assert_eq(bare_thread_start(&thread, wait_to_go_on, STACK_BYTES), -EBUSY);
    atomic_store(&go_on, 1);
    sys_futex_wake((const uint32_t *)&go_on);
    wait_for_end();
}

Test(bare_thread, again_and_again)
{
    for (int i = 0; i < 1000; i++) {
        atomic_store(&tid, 0);
        if (!start(look_around))
            return;
        wait_for_end();
        cr_assert_neq(atomic_load(&tid), 0);
        cr_assert_eq(atomic_load(&found), 0, "not what the one before has made of it");
    }
}

Test(bare_thread, none_was_there)
{
    cr_assert_eq(atomic_load(&thread.tid), 0);
    bare_thread_forget(&thread);
}
