#include "send/sender.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "base/bare_thread.h"
#include "base/clock.h"
#include "base/hot.h"
#include "base/log.h"
#include "base/sys.h"
#include "send/apart.h"
#include "send/follow.h"
#include "send/outbox.h"

/*
 * How no wake-up is lost without a fence in the producers. A producer stores its record and then
 * loads `sender_state`; the sender stores SENDER_IDLE and then looks for records. Without fences
 * both can miss the other's store, for as long as a store may wait in a processor's buffer: far
 * below a millisecond. So the sender, once idle, sleeps a flush time, looks again, and only then
 * sleeps without end; it is SENDER_IDLE all the while.
 */

#define STACK_BYTES    (64 * 1024)  /* for our own frames */
#define RESOLVER_BYTES (128 * 1024) /* for the resolver's, too */
#define START_RETRY_NS 1000000000ull

HOT_DATA _Atomic uint32_t sender_state;

static struct {
    struct sender_options options;
    struct bare_thread thread;
    bool complained;
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

static bool urgent(void)
{
    return sender.options.source.urgent != NULL && sender.options.source.urgent();
}

/* Somebody waits for us. */
static bool called_for(void)
{
    return atomic_load(&sender.stopping) || follow_waiting() || outbox_waiting() || urgent() ||
           atomic_load(&sender.flushes_wanted) != atomic_load(&sender.flushes_done);
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

/* Lets events come together for a flush time, or until much is waiting. */
static void gather(void)
{
    atomic_store(&sender_state, SENDER_GATHERING);
    if (!called_for())
        sys_futex_wait(word_of(&sender_state), SENDER_GATHERING, flush_ns());
    atomic_store(&sender_state, SENDER_BUSY);
}

/* Nothing may come between the second look and the endless sleep, so both are done as SENDER_IDLE:
 * a producer that comes during the look changes the state, and the sleep does not begin. */
static void wait_for_work(void)
{
    uint64_t due = sender.options.source.due_ns(), first = due < flush_ns() ? due : flush_ns();
    atomic_store(&sender_state, SENDER_IDLE);
    if (!called_for() && sys_futex_wait(word_of(&sender_state), SENDER_IDLE, first) == -ETIMEDOUT &&
        due > first && !drain(false))
        sys_futex_wait(word_of(&sender_state), SENDER_IDLE,
                       due == UINT64_MAX ? UINT64_MAX : due - first);
    atomic_store(&sender_state, SENDER_BUSY);
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

static void run(void)
{
    sys_prctl(PR_SET_NAME, (unsigned long)"stats-hero");
    sender.options.source.enter();
    apart_begin(sender.options.source.kept_fd != NULL ? sender.options.source.kept_fd() : -1);
    while (!atomic_load(&sender.stopping)) {
        gather();
        follow_now();
        bool any = drain(false);
        outbox_deliver(&sender.batch);
        answer_flushes();
        if (!any)
            wait_for_work();
    }
    drain(true);
    outbox_deliver(&sender.batch);
    send_pool_end(&sender.pool);
    atomic_store(&sender_state, SENDER_ENDED);
    sys_futex_wake(word_of(&sender_state));
}

static void *run_in_libc(void *nothing)
{
    run();
    return nothing;
}

static int create_in_libc(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    uint64_t signals;
    int host_errno = errno;
    if (pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, bare_thread_variables() + RESOLVER_BYTES);
    sys_signals_block(&signals);
    int error = pthread_create(&thread, &attributes, run_in_libc, NULL);
    sys_signals_restore(&signals);
    pthread_attr_destroy(&attributes);
    errno = host_errno;
    return -error;
}

/* The resolver wants a thread that libc knows. */
static int create_thread(void)
{
    int error = -ENOSYS;
    if (!send_pool_looks_up(&sender.pool))
        error = bare_thread_start(&sender.thread, run, STACK_BYTES);
    return error == -ENOSYS ? create_in_libc() : error;
}

static void complain(void)
{
    if (!sender.complained)
        log_line(LOG_WARN, BYTES("the sender's thread can't be started: events are dropped, and it "
                                 "is tried again each second"));
    sender.complained = true;
}

static int start(void)
{
    const struct sender_options *o = &sender.options;
    send_pool_begin(&sender.pool, o->host, o->port, o->pool_size);
    int error = batch_begin(&sender.batch, &sender.pool, o->head, o->datagram_bytes, o->fill);
    if (error < 0)
        return error;
    atomic_store(&sender_state, SENDER_BUSY);
    error = create_thread();
    if (error < 0) {
        atomic_store(&sender_state, SENDER_NONE);
        batch_end(&sender.batch);
        complain();
    }
    return error;
}

void sender_start(void)
{
    uint32_t starting = 0;
    if (atomic_load(&sender.stopping) ||
        !atomic_compare_exchange_strong(&sender.starting, &starting, 1))
        return;
    uint64_t now = clock_now_ns();
    if (atomic_load(&sender_state) == SENDER_NONE && now >= atomic_load(&sender.start_again_ns))
        atomic_store(&sender.start_again_ns, start() < 0 ? now + START_RETRY_NS : 0);
    atomic_store(&sender.starting, 0);
}

static void wake(void)
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

bool sender_unable(void)
{
    return atomic_load(&sender_state) == SENDER_NONE && atomic_load(&sender.start_again_ns) != 0;
}

bool sender_running(void)
{
    uint32_t state = atomic_load(&sender_state);
    return state != SENDER_NONE && state != SENDER_ENDED;
}

void sender_stop(uint64_t patience_ns)
{
    uint64_t now = clock_now_ns(), deadline = now + patience_ns;
    atomic_store(&sender.pool.give_up_ns, deadline);
    atomic_store(&sender.stopping, 1);
    while (sender_running() && now < deadline) {
        uint32_t state = atomic_load(&sender_state);
        if (state == SENDER_IDLE || state == SENDER_GATHERING)
            wake();
        else
            sys_futex_wait(word_of(&sender_state), state, deadline - now);
        now = clock_now_ns();
    }
}

/* A thread that was started with the user of before is here by now: who started it has changed
 * since, and libc waited for that. */
void sender_follow(long number, long a, long b, long c, uint64_t patience_ns)
{
    if (!sender_running() || atomic_load(&sender.thread.tid) == 0)
        return;
    uint32_t asked = follow_ask(number, a, b, c);
    if (asked == 0)
        return;
    wake();
    follow_wait(asked, patience_ns);
}

void sender_flush(uint64_t patience_ns)
{
    if (!sender_running())
        return;
    uint64_t now = clock_now_ns(), deadline = now + patience_ns;
    uint32_t wanted = atomic_fetch_add(&sender.flushes_wanted, 1) + 1, done;
    while (wake(), done = atomic_load(&sender.flushes_done),
           (int32_t)(done - wanted) < 0 && now < deadline) {
        sys_futex_wait(word_of(&sender.flushes_done), done,
                       deadline - now < 1000000 ? deadline - now : 1000000);
        now = clock_now_ns();
    }
}

/* What the caller has stored and this load are in one order with the sender's store of SENDER_IDLE
 * and its last look: it sees the one, or we see the other. */
void sender_call(void)
{
    if (atomic_load(&sender_state) == SENDER_NONE)
        sender_start();
    else
        wake();
}

int sender_send(struct bytes payload, uint32_t which)
{
    if (which != SEND_POOL_ANY && which >= sender.options.pool_size)
        return -EINVAL;
    sender_call();
    if (sender_unable() || atomic_load(&sender.stopping))
        return -EAGAIN;
    return outbox_send(payload, which, SENDER_SEND_NS, sender_call);
}

void sender_forget(void)
{
    bare_thread_forget(&sender.thread);
    follow_forget();
    outbox_forget();
    if (sender_running())
        send_pool_end(&sender.pool);
    sender.batch.memory = NULL;
    sender.pool.errors = 0;
    sender.batch.refused = 0;
    atomic_store(&sender.starting, 0);
    atomic_store(&sender.stopping, 0);
    atomic_store(&sender.start_again_ns, 0);
    atomic_store(&sender.flushes_wanted, 0);
    atomic_store(&sender.flushes_done, 0);
    atomic_store(&sender_state, SENDER_NONE);
}
