#include "request/thread.h"

#include <errno.h>
#include <pthread.h>

#include "base/lock.h"
#include "base/process.h"
#include "base/sys.h"

/*
 * A key's destructor runs for a thread that set the key, when it returns, calls pthread_exit or is
 * cancelled. Destructors of other libraries may run later and do I/O on requests: such a thread
 * gets a fresh record, sets the key again, and its destructor runs once more
 * (PTHREAD_DESTRUCTOR_ITERATIONS).
 *
 * Who ends and who gives it one more request to own (thread_own) may meet. The one stores its state
 * and then loads `owned`, the other adds to `owned` and then loads the state, all in one order: at
 * least one of them sees the other.
 */

__thread struct thread *thread_current __attribute__((tls_model("initial-exec")));

POOL(threads, struct thread, 0);
static pthread_key_t key;
static thread_down *tell_down;
static _Atomic uint32_t live, downs, downs_ever, ended;

/* Held while a record begins or ends to be a thread's: who finds a thread dead must not meet
 * another one in its record. */
static struct lock life;

static void end(void *record)
{
    struct thread *thread = thread_current;
    if (thread == NULL || thread != record)
        return;
    tell_down(thread);
}

static bool change_state(struct thread *thread, uint32_t from, enum thread_state to)
{
    return atomic_compare_exchange_strong(&thread->state, &from, to);
}

void thread_cleaned(struct thread *thread)
{
    if (atomic_load(&thread->owned) > 0)
        return;
    atomic_fetch_add(&ended, 1);
    if (change_state(thread, THREAD_DOWN, THREAD_ENDED))
        atomic_fetch_sub(&downs, 1);
    else
        atomic_fetch_sub(&ended, 1);
}

/* With `life` held. */
static void go_down(struct thread *thread)
{
    atomic_fetch_add(&downs, 1);
    if (!change_state(thread, THREAD_LIVE, THREAD_DOWN)) {
        atomic_fetch_sub(&downs, 1);
        return;
    }
    atomic_fetch_sub(&live, 1);
    atomic_fetch_add(&downs_ever, 1);
}

void thread_ended(struct thread *thread)
{
    thread_current = NULL;
    epoch_end_dead(thread->reader); /* it may have been cancelled inside a section */
    bool locked = lock_take(&life);
    go_down(thread);
    if (locked)
        lock_release(&life);
    thread_cleaned(thread);
}

/* Claims an ended thread's record: for a new thread, or to be freed. */
static bool claim_ended(struct thread *thread, enum thread_state next)
{
    if (!change_state(thread, THREAD_ENDED, next))
        return false;
    atomic_fetch_sub(&ended, 1);
    return true;
}

int thread_begin(thread_down *down)
{
    tell_down = down;
    return -pthread_key_create(&key, end);
}

/* An ended thread's record, its queue as it is: a queue has one producer at a time. */
static struct thread *take_over(void)
{
    struct thread *thread;
    for (uint32_t i = 0; atomic_load(&ended) > 0 && (thread = thread_at(i)) != NULL; i++)
        if (atomic_load_explicit(&thread->state, memory_order_relaxed) == THREAD_ENDED &&
            claim_ended(thread, THREAD_FREE))
            return thread;
    return NULL;
}

static struct thread *make_new(void)
{
    struct thread *thread = pool_get(&threads);
    if (thread == NULL)
        return NULL;
    thread->reader = epoch_join();
    if (thread->reader == NULL || ring_begin(&thread->ring) < 0) {
        if (thread->reader != NULL)
            epoch_leave(thread->reader);
        pool_put(&threads, thread);
        return NULL;
    }
    id_supply_begin(&thread->ids);
    return thread;
}

/* A record for a thread; it is LIVE once it stands under the thread's id. */
static struct thread *make_for(pid_t tid, bool foreign)
{
    struct thread *thread = take_over();
    if (thread == NULL)
        thread = make_new();
    if (thread == NULL)
        return NULL;
    atomic_store(&thread->tid, tid);
    atomic_store(&thread->foreign, foreign);
    atomic_fetch_add(&live, 1);
    atomic_store(&thread->state, THREAD_LIVE);
    return thread;
}

static bool is_live(const struct thread *thread, pid_t tid)
{
    return atomic_load(&thread->state) == THREAD_LIVE && atomic_load(&thread->tid) == tid;
}

