#include <criterion/criterion.h>

#include "calls.h"
#include "threads.h"

TestSuite(request_owner, .init = calls_begin, .timeout = 60);

static struct mortal other, third;

static void start_one(void)
{
    start("id");
}

Test(request_owner, same_id_started_twice_and_the_older_ones_owner_dies)
{
    mortal_begin(&other);
    mortal_does(&other, start_one);
    cr_assert_eq(start("id"), 0);
    mortal_ends(&other, BY_RETURN);
    cr_assert_eq(live_told.n, 1);
    cr_assert_eq(owner_of("id"), gettid());
    stop("id");
    cr_assert_eq(request_count(), 0);
    cr_assert_eq(registry_count(), 0);
}

static void start_and_add(void)
{
    start("id");
    add_time("id", "rdbms.x", 77);
}

Test(request_owner, owner_dies_by_return_exit_cancellation_or_system_call_no_end_is_sent)
{
    for (enum ending ending = 0; ending < ENDINGS; ending++) {
        mortal_begin(&other);
        mortal_does(&other, start_and_add);
        cr_assert_eq(request_count(), 1);
        mortal_ends(&other, ending);
        sweep_when_due(live_tell, (10 + ending) * SWEEP_NS);
        cr_assert_eq(live_told.n, ending + 1u);
        const struct event *event = live_lost(ending);
        cr_assert_eq(event->outcome, OUTCOME_DOWN);
        cr_assert_eq(event->tid, (uint32_t)other.tid);
        cr_assert(bytes_equal(event_id(event), BYTES("id")));
        cr_assert_eq(event->timers, 1);
        cr_assert_eq(event_timers(event)->time_us, 77);
        cr_assert_not(live_told.last[ending].reported);
        assert_unknown("id");
        cr_assert_eq(request_count(), 0, "DOWN decrements");
    }
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        for (int kind; (kind = live_event(thread)->kind) != 0;)
            cr_assert_eq(kind, EVENT_START);
}

/* From its owner's end on, not only when that is swept. */
Test(request_owner, not_found_from_the_end_of_its_owner_on)
{
    mortal_begin(&other);
    mortal_does(&other, start_and_add);
    mortal_ends(&other, BY_SYSTEM_CALL);
    thread_find_dead();
    cr_assert_eq(live_told.n, 0);
    assert_unknown("id");
    sweep_downs(live_tell);
    cr_assert_eq(live_told.n, 1);
    assert_unknown("id");
    cr_assert_eq(request_count(), 0);
}

static void start_and_report(void)
{
    start("id");
    report("id", 200);
}

Test(request_owner, owner_dies_after_the_report)
{
    mortal_begin(&other);
    mortal_does(&other, start_and_report);
    mortal_ends(&other, BY_RETURN);
    cr_assert_eq(live_told.n, 1);
    cr_assert(live_told.last[0].reported);
    assert_unknown("id");
}

Test(request_owner, reparent_then_the_old_owner_dies_the_request_lives_on)
{
    mortal_begin(&other);
    mortal_does(&other, start_and_add);
    cr_assert_eq(reparent("id", 0), 0);
    cr_assert_eq(owner_of("id"), gettid());
    mortal_ends(&other, BY_RETURN);
    sweep_when_due(live_tell, SWEEP_NS);
    cr_assert_eq(live_told.n, 0);
    cr_assert_eq(timer_of("id", "rdbms.x").time_us, 77);
    cr_assert_eq(report("id", 200), 0);
    cr_assert_eq(stop("id"), 0);
    cr_assert_eq(thread_self()->owned, 0);
}

static void serve(void)
{
    thread_self();
}

Test(request_owner, reparent_to_a_thread_id)
{
    start("id");
    mortal_begin(&other);
    mortal_begin(&third);
    mortal_does(&third, serve);
    cr_assert_eq(reparent("id", other.tid), 0);
    cr_assert_eq(owner_of("id"), other.tid, "one that has never served");
    cr_assert_eq(reparent("id", third.tid), 0);
    cr_assert_eq(owner_of("id"), third.tid, "one that has");
    cr_assert_eq(reparent("id", third.tid), 0);
    cr_assert_eq(request_count(), 1);
    mortal_ends(&other, BY_RETURN);
    sweep_when_due(live_tell, SWEEP_NS);
    cr_assert_eq(live_told.n, 0);
    mortal_ends(&third, BY_RETURN);
    cr_assert_eq(live_told.n, 1);
    assert_unknown("id");
}

