#include "base/process.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(process, .init = process_begin, .timeout = 60);

static pthread_barrier_t both;

static void *stay(void *nothing)
{
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    return nothing;
}

Test(process, counts_its_threads)
{
    pthread_t thread;
    uint32_t before = process_threads();
    cr_assert_geq(before, 1);
    cr_assert_eq(pthread_barrier_init(&both, NULL, 2), 0);
    cr_assert_eq(pthread_create(&thread, NULL, stay, NULL), 0);
    pthread_barrier_wait(&both);
    cr_assert_eq(process_threads(), before + 1);
    pthread_barrier_wait(&both);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

/* The first thread has ended, and is there all the same. */
static void *be_the_only_one(void *nothing)
{
    while (process_threads() != 1)
        sched_yield();
    _exit(7);
    return nothing;
}

Test(process, does_not_count_a_first_thread_that_has_ended)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        process_begin();
        if (pthread_create(&thread, NULL, be_the_only_one, NULL) != 0)
            _exit(1);
        syscall(SYS_exit, 0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
