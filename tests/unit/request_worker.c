#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/resource.h>

#include "live.h"
#include "mortal.h"
#include "threads.h"

TestSuite(worker, .init = live_begin, .timeout = 60);

Test(worker, begin_and_end_are_told)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id-1");
    worker_begin(worker, self);
    cr_assert_eq(live_event(self)->kind, 0, "its start waits for its end");
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    const struct event *event = live_event(self);
    cr_assert_eq(event->kind, EVENT_END);
    cr_assert(event->starts);
    cr_assert_eq(event->outcome, OUTCOME_DONE);
    cr_assert_eq(event->label, 3);
    cr_assert_eq(event->action, 4);
    cr_assert_eq(event->status, 200);
    cr_assert_eq(event->tid, (uint32_t)self->tid);
    cr_assert_eq(event->start_ns, 1000);
    cr_assert_eq(event->duration_ns, 4000);
    cr_assert(bytes_equal(event_id(event), BYTES("id-1")));
    worker_free(worker);
}

Test(worker, the_end_is_told_once)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker_begin(worker, self);
    live_event(self);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    worker_end(worker, self, 500, OUTCOME_ABORTED, 6000);
    cr_assert_eq(live_event(self)->status, 200);
    cr_assert_eq(live_event(self)->kind, 0);
    cr_assert_eq(self->owned, 0);
}

Test(worker, nothing_is_told_of_one_that_never_began)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    worker_free(worker);
    cr_assert_eq(live_event(self)->kind, 0);
}

Test(worker, a_clock_that_is_behind_gives_zero)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker_begin(worker, self);
    worker_end(worker, self, 200, OUTCOME_DONE, 999);
    live_event(self);
    cr_assert_eq(live_event(self)->duration_ns, 0);
}

Test(worker, one_without_an_id_is_given_one_at_its_end)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("");
    worker_begin(worker, self);
    cr_assert_eq(registry_count(), 0);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    cr_assert_eq(event_id(live_event(self)).n, MADE_ID_BYTES);
}

Test(worker, ids_are_told_only_where_they_are_wanted)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker_tell_ids(false);
    worker_begin(worker, self);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    cr_assert_eq(event_id(live_event(self)).n, 0);
}

static struct {
    int n;
    uint8_t scope;
    uint16_t label, action;
} started;

static void tell_start(uint8_t scope, uint16_t label, uint16_t action)
{
    started.n++;
    started.scope = scope;
    started.label = label;
    started.action = action;
}

Test(worker, a_start_that_is_told_is_not_told_with_the_end)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker_scope(worker, 9);
    cr_assert_eq(worker_tell_starts(tell_start), 0, "not before it has begun");
    worker_begin(worker, self);
    cr_assert_eq(worker_tell_starts(tell_start), 1);
    cr_assert_eq(started.scope, 9);
    cr_assert_eq(started.label, 3);
    cr_assert_eq(started.action, 4);
    cr_assert_eq(worker_tell_starts(tell_start), 0, "once");
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    cr_assert_not(live_event(self)->starts);
    cr_assert_eq(worker_tell_starts(tell_start), 0);
    worker_renew(worker, 2000);
    worker_begin(worker, self);
    cr_assert_eq(worker_tell_starts(tell_start), 1, "the next request's");
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    cr_assert_not(live_event(self)->starts);
}

Test(worker, a_request_of_calls_tells_its_start_at_once)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker->by_calls = true;
    cr_assert(thread_own(self, self->tid));
    cr_assert_eq(worker_begin_for(worker, self, self), 0);
    const struct event *event = live_event(self);
    cr_assert_eq(event->kind, EVENT_START);
    cr_assert_eq(event->label, 3);
    cr_assert_eq(event->action, 4);
    cr_assert_eq(worker_tell_starts(tell_start), 0);
}

/* One thread begins and ends requests of either of two names, another looks for starts: each start
 * is told once, under its own name. */
enum { LOOKED_FOR = 200000 };

static _Atomic bool looked_enough;
static uint32_t looked[2];

static void count_start(uint8_t scope, uint16_t label, uint16_t action)
{
    (void)scope;
    cr_assert_eq(action, label + 1);
    looked[label & 1]++;
}

