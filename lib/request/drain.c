#include "request/drain.h"

#include "base/clock.h"
#include "base/log.h"
#include "request/figures.h"
#include "request/journal.h"
#include "request/lines.h"
#include "request/thread.h"
#include "request/totals.h"

/* The largest group of lines: an end with EVENT_TIMERS timers, each told three times at most. */
enum { GROUP_BYTES = 65536, ROUND_EVENTS = 65536 };

static struct {
    struct lines lines;
    uint64_t aggregate_ns, sums_due_ns;
    uint64_t errors_told;
    uint64_t dropped, down;
    char group[GROUP_BYTES];
} drain;

void drain_begin(const struct config *config)
{
    lines_begin(&drain.lines, config);
    drain.aggregate_ns = (uint64_t)config->aggregate_ms * 1000000;
    drain.sums_due_ns = 0;
    drain.errors_told = 0;
    drain.dropped = drain.down = 0;
}

static void spell_sums(struct batch *batch)
{
    totals_spell(&drain.lines, batch);
    drain.sums_due_ns = 0;
}

static void take_start(const struct event *event, struct batch *batch, struct writer *w)
{
    if (drain.aggregate_ns == 0) {
        lines_started(&drain.lines, w, event->label, event->action, 1);
        return;
    }
    while (!totals_started(event->label, event->action))
        spell_sums(batch);
}

static void take_end(const struct event *event, struct batch *batch, struct writer *w)
{
    if (drain.aggregate_ns == 0)
        lines_status(&drain.lines, w, event->status, 1);
    else
        while (!totals_ended(event->status))
            spell_sums(batch);
    lines_times(&drain.lines, w, event);
}

static void take_down(const struct event *event)
{
    drain.down++;
    log_line(LOG_WARN, BYTES("the thread of request "), event_id(event),
             BYTES(" ended before its response did"));
}

static void journal_event(const struct event *event)
{
    if (journal_wanted())
        journal_add(event, (struct bytes){drain.lines.app, drain.lines.app_bytes},
                    (struct bytes){drain.lines.host, drain.lines.host_bytes});
}

static void take(const struct event *event, struct batch *batch)
{
    struct writer w = writer_on(drain.group, sizeof drain.group);
    if (event->kind == EVENT_START)
        take_start(event, batch, &w);
    else if (event->kind == EVENT_END)
        take_end(event, batch, &w);
    else
        take_down(event);
    if (event->kind != EVENT_START)
        journal_event(event);
    batch_add(batch, (struct bytes){drain.group, w.n});
}

/* What waits in one thread's queue, but not more than ROUND_EVENTS: other threads wait too. */
static bool drain_thread(struct thread *thread, struct batch *batch)
{
    int events = 0;
    uint32_t state = atomic_load_explicit(&thread->state, memory_order_acquire);
    if (state == THREAD_FREE)
        return false;
    for (const uint64_t *record;
         events < ROUND_EVENTS && (record = ring_peek_spsc(&thread->ring)) != NULL; events++) {
        take((const struct event *)record, batch);
        ring_release_spsc(&thread->ring);
    }
    drain.dropped += ring_dropped_spsc(&thread->ring);
    if (state == THREAD_ENDED && events < ROUND_EVENTS)
        thread_release(thread);
    return events > 0;
}

static void put_own(struct batch *batch, const char *name, uint64_t count)
{
    char text[512];
    struct writer w = writer_on(text, sizeof text);
    if (count == 0)
        return;
    lines_own(&drain.lines, &w, name, count);
    batch_add(batch, (struct bytes){text, w.n});
}

static void put_own_figures(struct batch *batch)
{
    uint64_t errors = sender_errors();
    put_own(batch, "dropped", drain.dropped);
    put_own(batch, "send_errors", errors - drain.errors_told);
    put_own(batch, "down", drain.down);
    for (int i = 0; i < FIGURES; i++)
        put_own(batch, figure_name((enum figure)i), figure_since((enum figure)i));
    drain.errors_told = errors;
    drain.dropped = drain.down = 0;
}

static void sums_when_due(struct batch *batch, bool last)
{
    if (totals_empty())
        return;
    uint64_t now = clock_now_ns();
    if (drain.sums_due_ns == 0)
        drain.sums_due_ns = now + drain.aggregate_ns;
    if (last || now >= drain.sums_due_ns)
        spell_sums(batch);
}

bool drain_all(struct batch *batch, bool last)
{
    bool any = false;
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        any |= drain_thread(thread, batch);
    sums_when_due(batch, last);
    if (any || last)
        put_own_figures(batch);
    journal_flush();
    return any;
}

uint64_t drain_due_ns(void)
{
    if (totals_empty())
        return UINT64_MAX;
    uint64_t now = clock_now_ns();
    return now >= drain.sums_due_ns ? 1 : drain.sums_due_ns - now;
}
