#include "send/shift.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/bare_thread.h"
#include "base/clock.h"
#include "base/sys.h"

/* So long before the time is up the thread takes it for past: it must not take itself for awaited
 * when who waited has just left. */
#define MARGIN_NS      1000000

#define STACK_BYTES    (64 * 1024)  /* for our own frames */
#define RESOLVER_BYTES (128 * 1024) /* for the resolver's, too */
#define GONE_NS        50000000ull

/*
 * A thread that has ended for us has some instructions left, for which a busy machine may take its
 * time. So there is memory for two: the next one need not wait until that is gone.
 */
enum { MEMORIES = 2 };

static struct {
    struct bare_thread threads[MEMORIES];
    _Atomic pid_t tids[MEMORIES]; /* 0: it does not run yet, or was found to be gone */
    _Atomic uint32_t newest;      /* in which of them the newest thread is */
    _Atomic bool bare;
    _Atomic uint32_t begun, asked, over; /* numbers of threads, the newest each */
    _Atomic uint64_t awaited_until_ns;
} shift;

static void *run_in_libc(void *run)
{
    (*(void (**)(void))run)();
    return NULL;
}

static int create_in_libc(void (*run)(void))
{
    static void (*runs)(void);
    pthread_attr_t attributes;
    pthread_t thread;
    int host_errno = errno;
    runs = run;
    if (pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, bare_thread_variables() + RESOLVER_BYTES);
    int error = pthread_create(&thread, &attributes, run_in_libc, &runs);
    pthread_attr_destroy(&attributes);
    errno = host_errno;
    return -error;
}

static bool exists(pid_t tid)
{
    return sys_thread_exists(sys_getpid(), tid) == 0;
}

/* Once found to be gone it is forgotten: its number may be another thread's one day. */
static bool any_is_left(void)
{
    for (size_t i = 0; i < MEMORIES; i++) {
        pid_t tid = atomic_load(&shift.tids[i]);
        if (tid != 0 && exists(tid))
            return true;
        atomic_compare_exchange_strong(&shift.tids[i], &tid, 0);
    }
    return false;
}

static bool is_free(uint32_t memory)
{
    return atomic_load(&shift.threads[memory].tid) == 0;
}

/* Memory for the next thread; false: each may still be used. */
static bool take_memory(void)
{
    uint32_t last = atomic_load(&shift.newest), next = (last + 1) % MEMORIES;
    if (!is_free(next))
        next = last;
    if (!is_free(next))
        return false;
    atomic_store(&shift.tids[next], 0);
    atomic_store(&shift.newest, next);
    return true;
}

static bool await_memory(uint64_t deadline)
{
    bool taken;
    while (!(taken = take_memory()) && clock_now_ns() < deadline)
        sys_yield();
    return taken;
}

/* Where no more threads are allowed, one that is not quite gone counts. */
static int create_bare(void (*run)(void), uint64_t deadline)
{
    struct bare_thread *thread = &shift.threads[atomic_load(&shift.newest)];
    int error;
    while ((error = bare_thread_start(thread, run, STACK_BYTES)) == -EAGAIN && any_is_left() &&
           clock_now_ns() < deadline)
        sys_yield();
    return error;
}

/* The resolver wants a thread that libc knows. */
static int create(void (*run)(void), bool resolver, uint64_t deadline)
{
    atomic_store(&shift.bare, !resolver);
    int error = resolver ? -ENOSYS : create_bare(run, deadline);
    if (error != -ENOSYS)
        return error;
    atomic_store(&shift.bare, false);
    return create_in_libc(run);
}

int shift_start(void (*run)(void), bool resolver)
{
    uint64_t deadline = clock_now_ns() + GONE_NS;
    if (!await_memory(deadline))
        return -EBUSY;
    uint32_t number = atomic_fetch_add(&shift.begun, 1) + 1;
    int error = create(run, resolver, deadline);
    if (error < 0)
        shift_end(number);
    return error;
}

bool shift_is_bare(void)
{
    return atomic_load(&shift.bare);
}

uint32_t shift_enter(void)
{
    uint32_t number = atomic_load(&shift.begun);
    atomic_store(&shift.tids[atomic_load(&shift.newest)], sys_gettid());
    return number;
}

static bool reached(const _Atomic uint32_t *newest, uint32_t number)
{
    return (int32_t)(atomic_load(newest) - number) >= 0;
}

/* Whatever comes late: never back. */
static void reach(_Atomic uint32_t *newest, uint32_t number)
{
    uint32_t now = atomic_load(newest);
    while ((int32_t)(number - now) > 0 && !atomic_compare_exchange_weak(newest, &now, number))
        ;
}

void shift_end(uint32_t number)
{
    reach(&shift.over, number);
    sys_futex_wake((const uint32_t *)&shift.over);
}

bool shift_asked(void)
{
    uint32_t number = atomic_load(&shift.begun);
    return reached(&shift.asked, number) && !reached(&shift.over, number);
}

bool shift_awaited(void)
{
    return clock_now_ns() + MARGIN_NS < atomic_load(&shift.awaited_until_ns);
}

/* The newest. In a child that a raw clone made there is what its parent's memory says, but no
 * thread. */
static bool is_here(void)
{
    pid_t tid = atomic_load(&shift.tids[atomic_load(&shift.newest)]);
    return tid == 0 || exists(tid);
}

/* The kernel counts threads for some microseconds more, of which the caller may be told (unshare).
 */
static void wait_until_gone(uint32_t number, uint64_t deadline)
{
    while (atomic_load(&shift.begun) == number && any_is_left() && clock_now_ns() < deadline)
        sys_yield();
}

static bool wait_for_end(uint32_t number, uint64_t deadline)
{
    uint64_t now = clock_now_ns();
    uint32_t over;
    while (over = atomic_load(&shift.over), !reached(&shift.over, number) && now < deadline) {
        sys_futex_wait((const uint32_t *)&shift.over, over, deadline - now);
        now = clock_now_ns();
    }
    wait_until_gone(number, deadline);
    return reached(&shift.over, number);
}

bool shift_retire(uint64_t patience_ns, void (*wake)(void))
{
    uint32_t number = atomic_load(&shift.begun);
    uint64_t now = clock_now_ns();
    if (reached(&shift.over, number) || !is_here() ||
        (reached(&shift.asked, number) && now >= atomic_load(&shift.awaited_until_ns)))
        return false;
    atomic_store(&shift.awaited_until_ns, now + patience_ns);
    reach(&shift.asked, number);
    wake();
    return wait_for_end(number, now + patience_ns);
}

void shift_forget(void)
{
    for (size_t i = 0; i < MEMORIES; i++) {
        bare_thread_forget(&shift.threads[i]);
        atomic_store(&shift.tids[i], 0);
    }
    atomic_store(&shift.over, atomic_load(&shift.begun));
}