static void *look_for_starts(void *nothing)
{
    while (!looked_enough)
        worker_tell_starts(count_start);
    return nothing;
}

Test(worker, starts_are_told_once_whoever_is_faster)
{
    pthread_t looker;
    uint32_t told[2] = {0, 0}, begun[2] = {0, 0};
    struct thread *self = thread_self();
    struct worker *worker = live_worker("");
    cr_assert_eq(pthread_create(&looker, NULL, look_for_starts, NULL), 0);
    for (int i = 0; i < LOOKED_FOR; i++) {
        uint16_t label = (uint16_t)(2 + i % 7 % 2);
        worker_renew(worker, 1000);
        worker_name(worker, label, (uint16_t)(label + 1));
        worker_begin(worker, self);
        begun[label & 1]++;
        worker_end(worker, self, 200, OUTCOME_DONE, 5000);
        const struct event *event = live_event(self);
        told[event->label & 1] += event->starts;
    }
    looked_enough = true;
    pthread_join(looker, NULL);
    cr_assert_eq(told[0] + looked[0], begun[0]);
    cr_assert_eq(told[1] + looked[1], begun[1]);
}

Test(worker, a_record_begins_clean)
{
    struct worker *worker = live_worker("a-former-request");
    worker_free(worker);
    worker = worker_make(7);
    cr_assert_eq(request_id_text(&worker->id).n, 0);
    cr_assert_eq(worker->start_ns, 7);
    cr_assert_null(worker->next);
    cr_assert_eq(worker_owner(worker), 0);
}

static void *end_it(void *worker)
{
    worker_end(worker, NULL, 200, OUTCOME_DONE, 5000);
    return thread_current;
}

static void *end_it_without_memory(void *worker)
{
    struct rlimit before, none;
    cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    void *record = end_it(worker);
    cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
    return record;
}

/* The record of a thread that has none, once it has ended the worker. */
static struct thread *ended_by_a_new_thread(void *(*end)(void *worker), struct worker *worker)
{
    pthread_t thread;
    void *record;
    cr_assert_eq(pthread_create(&thread, NULL, end, worker), 0);
    cr_assert_eq(pthread_join(thread, &record), 0);
    return record;
}

Test(worker, a_thread_without_a_record_is_given_one_for_an_end)
{
    struct worker *worker = live_worker("id");
    worker_begin(worker, thread_self());
    struct thread *by = ended_by_a_new_thread(end_it, worker);
    cr_assert_not_null(by);
    cr_assert_eq(live_event(by)->status, 200);
}

Test(worker, without_memory_for_a_thread_the_end_is_still_one)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker_begin(worker, self);
    cr_assert_null(ended_by_a_new_thread(end_it_without_memory, worker));
    worker_free(worker);
    cr_assert_eq(registry_count(), 0);
    cr_assert_eq(self->owned, 0);
}

/* A thread that is another owner, until it is told to end. */
static struct other {
    pthread_t handle;
    struct thread *record;
    pid_t tid;
    sem_t begun, may_end;
    void *(*end)(void);
    struct worker *worker;
} other;

static void *run_other(void *nothing)
{
    other.record = thread_self();
    other.tid = other.record->tid;
    if (other.worker != NULL)
        worker_begin(other.worker, other.record);
    sem_post(&other.begun);
    while (sem_wait(&other.may_end) != 0)
        continue;
    if (other.end != NULL)
        other.end();
    return nothing;
}

static void other_begins(struct worker *worker, void *(*end)(void))
{
    other.worker = worker;
    other.end = end;
    sem_init(&other.begun, 0, 0);
    sem_init(&other.may_end, 0, 0);
    cr_assert_eq(pthread_create(&other.handle, NULL, run_other, NULL), 0);
    sem_wait(&other.begun);
}

static void other_ends(void)
{
    sem_post(&other.may_end);
    cr_assert_eq(pthread_join(other.handle, NULL), 0);
}

