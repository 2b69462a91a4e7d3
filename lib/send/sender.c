#include "send/sender.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/sys.h"

/*
 * How no wake-up is lost without a fence in the producers. A producer stores its record and then
 * loads `sender_state`; the sender stores SENDER_IDLE and then looks for records. Without fences
 * both can miss the other's store, for as long as a store may wait in a processor's buffer: far
 * below a millisecond. So the sender, once idle, sleeps a flush time, looks again, and only then
 * sleeps without end.
 */

#define STACK_BYTES    (128 * 1024)
#define START_RETRY_NS 1000000000ull

_Atomic uint32_t sender_state;

static struct {
    struct sender_options options;
    struct send_pool pool;
    struct batch batch;
    _Atomic uint64_t start_again_ns;
    _Atomic uint32_t starting;
    _Atomic uint32_t stopping;
    _Atomic uint32_t flushes_wanted, flushes_done;
} sender;

void sender_begin(const struct sender_options *options)
{
    sender.options = *options;
}

static const uint32_t *word_of(const _Atomic uint32_t *atomic)
{
    return (const uint32_t *)atomic;
}

/* Sleeps in `state` until somebody changes it. True if nobody did in time. */
static bool sleep_as(uint32_t state, uint64_t timeout_ns)
{
    atomic_store(&sender_state, state);
    if (atomic_load(&sender.stopping) ||
        atomic_load(&sender.flushes_wanted) != atomic_load(&sender.flushes_done)) {
        atomic_store(&sender_state, SENDER_BUSY);
        return false;
    }
    int result = sys_futex_wait(word_of(&sender_state), state, timeout_ns);
    atomic_store(&sender_state, SENDER_BUSY);
    return result == -ETIMEDOUT;
}

static bool drain(bool last)
{
    bool any = sender.options.source.drain(&sender.batch, last);
    batch_flush(&sender.batch);
    return any;
}

static uint64_t flush_ns(void)
{
    return (uint64_t)sender.options.flush_ms * 1000000;
}

static void wait_for_work(void)
{
    uint64_t due = sender.options.source.due_ns();
    if (!sleep_as(SENDER_IDLE, due < flush_ns() ? due : flush_ns()))
        return;
    if (due <= flush_ns() || drain(false))
        return;
    sleep_as(SENDER_IDLE, due == UINT64_MAX ? due : due - flush_ns());
}

static void answer_flushes(void)
{
    uint32_t wanted = atomic_load(&sender.flushes_wanted);
    if (wanted == atomic_load(&sender.flushes_done))
        return;
    drain(true);
    atomic_store(&sender.flushes_done, wanted);
    sys_futex_wake(word_of(&sender.flushes_done));
}

static void *run(void *nothing)
{
    sys_prctl(PR_SET_NAME, (unsigned long)"stats-hero");
    sender.options.source.enter();
    while (!atomic_load(&sender.stopping)) {
        sleep_as(SENDER_GATHERING, flush_ns());
        bool any = drain(false);
        answer_flushes();
        if (!any)
            wait_for_work();
    }
    drain(true);
    send_pool_end(&sender.pool);
    atomic_store(&sender_state, SENDER_ENDED);
    sys_futex_wake(word_of(&sender_state));
    return nothing;
}

static int create_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    uint64_t signals;
    size_t stack = STACK_BYTES > PTHREAD_STACK_MIN ? STACK_BYTES : (size_t)PTHREAD_STACK_MIN;
    if (pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, stack);
    sys_signals_block(&signals);
    int error = pthread_create(&thread, &attributes, run, NULL);
    sys_signals_restore(&signals);
    pthread_attr_destroy(&attributes);
    return -error;
}

static int start(void)
{
    const struct sender_options *o = &sender.options;
    send_pool_begin(&sender.pool, o->host, o->port, o->pool_size);
    int error = batch_begin(&sender.batch, &sender.pool, o->head, o->datagram_bytes);
    if (error < 0)
        return error;
    atomic_store(&sender_state, SENDER_BUSY);
    error = create_thread();
    if (error < 0) {
        atomic_store(&sender_state, SENDER_NONE);
        batch_end(&sender.batch);
    }
    return error;
}

void sender_start(void)
{
    uint32_t starting = 0;
    if (atomic_load(&sender.stopping) || !atomic_compare_exchange_strong(&sender.starting, &starting, 1))
        return;
    uint64_t now = clock_now_ns();
    if (atomic_load(&sender_state) == SENDER_NONE && now >= atomic_load(&sender.start_again_ns) &&
        start() < 0)
        atomic_store(&sender.start_again_ns, now + START_RETRY_NS);
    atomic_store(&sender.starting, 0);
}

void sender_wake(void)
{
    uint32_t state = atomic_load(&sender_state);
    if (state != SENDER_IDLE && state != SENDER_GATHERING)
        return;
    if (atomic_compare_exchange_strong(&sender_state, &state, SENDER_BUSY))
        sys_futex_wake(word_of(&sender_state));
}

uint64_t sender_errors(void)
{
    return sender.pool.errors + sender.batch.refused;
}

bool sender_running(void)
{
    uint32_t state = atomic_load(&sender_state);
    return state != SENDER_NONE && state != SENDER_ENDED;
}

void sender_stop(uint64_t patience_ns)
{
    uint64_t now = clock_now_ns(), deadline = now + patience_ns;
    sender.pool.give_up_ns = deadline;
    atomic_store(&sender.stopping, 1);
    while (sender_running() && now < deadline) {
        uint32_t state = atomic_load(&sender_state);
        if (state == SENDER_IDLE || state == SENDER_GATHERING)
            sender_wake();
        else
            sys_futex_wait(word_of(&sender_state), state, deadline - now);
        now = clock_now_ns();
    }
}

void sender_flush(uint64_t patience_ns)
{
    if (!sender_running())
        return;
    uint64_t now = clock_now_ns(), deadline = now + patience_ns;
    uint32_t wanted = atomic_fetch_add(&sender.flushes_wanted, 1) + 1, done;
    while (sender_wake(), done = atomic_load(&sender.flushes_done),
           (int32_t)(done - wanted) < 0 && now < deadline) {
        sys_futex_wait(word_of(&sender.flushes_done), done,
                       deadline - now < 1000000 ? deadline - now : 1000000);
        now = clock_now_ns();
    }
}

void sender_forget(void)
{
    if (sender_running())
        send_pool_end(&sender.pool);
    sender.batch.memory = NULL;
    atomic_store(&sender.starting, 0);
    atomic_store(&sender.stopping, 0);
    atomic_store(&sender.start_again_ns, 0);
    atomic_store(&sender.flushes_wanted, 0);
    atomic_store(&sender.flushes_done, 0);
    atomic_store(&sender_state, SENDER_NONE);
}
