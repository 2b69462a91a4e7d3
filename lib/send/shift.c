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
#define GONE_NS        10000000ull

static struct {
    struct bare_thread thread;
    _Atomic bool bare;
    _Atomic uint32_t begun, asked, over; /* numbers of threads, the newest each */
    _Atomic pid_t tid;                   /* 0: it does not run yet */
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

/* The one before may be past its last instruction and not quite gone. */
static int create_bare(void (*run)(void))
{
    uint64_t deadline = clock_now_ns() + GONE_NS;
    int error;
    while ((error = bare_thread_start(&shift.thread, run, STACK_BYTES)) == -EBUSY &&
           clock_now_ns() < deadline)
        sys_yield();
    return error;
}

/* The resolver wants a thread that libc knows. */
static int create(void (*run)(void), bool resolver)
{
    atomic_store(&shift.bare, !resolver);
    int error = resolver ? -ENOSYS : create_bare(run);
    if (error != -ENOSYS)
        return error;
    atomic_store(&shift.bare, false);
    return create_in_libc(run);
}

int shift_start(void (*run)(void), bool resolver)
{
    atomic_store(&shift.tid, 0);
    uint32_t number = atomic_fetch_add(&shift.begun, 1) + 1;
    int error = create(run, resolver);
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
    atomic_store(&shift.tid, sys_gettid());
    return atomic_load(&shift.begun);
}

void shift_end(uint32_t number)
{
    atomic_store(&shift.over, number);
    sys_futex_wake((const uint32_t *)&shift.over);
}

static bool reached(const _Atomic uint32_t *newest, uint32_t number)
{
    return (int32_t)(atomic_load(newest) - number) >= 0;
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

/* In a child that a raw clone made there is what its parent's memory says, but no thread. */
static bool is_here(void)
{
    pid_t tid = atomic_load(&shift.tid);
    return tid == 0 || sys_thread_exists(sys_getpid(), tid) == 0;
}

static void ask(uint32_t number)
{
    uint32_t asked = atomic_load(&shift.asked);
    while ((int32_t)(number - asked) > 0 &&
           !atomic_compare_exchange_weak(&shift.asked, &asked, number))
        ;
}

/* The kernel counts a thread for some microseconds more, of which the caller may be told (unshare).
 */
static void wait_until_gone(uint32_t number, uint64_t deadline)
{
    while (atomic_load(&shift.begun) == number && is_here() && clock_now_ns() < deadline)
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
    ask(number);
    wake();
    return wait_for_end(number, now + patience_ns);
}

void shift_forget(void)
{
    bare_thread_forget(&shift.thread);
    atomic_store(&shift.over, atomic_load(&shift.begun));
}