Test(worker, reparent_moves_ownership)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    struct registry_entry entry;
    other_begins(worker, NULL);
    cr_assert_eq(registry_find(BYTES("id"), &entry), 0);
    cr_assert_eq(entry.tid, other.record->tid);
    worker_served_by(worker, self);
    cr_assert_eq(registry_find(BYTES("id"), &entry), 0);
    cr_assert_eq(entry.tid, self->tid);
    cr_assert_eq(self->owned, 1);
    cr_assert_eq(other.record->owned, 0);
    other_ends();
    cr_assert(live_found("id"), "it outlives its former owner");
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    cr_assert_eq(live_event(self)->kind, EVENT_END);
    cr_assert_eq(self->owned, 0);
}

Test(worker, served_by_its_owner_changes_nothing)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    worker_begin(worker, self);
    worker_served_by(worker, self);
    cr_assert_eq(self->owned, 1);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    worker_served_by(worker, self);
    cr_assert_eq(self->owned, 0, "what has ended has no owner any more");
}

Test(worker, a_start_moves_with_its_request)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    other_begins(worker, NULL);
    worker_served_by(worker, self);
    cr_assert_eq(worker_tell_starts(tell_start), 1);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    cr_assert_not(live_event(self)->starts);
    other_ends();
}

Test(worker, ended_by_another_thread)
{
    struct thread *self = thread_self();
    struct worker *worker = live_worker("id");
    other_begins(worker, NULL);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    cr_assert_eq(other.record->owned, 0);
    other_ends();
    cr_assert_eq(live_event(self)->tid, (uint32_t)self->tid);
    cr_assert_eq(live_event(self)->kind, 0);
    cr_assert_eq(live_event(other.record)->kind, 0);
    cr_assert_eq(live_told.n, 0, "no DOWN of what has ended");
}

static void assert_down(const char *id)
{
    struct thread *self = thread_self();
    cr_assert_eq(live_event(other.record)->kind, 0);
    cr_assert_eq(live_told.n, 1);
    const struct event *event = live_lost(0);
    cr_assert_eq(event->kind, EVENT_DOWN);
    cr_assert(event->starts);
    cr_assert_eq(event->outcome, OUTCOME_DOWN);
    cr_assert_eq(event->label, 3);
    cr_assert_eq(event->tid, (uint32_t)other.tid);
    cr_assert(bytes_equal(event_id(event), bytes_of(id)));
    cr_assert_eq(registry_count(), 0);
    worker_end(other.worker, self, 200, OUTCOME_DONE, 5000);
    worker_free(other.worker);
    cr_assert_eq(live_event(self)->kind, 0, "and never an end");
    cr_assert_eq(live_told.n, 1);
}

Test(worker, down_when_the_thread_returns)
{
    other_begins(live_worker("id"), NULL);
    other_ends();
    assert_down("id");
}

static void *exit_thread(void)
{
    pthread_exit(NULL);
}

Test(worker, down_when_the_thread_exits)
{
    other_begins(live_worker("id"), exit_thread);
    other_ends();
    assert_down("id");
}

Test(worker, down_when_the_thread_is_cancelled)
{
    other_begins(live_worker("id"), NULL);
    cr_assert_eq(pthread_cancel(other.handle), 0);
    cr_assert_eq(pthread_join(other.handle, NULL), 0);
    assert_down("id");
}

static struct mortal mortal;

static void begin_here(void)
{
    worker_begin(other.worker, thread_self());
}

/* A worker whose owner has ended, unseen by the sweep. */
static struct worker *orphan(const char *id)
{
    thread_self();
    other.worker = live_worker(id);
    mortal_begin(&mortal);
    mortal_does(&mortal, begin_here);
    mortal_ends(&mortal, BY_SYSTEM_CALL);
    thread_find_dead();
    cr_assert_eq(thread_downs(), 1);
    cr_assert_eq(live_told.n, 0);
    return other.worker;
}

Test(worker, down_is_told_by_its_holder_if_that_comes_before_the_sweep)
{
    struct thread *self = thread_self();
    struct worker *worker = orphan("id");
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    worker_free(worker);
    const struct event *event = live_event(self);
    cr_assert_eq(event->kind, EVENT_DOWN);
    cr_assert_eq(event->outcome, OUTCOME_DOWN);
    cr_assert_eq(event->label, 3);
    cr_assert(bytes_equal(event_id(event), BYTES("id")));
    sweep_downs(live_tell);
    cr_assert_eq(live_told.n, 0);
    cr_assert_eq(live_event(self)->kind, 0);
    cr_assert_eq(registry_count(), 0);
    cr_assert_eq(thread_downs(), 0);
}

