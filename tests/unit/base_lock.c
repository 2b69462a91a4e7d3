#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "threads.h"

static struct lock lock;

TestSuite(lock, .init = process_begin);

Test(lock, taken_once_at_a_time)
{
    cr_assert(lock_take(&lock));
    cr_assert_not(lock_take(&lock));
    lock_release(&lock);
    cr_assert(lock_take(&lock));
}

Test(lock, waiting_is_bounded)
{
    cr_assert(lock_take(&lock));
    uint64_t began = clock_now_ns();
    cr_assert_not(lock_contended(&lock));
    cr_assert_lt(clock_now_ns() - began, 5000000000u);
}

static uint64_t sum;

static void *add(void *nothing)
{
    for (int i = 0; i < 200000; i++) {
        while (!lock_take(&lock))
            continue;
        sum++;
        lock_release(&lock);
    }
    (void)nothing;
    return NULL;
}

Test(lock, one_thread_at_a_time)
{
    cr_assert(on_threads(4, add));
    cr_assert_eq(sum, 800000);
}

static int status_of(pid_t child)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

Test(lock, held_by_the_parent_is_free_in_a_forked_child)
{
    cr_assert(lock_take(&lock));
    pid_t child = fork();
    if (child == 0) {
        process_begin();
        bool taken = lock_take(&lock), again = lock_take(&lock);
        _exit(taken && !again ? 0 : 1);
    }
    cr_assert_eq(status_of(child), 0);
    cr_assert_not(lock_take(&lock), "the parent's is still held");
}

Test(lock, process_is_ours)
{
    cr_assert(process_is_ours());
    pid_t child = fork();
    if (child == 0) {
        bool before = process_is_ours();
        process_begin();
        _exit(!before && process_is_ours() && process.epoch == 2 ? 0 : 1);
    }
    cr_assert_eq(status_of(child), 0);
}