Test(request_owner, reparent_to_no_thread_of_this_process)
{
    start("id");
    cr_assert_eq(reparent("id", nobody()), -ESRCH);
    cr_assert_eq(reparent("id", getppid()), -ESRCH);
    cr_assert_eq(reparent("id", -1), -ESRCH);
    cr_assert_eq(owner_of("id"), gettid(), "it stays where it was");
    cr_assert_eq(request_count(), 1);
}

Test(request_owner, owner_given_at_start_is_watched_not_the_caller)
{
    for (enum ending ending = 0; ending < ENDINGS; ending++) {
        mortal_begin(&other);
        cr_assert_eq(start_for("id", other.tid), 0);
        cr_assert_eq(owner_of("id"), other.tid);
        cr_assert_eq(thread_self()->owned, 0);
        sweep_when_due(live_tell, (10 + 2 * ending) * SWEEP_NS);
        cr_assert_eq(live_told.n, ending);
        mortal_ends(&other, ending);
        sweep_when_due(live_tell, (11 + 2 * ending) * SWEEP_NS);
        cr_assert_eq(live_told.n, ending + 1u);
        cr_assert_eq(request_count(), 0);
    }
}

static void start_for_third(void)
{
    start_for("id", third.tid);
}

/* Two threads make one that has not come yet the owner of a request each, at the same time. */
static pthread_barrier_t together;

static void *start_for_other(void *number)
{
    pthread_barrier_wait(&together);
    return start_for(number == NULL ? "one" : "two", other.tid) == 0 ? NULL : "refused";
}

static void come(void)
{
    thread_self();
}

Test(request_owner, an_owner_that_comes_after_two_starts_at_once_keeps_both)
{
    pthread_barrier_init(&together, NULL, 2);
    for (int round = 0; round < 500; round++) {
        mortal_begin(&other);
        cr_assert(on_threads(2, start_for_other));
        mortal_does(&other, come);
        sweep_downs(live_tell);
        cr_assert_eq(live_told.n, 0, "it lives (round %d)", round);
        cr_assert_eq(stop("one"), 0);
        cr_assert_eq(stop("two"), 0);
        mortal_ends(&other, BY_RETURN);
    }
}

Test(request_owner, the_caller_of_a_start_for_another_owner_may_die)
{
    mortal_begin(&other);
    mortal_begin(&third);
    mortal_does(&other, start_for_third);
    mortal_ends(&other, BY_RETURN);
    sweep_when_due(live_tell, SWEEP_NS);
    cr_assert_eq(live_told.n, 0);
    cr_assert_eq(owner_of("id"), third.tid);
    cr_assert_eq(stop("id"), 0);
    mortal_ends(&third, BY_RETURN);
}

static void start_three(void)
{
    start("a");
    start("b");
    start("c");
}

Test(request_owner, clean_by_thread)
{
    start("mine");
    next();
    mortal_begin(&other);
    mortal_does(&other, start_three);
    cr_assert_eq(reparent("b", 0), 0);
    cr_assert_eq(request_clean(other.tid), 0);
    assert_unknown("a");
    assert_unknown("c");
    cr_assert_eq(owner_of("b"), gettid(), "it owned that no more");
    cr_assert_eq(request_clean(other.tid), -ENOENT);
    cr_assert_eq(request_count(), 2);
    cr_assert_eq(live_told.n, 0, "as if each was stopped");
    cr_assert_eq(request_clean(0), 0);
    cr_assert_eq(request_count(), 0);
    cr_assert_eq(registry_count(), 0);
    cr_assert_eq(request_clean(0), -ENOENT);
    mortal_ends(&other, BY_RETURN);
    cr_assert_eq(live_told.n, 0);
    assert_no_more();
}

Test(request_owner, clean_of_no_thread)
{
    cr_assert_eq(request_clean(nobody()), -ENOENT);
    mortal_begin(&other);
    cr_assert_eq(request_clean(other.tid), -ENOENT);
    mortal_ends(&other, BY_RETURN);
}

