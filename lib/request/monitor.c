#include "request/monitor.h"

#include <stdatomic.h>

#include "base/bare_thread.h"
#include "base/clock.h"
#include "base/lock.h"
#include "metric/codec.h"
#include "request/current.h"
#include "request/drain.h"
#include "request/figures.h"
#include "request/journal.h"
#include "request/names.h"
#include "request/registry.h"
#include "request/sweep.h"
#include "request/thread.h"
#include "request/totals.h"
#include "request/worker.h"

static struct {
    const struct config *config;
    struct monitor_guard guard;
    bool named;
    _Atomic bool ready, failed;
    struct lock lock;
} monitor;

/* Without a sender's thread the log is all there is to tell. */
static void tell_here(const struct event_facts *facts)
{
    sweep_say_down(facts->id);
}

/* Whoever tells of its requests then has no way to tell their starts: they wait in its queue. */
static void leave_starts(struct thread *thread)
{
    if (atomic_load(&thread->owned) == 0)
        return;
    sender_call();
    if (sender_unable())
        worker_tell_own_starts(thread);
}

static void down(struct thread *thread)
{
    monitor.guard.enter();
    leave_starts(thread);
    thread_ended(thread);
    if (thread_downs() > 0) {
        sender_call();
        if (sender_unable())
            sweep_downs(tell_here);
    }
    monitor.guard.leave();
}

int monitor_begin(const struct config *config, struct monitor_guard guard)
{
    monitor.config = config;
    monitor.guard = guard;
    clock_begin();
    names_read_routes(config);
    bare_thread_measure();
    journal_begin(config->request_log);
    worker_tell_ids(journal_wanted());
    return thread_begin(down);
}

static bool one_producer(void)
{
    return thread_count() == 1;
}

static void begin_sender(const struct config *config)
{
    const struct codec *codec = codec_of(config->protocol);
    sender_begin(&(struct sender_options){
        .host = config->host,
        .port = config->port,
        .pool_size = config->pool_size,
        .datagram_bytes = config->datagram_bytes,
        .flush_ms = config->flush_ms,
        .head = codec->head,
        .fill = codec->blank_lines,
        .source = {drain_all, drain_due_ns, sweep_urgent, monitor.guard.enter, journal_fd,
                   one_producer},
    });
}

static bool make_ready(void)
{
    if (!monitor.named && names_begin(monitor.config) < 0)
        return false;
    monitor.named = true;
    registry_begin();
    /* What most events take at most; those with request ids or timers take more. */
    ring_budget((uint64_t)monitor.config->queue_events * EVENT_END_WORDS);
    drain_begin(monitor.config);
    begin_sender(monitor.config);
    return true;
}

bool monitor_ready(void)
{
    if (__builtin_expect(atomic_load_explicit(&monitor.ready, memory_order_acquire), 1))
        return true;
    if (atomic_load(&monitor.failed) || !lock_take(&monitor.lock))
        return false;
    if (!atomic_load(&monitor.ready) && !atomic_load(&monitor.failed)) {
        bool made = make_ready();
        atomic_store_explicit(made ? &monitor.ready : &monitor.failed, true, memory_order_release);
    }
    lock_release(&monitor.lock);
    return atomic_load(&monitor.ready);
}

/* Most processes that fork never served anything: they have nothing to forget. */
void monitor_forked(void)
{
    if (!atomic_load(&monitor.ready))
        return;
    atomic_store(&monitor.ready, false);
    clock_forget();
    journal_forget();
    thread_forget();
    worker_forget();
    current_forget();
    registry_forget();
    totals_forget();
    figures_forget();
    sender_forget();
}

void monitor_end(uint64_t patience_ns)
{
    drain_at_end();
    sender_stop(patience_ns);
}

void monitor_flush(uint64_t patience_ns)
{
    sender_flush(patience_ns);
}