Test(worker, one_whose_owner_has_ended_is_taken_over_by_nobody)
{
    struct thread *self = thread_self();
    struct worker *worker = orphan("id"), *found;
    cr_assert_not(worker_is_owned(worker));
    worker_served_by(worker, self);
    cr_assert_eq(self->owned, 0);
    cr_assert_eq(registry_hold(BYTES("id"), &found), -ENOENT);
    sweep_downs(live_tell);
    cr_assert_eq(live_told.n, 1);
    worker_end(worker, self, 200, OUTCOME_DONE, 5000);
    worker_free(worker);
    cr_assert_eq(live_event(self)->kind, 0);
}

Test(worker, down_of_one_without_an_id_tells_one)
{
    other_begins(live_worker(""), NULL);
    other_ends();
    cr_assert_eq(live_told.n, 1);
    cr_assert_eq(event_id(live_lost(0)).n, MADE_ID_BYTES);
}

static void *die_with_many(void *number)
{
    struct thread *self = thread_self();
    for (int i = 0; i < 1000; i++) {
        char id[32];
        snprintf(id, sizeof id, "%ld-%d", (long)(intptr_t)number, i);
        struct worker *worker = worker_make(1);
        worker_set_id(worker, bytes_of(id));
        worker_begin(worker, self);
    }
    return NULL;
}

Test(worker, threads_that_die_at_once_tell_all_they_own)
{
    cr_assert(on_threads(4, die_with_many));
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++) {
        cr_assert_eq(live_event(thread)->kind, 0);
        cr_assert_eq(thread->owned, 0);
    }
    for (uint64_t i = live_told.n - LIVE_TOLD; i < live_told.n; i++)
        cr_assert(live_lost(i)->starts);
    cr_assert_eq(live_told.n, 4000);
    cr_assert_eq(registry_count(), 0);
}

/*
 * A dying owner and the holder of its requests, again and again: each request is told once, and no
 * record is used again before it is out of the registry.
 */
enum { RACED = 64 };

static struct worker *raced[RACED];

static struct worker *numbered(const char *kind, int i)
{
    char id[32];
    snprintf(id, sizeof id, "%s-%d", kind, i);
    return live_worker(id);
}

static void *begin_and_die(void *nothing)
{
    struct thread *self = thread_self();
    for (int i = 0; i < RACED; i++)
        worker_begin(raced[i], self);
    sem_post(&other.begun);
    return nothing;
}

static void end_raced(struct thread *self, int i)
{
    worker_end(raced[i], self, 200, OUTCOME_DONE, 5000);
    worker_free(raced[i]);
}

/* What was given back serves the next request at once. */
static void race_once(struct thread *self)
{
    pthread_t owner;
    for (int i = 0; i < RACED; i++)
        raced[i] = numbered("first", i);
    cr_assert_eq(pthread_create(&owner, NULL, begin_and_die, NULL), 0);
    sem_wait(&other.begun);
    for (int i = 0; i < RACED; i++) {
        end_raced(self, i);
        raced[i] = numbered("second", i);
        worker_begin(raced[i], self);
    }
    cr_assert_eq(pthread_join(owner, NULL), 0);
    cr_assert_eq(registry_count(), RACED);
    for (int i = 0; i < RACED; i++)
        end_raced(self, i);
    cr_assert_eq(registry_count(), 0);
}

/* Since it was asked last. */
static int count_told(void)
{
    int told = (int)live_told.n;
    live_told.n = 0;
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        while (live_event(thread)->kind != 0)
            told++;
    return told;
}

Test(worker, a_dying_owner_and_the_end_at_once)
{
    struct thread *self = thread_self();
    sem_init(&other.begun, 0, 0);
    for (int round = 0; round < 4000; round++) {
        race_once(self);
        cr_assert_eq(count_told(), 2 * RACED);
    }
}
