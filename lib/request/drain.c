#include "request/drain.h"

#include "base/clock.h"
#include "request/figures.h"
#include "request/journal.h"
#include "request/lines.h"
#include "request/sweep.h"
#include "request/thread.h"
#include "request/totals.h"
#include "request/worker.h"

/* The largest group of lines: an end with TIMERS_MOST timers, each told three times at most. */
enum { GROUP_BYTES = 3 * (TIMERS_MOST + 3) * 400, ROUND_EVENTS = 65536 };

/* So often it is asked whether somebody waits for us: some microseconds apart. */
enum { HURRY_EVENTS = 32 };

static struct {
    struct lines lines[SCOPES]; /* the process's own first; others once they are needed */
    struct batch *batch;        /* what is spelled now goes there */
    uint64_t aggregate_ns, sums_due_ns;
    uint64_t flush_ns, starts_looked_ns, figures_told_ns;
    uint64_t errors_counted;
    uint64_t told[FIGURES]; /* by the last lines of each */
    uint32_t queue_most;    /* events that a queue can hold */
    uint32_t next_thread;   /* whose turn it is */
    _Atomic bool ending;
    char group[GROUP_BYTES];
} drain;

/* Those that were never needed are not written to: most processes have one scope. */
static void forget_lines(void)
{
    for (uint32_t i = 0; i < SCOPES; i++)
        if (drain.lines[i].codec != NULL)
            drain.lines[i].codec = NULL;
}

void drain_begin(const struct config *config)
{
    forget_lines();
    lines_begin(&drain.lines[0], config);
    sweep_begin();
    drain.next_thread = 0;
    drain.queue_most = config->queue_events * EVENT_END_WORDS + RING_WORDS_LEAST;
    atomic_store(&drain.ending, false);
    drain.aggregate_ns = (uint64_t)config->aggregate_ms * 1000000;
    drain.sums_due_ns = 0;
    drain.flush_ns = (uint64_t)config->flush_ms * 1000000;
    drain.starts_looked_ns = drain.figures_told_ns = 0;
    drain.errors_counted = 0;
    memset(drain.told, 0, sizeof drain.told);
}

void drain_at_end(void)
{
    atomic_store(&drain.ending, true);
}

static const struct lines *lines_of(uint8_t scope)
{
    struct lines *lines = &drain.lines[scope];
    if (__builtin_expect(lines->codec == NULL, 0))
        lines_begin_scope(lines, &drain.lines[0], scope_of(scope));
    return lines;
}

static void spell_sums(void)
{
    totals_spell(lines_of, drain.batch);
    drain.sums_due_ns = 0;
}

static bool summed(void)
{
    return drain.aggregate_ns > 0;
}

static void sum_start(uint8_t scope, uint16_t label, uint16_t action)
{
    while (!totals_started(scope, label, action))
        spell_sums();
}

static void sum_end(const struct event *event)
{
    if (event->starts)
        sum_start(event->scope, event->label, event->action);
    while (!totals_ended(event->scope, event->status))
        spell_sums();
}

static void put_end(const struct lines *lines, struct writer *w, const struct event *event)
{
    if (summed()) {
        lines_times(lines, w, event);
    } else if (event->starts) {
        lines_whole(lines, w, event);
    } else {
        lines_status(lines, w, event->status, 1);
        lines_times(lines, w, event);
    }
}

/* A view until the next lines are made. */
static inline struct bytes end_text(const struct lines *lines, const struct event *event)
{
    struct bytes text = {NULL, 0};
    if (summed() || event->starts)
        text = lines_kept(lines, event, !summed());
    if (__builtin_expect(text.n > 0, 1))
        return text;
    struct writer w = writer_on(drain.group, sizeof drain.group);
    put_end(lines, &w, event);
    return (struct bytes){drain.group, w.n};
}

static void tell_start(uint8_t scope, uint16_t label, uint16_t action)
{
    if (summed()) {
        sum_start(scope, label, action);
        return;
    }
    struct writer w = writer_on(drain.group, sizeof drain.group);
    lines_started(lines_of(scope), &w, label, action, 1);
    batch_add(drain.batch, (struct bytes){drain.group, w.n});
}

static void journal_event(const struct event *event)
{
    if (!journal_wanted())
        return;
    const struct lines *lines = lines_of(event->scope);
    journal_add(event, (struct bytes){lines->app, lines->app_bytes},
                (struct bytes){lines->host, lines->host_bytes});
}

/* A request that was reported has its line in the log already. */
static void journal_open(const struct event_facts *facts)
{
    uint64_t room[EVENT_WORDS_MOST];
    if (journal_wanted() && !facts->reported)
        journal_event(event_write(room, facts));
}

static void take_swept(const struct event_facts *facts)
{
    if (facts->starts)
        tell_start(facts->scope, facts->label, facts->action);
    journal_open(facts);
}

static void take_open(const struct event_facts *facts)
{
    figure_count(FIGURE_DOWN);
    take_swept(facts);
}

static void take_lost(const struct event_facts *facts)
{
    sweep_say_down(facts->id);
    take_swept(facts);
}

static void take_down(const struct event *event)
{
    sweep_say_down(event_id(event));
    journal_event(event);
}

static inline void take_end(const struct event *event)
{
    if (summed())
        sum_end(event);
    batch_add(drain.batch, end_text(lines_of(event->scope), event));
    journal_event(event);
}

