#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "live.h"
#include "mortal.h"
#include "threads.h"

static void begin(void)
{
    live_begin();
    thread_self();
}

TestSuite(sweep, .init = begin, .timeout = 60);

static struct mortal owner, another;
static struct worker *worker;

static void own(void)
{
    worker_begin(worker, thread_self());
}

/* A thread that owns a request. */
static void begin_owner(const char *id)
{
    worker = live_worker(id);
    mortal_begin(&owner);
    mortal_does(&owner, own);
}

static void assert_lost(uint64_t i, const char *id, pid_t tid)
{
    const struct event *event = live_lost(i);
    cr_assert_eq(event->kind, EVENT_DOWN);
    cr_assert_eq(event->outcome, OUTCOME_DOWN);
    cr_assert_eq(event->tid, (uint32_t)tid);
    cr_assert_eq(event->label, 3);
    cr_assert_eq(event->action, 4);
    cr_assert_eq(event->start_ns, 1000);
    cr_assert(bytes_equal(event_id(event), bytes_of(id)));
}

/* It is told once, however often is swept, and its holder tells no end. */
static void assert_down_once(const char *id)
{
    struct thread *self = thread_self();
    for (uint64_t now = SWEEP_NS; now < 10 * SWEEP_NS; now += SWEEP_NS)
        sweep_when_due(live_tell, now);
    sweep_downs(live_tell);
    cr_assert_eq(live_told.n, 1);
    assert_lost(0, id, owner.tid);
    cr_assert_eq(registry_count(), 0);
    cr_assert_eq(thread_downs(), 0);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    worker_free(worker);
    for (int kind; (kind = live_event(self)->kind) != 0;)
        cr_assert_eq(kind, EVENT_START);
    cr_assert_eq(live_told.n, 1);
}

Test(sweep, down_is_told_once_when_the_thread_returns)
{
    begin_owner("id");
    mortal_ends(&owner, BY_RETURN);
    cr_assert_eq(live_told.n, 1);
    assert_down_once("id");
}

Test(sweep, down_is_told_once_when_the_thread_exits)
{
    begin_owner("id");
    mortal_ends(&owner, BY_EXIT);
    cr_assert_eq(live_told.n, 1);
    assert_down_once("id");
}

Test(sweep, down_is_told_once_when_the_thread_is_cancelled)
{
    begin_owner("id");
    mortal_ends(&owner, BY_CANCELLATION);
    cr_assert_eq(live_told.n, 1);
    assert_down_once("id");
}

Test(sweep, down_is_told_once_when_the_thread_ends_by_a_raw_system_call)
{
    begin_owner("id");
    mortal_ends(&owner, BY_SYSTEM_CALL);
    sweep_downs(live_tell);
    cr_assert_eq(live_told.n, 0, "nobody has seen that");
    assert_down_once("id");
}

Test(sweep, unseen_ends_are_looked_for_when_it_is_due)
{
    uint64_t now = 1000 * SWEEP_NS;
    begin_owner("id");
    sweep_when_due(live_tell, now);
    cr_assert_eq(live_told.n, 0, "it lives");
    mortal_ends(&owner, BY_SYSTEM_CALL);
    sweep_when_due(live_tell, now + SWEEP_NS - 1);
    cr_assert_eq(live_told.n, 0);
    sweep_when_due(live_tell, now + SWEEP_NS);
    cr_assert_eq(live_told.n, 1);
}

Test(sweep, due_only_while_there_is_something_to_watch)
{
    uint64_t now = 1000 * SWEEP_NS;
    cr_assert_eq(sweep_due_ns(now), UINT64_MAX);
    thread_self();
    cr_assert_eq(sweep_due_ns(now), UINT64_MAX, "a thread without requests");
    begin_owner("id");
    sweep_when_due(live_tell, now);
    cr_assert_eq(sweep_due_ns(now), SWEEP_NS);
    cr_assert_eq(sweep_due_ns(now + SWEEP_NS - 7), 7);
    uint64_t late = sweep_due_ns(now + 10 * SWEEP_NS);
    cr_assert(late > 0 && late <= SWEEP_NS);
    worker_end(worker, thread_self(), 200, OUTCOME_DONE, 5000);
    cr_assert_eq(sweep_due_ns(now), UINT64_MAX);
    mortal_ends(&owner, BY_RETURN);
    cr_assert_eq(sweep_due_ns(now), UINT64_MAX);
}

