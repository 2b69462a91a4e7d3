#include "request/thread.h"

#include <pthread.h>

#include "base/sys.h"

/*
 * A key's destructor runs for a thread that set the key, when it returns, calls pthread_exit or is
 * cancelled. Destructors of other libraries may run later and do I/O on requests: such a thread
 * gets a fresh record, sets the key again, and its destructor runs once more
 * (PTHREAD_DESTRUCTOR_ITERATIONS).
 */

__thread struct thread *thread_current __attribute__((tls_model("initial-exec")));

static struct pool threads = POOL_OF(struct thread, 0);
static pthread_key_t key;
static thread_down *tell_down;
static _Atomic uint32_t live, ended;

static void end(void *record)
{
    struct thread *thread = thread_current;
    if (thread == NULL || thread != record)
        return;
    tell_down(thread);
}

void thread_ended(struct thread *thread)
{
    thread_current = NULL;
    atomic_fetch_sub(&live, 1);
    atomic_fetch_add(&ended, 1);
    atomic_store_explicit(&thread->state, THREAD_ENDED, memory_order_release);
}

/* Claims an ended thread's record: for a new thread, or to be freed. */
static bool claim_ended(struct thread *thread, enum thread_state next)
{
    uint32_t state = THREAD_ENDED;
    if (!atomic_compare_exchange_strong(&thread->state, &state, next))
        return false;
    atomic_fetch_sub(&ended, 1);
    return true;
}

int thread_begin(thread_down *down)
{
    tell_down = down;
    return -pthread_key_create(&key, end);
}

static void put_hex(char *out, uint64_t number)
{
    for (int i = 15; i >= 0; i--, number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
}

/* Both halves begin at random; the lower one is counted. Two ids of one thread differ in the count,
 * two threads' in the upper half, wherever they run. */
static void begin_ids(struct thread *thread)
{
    uint64_t random[2] = {0, 0};
    sys_getrandom(random, sizeof random);
    put_hex(thread->id, random[0]);
    put_hex(thread->id + 16, random[1]);
}

/* Counts in hexadecimal text: most often one digit changes. */
struct bytes thread_next_id(struct thread *thread)
{
    char *digit = thread->id + THREAD_ID_BYTES - 1;
    while (*digit == 'f' && digit > thread->id + THREAD_ID_BYTES / 2)
        *digit-- = '0';
    *digit = *digit == '9' ? 'a' : *digit == 'f' ? '0' : (char)(*digit + 1);
    return (struct bytes){thread->id, THREAD_ID_BYTES};
}

/* An ended thread's record, its queue as it is: a queue has one producer at a time. */
static struct thread *take_over(void)
{
    struct thread *thread;
    for (uint32_t i = 0; atomic_load(&ended) > 0 && (thread = thread_at(i)) != NULL; i++)
        if (atomic_load_explicit(&thread->state, memory_order_relaxed) == THREAD_ENDED &&
            claim_ended(thread, THREAD_LIVE))
            return thread;
    return NULL;
}

static struct thread *make_new(void)
{
    struct thread *thread = pool_get(&threads);
    if (thread == NULL)
        return NULL;
    if (ring_begin(&thread->ring) < 0) {
        pool_put(&threads, thread);
        return NULL;
    }
    begin_ids(thread);
    atomic_store(&thread->owned, 0);
    atomic_store_explicit(&thread->state, THREAD_LIVE, memory_order_release);
    return thread;
}

struct thread *thread_make(void)
{
    struct thread *thread = take_over();
    if (thread == NULL)
        thread = make_new();
    if (thread == NULL)
        return NULL;
    atomic_fetch_add(&live, 1);
    if (pthread_setspecific(key, thread) != 0) {
        thread_ended(thread);
        return NULL;
    }
    thread->tid = sys_gettid();
    thread_current = thread;
    return thread;
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
    ring_end(&thread->ring);
    pool_put(&threads, thread);
}

void thread_forget(void)
{
    pool_forget(&threads);
    atomic_store(&live, 0);
    atomic_store(&ended, 0);
    thread_current = NULL;
}