Test(request_owner, register_watches_a_thread)
{
    cr_assert_eq(request_watch(0), 0);
    cr_assert_eq(request_watch(nobody()), -ESRCH);
    cr_assert_eq(thread_count(), 1);
    mortal_begin(&other);
    cr_assert_eq(request_watch(other.tid), 0);
    cr_assert_eq(request_watch(other.tid), 0);
    cr_assert_eq(thread_count(), 2);
    cr_assert(thread_any_to_watch());
    mortal_ends(&other, BY_RETURN);
    sweep_when_due(live_tell, SWEEP_NS);
    cr_assert_eq(thread_count(), 1);
}

Test(request_owner, registered_count_is_one_per_live_request)
{
    char id[16];
    cr_assert_eq(request_count(), 0);
    for (size_t i = 1; i <= 100; i++) {
        snprintf(id, sizeof id, "%zu", i % 60);
        start(id);
        cr_assert_eq(request_count(), i);
    }
    report("7", 200);
    cr_assert_eq(request_count(), 100);
    stop("7");
    cr_assert_eq(request_count(), 99);
}

/* A request that the shim saw on a connection. */
static struct worker *seen(const char *id)
{
    struct worker *worker = live_worker(id);
    worker_begin(worker, thread_self());
    return worker;
}

static void end_seen(struct worker *worker)
{
    worker_end(worker, thread_self(), 200, OUTCOME_DONE, 5000);
    worker_free(worker);
}

Test(request_owner, one_that_the_shim_saw_is_reported_and_ended_by_it_alone)
{
    struct worker *worker = seen("id");
    cr_assert_eq(report("id", 500), -EPERM);
    cr_assert_eq(stop("id"), -EPERM);
    assert_no_more();
    cr_assert_eq(request_count(), 1);
    end_seen(worker);
    cr_assert_eq(next_end()->status, 200);
    assert_unknown("id");
}

Test(request_owner, what_is_added_to_one_that_the_shim_saw_goes_with_its_end)
{
    struct worker *worker = seen("id");
    cr_assert_eq(add_time("id", "rdbms.x", 1000), 0);
    cr_assert_eq(add_time("id", "rdbms.x", 500), 0);
    cr_assert_eq(append("id", "sql", "text"), 0);
    assert_log("id", "sql", "text");
    cr_assert_eq(timer_of("id", "rdbms.x").time_us, 1500);
    cr_assert(snapshot_of("id")->rule.first_parts, "the process's own prefixes");
    end_seen(worker);
    const struct event *event = next_end();
    cr_assert_eq(event->timers, 1);
    cr_assert_eq(event_timers(event)->time_us, 1500);
    worker = seen("id");
    cr_assert_eq(snapshot_of("id")->timers, 0, "the next one begins clean");
    assert_log("id", "sql", "");
    end_seen(worker);
    cr_assert_eq(next_end()->timers, 0);
}

Test(request_owner, one_that_the_shim_saw_can_be_reparented)
{
    struct worker *worker = seen("id");
    mortal_begin(&other);
    cr_assert_eq(reparent("id", other.tid), 0);
    cr_assert_eq(owner_of("id"), other.tid);
    mortal_ends(&other, BY_RETURN);
    sweep_when_due(live_tell, SWEEP_NS);
    cr_assert_eq(live_told.n, 1);
    end_seen(worker);
    assert_no_more();
}

Test(request_owner, clean_of_one_that_the_shim_saw_it_is_still_reported)
{
    struct worker *worker = seen("id");
    cr_assert_eq(request_clean(0), 0);
    assert_unknown("id");
    cr_assert_eq(request_clean(0), -ENOENT);
    end_seen(worker);
    cr_assert_eq(next_end()->status, 200);
    assert_no_more();
}

Test(request_owner, clean_of_one_that_the_shim_saw_it_is_still_reported_with_its_timers)
{
    struct worker *worker = seen("id");
    cr_assert_eq(add_time("id", "rdbms.x", 1000), 0);
    cr_assert_eq(request_clean(0), 0);
    end_seen(worker);
    cr_assert_eq(next_end()->timers, 1);
}