Test(sweep, due_when_memory_waits_to_be_freed)
{
    uint64_t now = 1000 * SWEEP_NS;
    sweep_when_due(live_tell, now);
    epoch_retire(epoch_memory(4096));
    cr_assert_eq(sweep_due_ns(now), SWEEP_NS);
    for (int i = 0; i < 10; i++)
        sweep_when_due(live_tell, now += SWEEP_NS);
    cr_assert_eq(sweep_due_ns(now + SWEEP_NS), UINT64_MAX);
}

static void take_over(void)
{
    worker_served_by(worker, thread_self());
}

Test(sweep, a_reparented_request_survives_its_old_owner)
{
    for (enum ending ending = 0; ending < ENDINGS; ending++) {
        begin_owner("id");
        mortal_begin(&another);
        mortal_does(&another, take_over);
        mortal_ends(&owner, ending);
        sweep_when_due(live_tell, (10 + ending) * SWEEP_NS);
        cr_assert_eq(live_told.n, ending, "ending %d", (int)ending);
        cr_assert(live_found("id"));
        mortal_ends(&another, BY_RETURN);
        cr_assert_eq(live_told.n, ending + 1u);
        assert_lost(ending, "id", another.tid);
        cr_assert_not(live_found("id"));
        worker_free(worker);
    }
}

/* A request for a thread that has not come itself, begun by another one. */
static void begin_for_owner(void)
{
    struct thread *record;
    cr_assert_eq(thread_of(owner.tid, &record), 0);
    cr_assert(thread_own(record, owner.tid));
    worker_begin_for(worker, record, thread_self());
}

Test(sweep, the_owner_given_at_start_is_watched)
{
    for (enum ending ending = 0; ending < ENDINGS; ending++) {
        struct registry_entry entry;
        worker = live_worker("id");
        mortal_begin(&owner);
        begin_for_owner();
        cr_assert_eq(registry_find(BYTES("id"), &entry), 0);
        cr_assert_eq(entry.tid, owner.tid);
        sweep_when_due(live_tell, (10 + 2 * ending) * SWEEP_NS);
        cr_assert_eq(live_told.n, ending, "it lives");
        mortal_ends(&owner, ending);
        sweep_when_due(live_tell, (11 + 2 * ending) * SWEEP_NS);
        cr_assert_eq(live_told.n, ending + 1u, "ending %d", (int)ending);
        assert_lost(ending, "id", owner.tid);
        worker_free(worker);
    }
}

Test(sweep, the_caller_of_a_start_for_another_owner_is_not_watched)
{
    worker = live_worker("id");
    mortal_begin(&owner);
    mortal_begin(&another);
    mortal_does(&another, begin_for_owner);
    mortal_ends(&another, BY_RETURN);
    sweep_when_due(live_tell, 10 * SWEEP_NS);
    cr_assert_eq(live_told.n, 0);
    cr_assert(live_found("id"));
    mortal_ends(&owner, BY_RETURN);
    sweep_when_due(live_tell, 11 * SWEEP_NS);
    assert_lost(0, "id", owner.tid);
}

static void come(void)
{
    thread_self();
}

/* It has a record from then on, so it is one thread to us, and its end is seen at once. */
Test(sweep, an_owner_that_comes_later_keeps_what_it_was_given)
{
    worker = live_worker("id");
    mortal_begin(&owner);
    begin_for_owner();
    mortal_does(&owner, come);
    cr_assert_eq(live_told.n, 0);
    cr_assert_eq(thread_count(), 2);
    mortal_ends(&owner, BY_RETURN);
    cr_assert_eq(live_told.n, 1, "by its key's destructor");
    assert_down_once("id");
}

Test(sweep, the_entry_of_a_newer_request_with_the_same_id_stays)
{
    struct registry_entry entry;
    begin_owner("id");
    struct worker *newer = worker_make(2000);
    worker_set_id(newer, BYTES("id"));
    worker_begin(newer, thread_self());
    mortal_ends(&owner, BY_RETURN);
    cr_assert_eq(live_told.n, 1);
    cr_assert_eq(registry_find(BYTES("id"), &entry), 0);
    cr_assert_eq(entry.start_ns, 2000);
    worker_end(newer, thread_self(), 200, OUTCOME_DONE, 5000);
    cr_assert_not(live_found("id"));
    cr_assert_eq(registry_count(), 0);
}