struct thread *thread_find(pid_t tid)
{
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        if (is_live(thread, tid))
            return thread;
    return NULL;
}

int thread_of(pid_t tid, struct thread **thread)
{
    *thread = thread_find(tid);
    if (*thread != NULL)
        return 0;
    if (tid <= 0 || sys_thread_exists(process.pid, tid) < 0)
        return -ESRCH;
    if (!lock_take(&life))
        return -EAGAIN;
    *thread = thread_find(tid);
    if (*thread == NULL)
        *thread = make_for(tid, true);
    lock_release(&life);
    return *thread != NULL ? 0 : -ENOMEM;
}

bool thread_own(struct thread *thread, pid_t tid)
{
    atomic_fetch_add(&thread->owned, 1);
    if (is_live(thread, tid))
        return true;
    thread_disown(thread);
    return false;
}

/* With `life` held. */
static void end_dead(struct thread *thread)
{
    epoch_end_dead(thread->reader);
    go_down(thread);
}

/* The record that was made for this thread before it came; records of threads that had its id and
 * died unseen are ended. */
static struct thread *adopt(pid_t tid)
{
    struct thread *thread, *mine = NULL;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++) {
        bool foreign = true;
        if (!is_live(thread, tid))
            continue;
        if (mine == NULL && atomic_compare_exchange_strong(&thread->foreign, &foreign, false))
            mine = thread;
        else
            end_dead(thread);
    }
    return mine;
}

/* libc may allocate for a key's value. */
static int remember(struct thread *thread)
{
    int host_errno = errno;
    int error = pthread_setspecific(key, thread);
    errno = host_errno;
    return error;
}

struct thread *thread_make(void)
{
    pid_t tid = sys_gettid();
    if (!lock_take(&life))
        return NULL;
    struct thread *thread = adopt(tid);
    if (thread == NULL)
        thread = make_for(tid, false);
    lock_release(&life);
    if (thread == NULL)
        return NULL;
    if (remember(thread) != 0) {
        thread_ended(thread);
        return NULL;
    }
    thread_current = thread;
    return thread;
}

static bool is_dead(const struct thread *thread)
{
    return atomic_load(&thread->state) == THREAD_LIVE &&
           sys_thread_exists(process.pid, atomic_load(&thread->tid)) == -ESRCH;
}

/* What a look without the lock has found may be two threads' by now. */
static void end_if_dead(struct thread *thread)
{
    if (!is_dead(thread) || !lock_take(&life))
        return;
    bool dead = is_dead(thread);
    if (dead)
        end_dead(thread);
    lock_release(&life);
    if (dead)
        thread_cleaned(thread);
}

void thread_find_dead(void)
{
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++) {
        if (!thread->came)
            end_if_dead(thread);
        thread->came = false;
    }
}

pid_t thread_any(void)
{
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        if (atomic_load(&thread->state) == THREAD_LIVE && atomic_load(&thread->tid) != process.pid)
            return atomic_load(&thread->tid);
    return 0;
}

bool thread_any_to_watch(void)
{
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        if (atomic_load(&thread->state) == THREAD_LIVE &&
            (atomic_load(&thread->owned) > 0 || atomic_load(&thread->foreign)))
            return true;
    return false;
}

uint32_t thread_downs(void)
{
    return atomic_load(&downs);
}

uint32_t thread_downs_ever(void)
{
    return atomic_load(&downs_ever);
}

uint32_t thread_count(void)
{
    return atomic_load(&live);
}

struct thread *thread_at(uint32_t number)
{
    return number < pool_size(&threads) ? pool_at(&threads, number) : NULL;
}

void thread_release(struct thread *thread)
{
    if (!claim_ended(thread, THREAD_FREE))
        return;
    if (ring_peek_spsc(&thread->ring) != NULL) { /* a thread came and ended meanwhile */
        atomic_fetch_add(&ended, 1);
        atomic_store(&thread->state, THREAD_ENDED);
        return;
    }
    ring_end(&thread->ring);
    epoch_leave(thread->reader);
    pool_put(&threads, thread);
}

void thread_forget(void)
{
    pool_forget(&threads);
    atomic_store(&live, 0);
    atomic_store(&downs, 0);
    atomic_store(&ended, 0);
    thread_current = NULL;
}