static void take(const struct event *event)
{
    if (__builtin_expect(event->kind == EVENT_END, 1)) {
        take_end(event);
        return;
    }
    if (event->kind == EVENT_START || event->starts)
        tell_start(event->scope, event->label, event->action);
    if (event->kind == EVENT_DOWN)
        take_down(event);
}

/* `most` events of one thread's queue, or all. How many there were. */
static uint32_t take_some(struct ring *ring, uint32_t most)
{
    const uint64_t *record;
    uint32_t events = 0;
    while (events < most && (record = ring_peek_spsc(ring)) != NULL) {
        take((const struct event *)record);
        ring_release_spsc(ring);
        events++;
    }
    return events;
}

/* Events of one thread's queue, but not more than `most`; `*emptied`: that was all. */
static uint32_t drain_ring(struct ring *ring, uint32_t most, bool *emptied)
{
    uint32_t events = 0;
    while (events < most && !*emptied && !batch_hurried(drain.batch) &&
           !batch_part_done(drain.batch)) {
        uint32_t some = most - events < HURRY_EVENTS ? most - events : HURRY_EVENTS;
        uint32_t taken = take_some(ring, some);
        *emptied = taken < some;
        events += taken;
    }
    return events;
}

/* What waits in one thread's queue, but not more than `most`: other threads wait too. */
static bool drain_thread(struct thread *thread, uint32_t most)
{
    bool emptied = false;
    uint32_t state = atomic_load_explicit(&thread->state, memory_order_acquire);
    if (state == THREAD_FREE)
        return false;
    uint32_t events = drain_ring(&thread->ring, most, &emptied);
    if (events > 0)
        thread->came = true;
    uint64_t dropped = ring_dropped_spsc(&thread->ring);
    if (dropped > 0)
        figure_add(FIGURE_DROPPED, dropped);
    if (state == THREAD_ENDED && emptied)
        thread_release(thread);
    return events > 0;
}

_Static_assert(FIGURES <= 8, "a tag each");

static void put_figure(enum figure figure)
{
    char text[512];
    struct writer w = writer_on(text, sizeof text);
    uint64_t count = figure_since(figure);
    if (count == 0)
        return;
    lines_own(&drain.lines[0], &w, figure_name(figure), count);
    if (batch_add_tagged(drain.batch, (struct bytes){text, w.n}, (uint8_t)(1u << figure)))
        drain.told[figure] = count;
    else
        figure_add(figure, count);
}

static void count_errors(void)
{
    uint64_t errors = sender_errors();
    if (errors != drain.errors_counted)
        figure_add(FIGURE_SEND_ERRORS, errors - drain.errors_counted);
    drain.errors_counted = errors;
}

/* A figure that was given up here, which is an error, is told again with what came since; what the
 * network loses, or a closed port, nobody knows. */
static void put_figures(void)
{
    count_errors();
    if (batch_tagged(drain.batch)) /* those told before still wait */
        return;
    uint8_t lost = batch_lost(drain.batch);
    for (int i = 0; i < FIGURES; i++) {
        if (lost >> i & 1)
            figure_add((enum figure)i, drain.told[i]);
        put_figure((enum figure)i);
    }
}

static void sums_when_due(uint64_t now, bool last)
{
    if (totals_empty())
        return;
    if (drain.sums_due_ns == 0)
        drain.sums_due_ns = now + drain.aggregate_ns;
    if (last || now >= drain.sums_due_ns)
        spell_sums();
}

/* The starts of requests that last: no later than a line may wait for its datagram. */
static bool starts_when_due(uint64_t now, bool last)
{
    if (!last && now - drain.starts_looked_ns < drain.flush_ns)
        return false;
    drain.starts_looked_ns = now;
    return worker_tell_starts(tell_start) > 0;
}

/* Those from number `i` on and below `end`, until a part is done. */
static bool drain_between(uint32_t i, uint32_t end, uint32_t most)
{
    bool any = false;
    struct thread *thread;
    for (; i < end && !batch_part_done(drain.batch) && (thread = thread_at(i)) != NULL; i++)
        any |= drain_thread(thread, most);
    drain.next_thread = i;
    return any;
}

/* All, from the one behind that with which the last part ended. */
static bool drain_threads(uint32_t most)
{
    uint32_t first = drain.next_thread;
    bool any = drain_between(first, UINT32_MAX, most);
    if (!batch_part_done(drain.batch))
        any |= drain_between(0, first, most);
    return any;
}

/* Once a part is the last of a round, or a flush time after they were told before. */
static void figures_when_due(uint64_t now, bool last, bool any)
{
    bool due = !batch_part_done(drain.batch) || now - drain.figures_told_ns >= drain.flush_ns;
    if (!due || !(any || last || figures_any()))
        return;
    put_figures();
    drain.figures_told_ns = now;
}

bool drain_all(struct batch *batch, bool last)
{
    drain.batch = batch;
    bool any = drain_threads(last ? drain.queue_most : ROUND_EVENTS);
    clock_check();
    uint64_t now = clock_now_ns();
    any |= starts_when_due(now, last);
    sweep_when_due(take_lost, now);
    if (atomic_load(&drain.ending))
        sweep_all(take_open);
    sums_when_due(now, last);
    figures_when_due(now, last, any);
    journal_flush();
    return any;
}

uint64_t drain_due_ns(void)
{
    uint64_t now = clock_now_ns(), sweep = sweep_due_ns(now);
    if (totals_empty())
        return sweep;
    uint64_t sums = now >= drain.sums_due_ns ? 1 : drain.sums_due_ns - now;
    return sums < sweep ? sums : sweep;
}