Test(sweep, an_older_request_with_the_same_id_is_found_again)
{
    struct registry_entry entry;
    struct worker *older = live_worker("id");
    worker_begin(older, thread_self());
    begin_owner("id");
    cr_assert_eq(registry_find(BYTES("id"), &entry), 0);
    cr_assert_eq(entry.tid, owner.tid);
    mortal_ends(&owner, BY_RETURN);
    cr_assert_eq(registry_find(BYTES("id"), &entry), 0);
    cr_assert_eq(entry.tid, gettid());
}

static void own_many(void)
{
    struct thread *self = thread_self();
    for (int i = 0; i < 1000; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d-%d", (int)gettid(), i);
        worker_begin(live_worker(id), self);
    }
}

Test(sweep, all_that_a_thread_owns)
{
    mortal_begin(&owner);
    mortal_begin(&another);
    mortal_does(&owner, own_many);
    mortal_does(&another, own_many);
    mortal_ends(&owner, BY_SYSTEM_CALL);
    sweep_when_due(live_tell, SWEEP_NS);
    cr_assert_eq(live_told.n, 1000);
    cr_assert_eq(registry_count(), 1000, "the other thread's stay");
    mortal_ends(&another, BY_CANCELLATION);
    cr_assert_eq(live_told.n, 2000);
    cr_assert_eq(registry_count(), 0);
    cr_assert_eq(thread_count(), 1);
}

Test(sweep, what_was_added_is_told)
{
    begin_owner("id");
    timers_add(&worker_take_notes(worker)->timers, 9, 1500, 1);
    worker->noted = true;
    mortal_ends(&owner, BY_RETURN);
    cr_assert_eq(live_lost(0)->timers, 1);
    cr_assert_eq(event_timers(live_lost(0))->label, 9);
    cr_assert_eq(event_timers(live_lost(0))->time_us, 1500);
    cr_assert_not(live_told.last[0].reported);
    worker_free(worker);
    cr_assert_not(worker_make(1)->noted, "and is not the next one's");
}

Test(sweep, the_end_of_the_process_is_everybodys)
{
    begin_owner("one");
    struct worker *mine = live_worker("two");
    worker_begin(mine, thread_self());
    sweep_all(live_tell);
    cr_assert_eq(live_told.n, 2);
    cr_assert_eq(registry_count(), 0);
    sweep_all(live_tell);
    mortal_ends(&owner, BY_RETURN);
    cr_assert_eq(live_told.n, 2, "once");
}

static struct worker *renewed;

/* Between being found and being claimed: the request ends, and the record is the next one's. */
static bool renew_meanwhile(const struct thread *thread)
{
    struct thread *self = thread_self();
    cr_assert_eq(thread, self);
    worker_end(renewed, self, 200, OUTCOME_DONE, 5000);
    worker_renew(renewed, 2000);
    worker_begin(renewed, self);
    return true;
}

static bool tell_start_meanwhile(const struct thread *thread)
{
    worker_tell_own_starts(thread_self());
    return thread == thread_self();
}

Test(sweep, a_record_that_was_renewed_meanwhile_is_left_alone)
{
    struct id_supply ids;
    id_supply_begin(&ids);
    renewed = live_worker("one");
    worker_begin(renewed, thread_self());
    worker_sweep(renew_meanwhile, live_tell, &ids);
    cr_assert_eq(live_told.n, 0);
    cr_assert(worker_is_owned(renewed), "the next one goes on");
    worker_sweep(tell_start_meanwhile, live_tell, &ids);
    cr_assert_eq(live_told.n, 1, "one whose start is told is still the same");
}

/* What was found dead and what went DOWN by itself, with many requests of both, at one time. */
Test(sweep, sweeps_at_once_tell_each_once)
{
    enum { THREADS = 6 };
    static struct mortal mortal[THREADS];
    for (uint64_t round = 1; round <= 20; round++) {
        for (int i = 0; i < THREADS; i++) {
            mortal_begin(&mortal[i]);
            mortal_does(&mortal[i], own_many);
        }
        for (int i = 0; i < THREADS; i++)
            mortal_ends(&mortal[i], (enum ending)(i % ENDINGS));
        sweep_when_due(live_tell, round * SWEEP_NS);
        cr_assert_eq(live_told.n, round * THREADS * 1000);
        cr_assert_eq(registry_count(), 0);
    }
}
