#ifndef UNIT_MORTAL_H
#define UNIT_MORTAL_H

/* mortal: a thread that does what the test's own thread asks for, one thing after the other, and
 * ends in the way it is told to. */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/sys.h"

enum ending { BY_RETURN, BY_EXIT, BY_CANCELLATION, BY_SYSTEM_CALL, ENDINGS };

struct mortal {
    pthread_t handle;
    pid_t tid;
    sem_t asked, done;
    void (*action)(void); /* NULL: the end */
    enum ending ending;
};

static inline void mortal_wait(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue;
}

/* It can be cancelled only where it waits: the shim's guard does the same for the library. */
static inline void mortal_wait_cancellable(struct mortal *m)
{
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    mortal_wait(&m->asked);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

static inline void *mortal_run(void *mortal)
{
    struct mortal *m = mortal;
    m->tid = gettid();
    sem_post(&m->done);
    while (mortal_wait_cancellable(m), m->action != NULL) {
        m->action();
        sem_post(&m->done);
    }
    if (m->ending == BY_EXIT)
        pthread_exit(NULL);
    if (m->ending == BY_SYSTEM_CALL)
        syscall(SYS_exit, 0);
    return NULL;
}

/* It has done nothing yet. */
static inline void mortal_begin(struct mortal *m)
{
    cr_assert_eq(sem_init(&m->asked, 0, 0), 0);
    cr_assert_eq(sem_init(&m->done, 0, 0), 0);
    cr_assert_eq(pthread_create(&m->handle, NULL, mortal_run, m), 0);
    mortal_wait(&m->done);
}

static inline void mortal_does(struct mortal *m, void (*action)(void))
{
    m->action = action;
    sem_post(&m->asked);
    mortal_wait(&m->done);
}

/* libc's join comes back a moment before the kernel has forgotten the thread. */
static inline void mortal_is_gone(const struct mortal *m)
{
    uint64_t deadline = clock_now_ns() + 10000000000ull;
    while (sys_thread_exists(process.pid, m->tid) == 0) {
        cr_assert_lt(clock_now_ns(), deadline);
        sched_yield();
    }
}

/* The kernel knows it no more when this returns. */
static inline void mortal_ends(struct mortal *m, enum ending ending)
{
    m->action = NULL;
    m->ending = ending;
    if (ending == BY_CANCELLATION)
        cr_assert_eq(pthread_cancel(m->handle), 0);
    else
        sem_post(&m->asked);
    /* A thread without an end that libc knows of can't be joined under a sanitizer. */
    cr_assert_eq(
        ending == BY_SYSTEM_CALL ? pthread_detach(m->handle) : pthread_join(m->handle, NULL), 0);
    mortal_is_gone(m);
}

#endif
