#include <criterion/criterion.h>

#include "calls.h"
#include "threads.h"

TestSuite(request, .init = calls_begin, .timeout = 60);

Test(request, started_added_to_reported_stopped)
{
    cr_assert_eq(start("id"), 0);
    cr_assert_eq(add_time("id", "rdbms.nodes.fetch", 100000), 0);
    cr_assert_eq(add_time("id", "rdbms.nodes.fetch", 900000), 0);
    cr_assert_eq(append("id", "sql", "select 1"), 0);
    cr_assert_eq(report("id", 200), 0);
    cr_assert_eq(stop("id"), 0);
    const struct event *event = next();
    uint8_t scope = event->scope;
    cr_assert_eq(event->kind, EVENT_START);
    assert_text(&names.labels, event->label, "nodes");
    assert_text(&names.actions, event->action, "PUT");
    cr_assert(bytes_equal(scope_of(scope).app, BYTES("hero")));
    cr_assert(bytes_equal(scope_of(scope).prefixes, BYTES("rdbms,couchdb,authz")));
    event = next_end();
    cr_assert_eq(event->scope, scope);
    cr_assert_eq(event->outcome, OUTCOME_DONE);
    cr_assert_eq(event->status, 200);
    cr_assert_eq(event->tid, (uint32_t)gettid());
    cr_assert(bytes_equal(event_id(event), BYTES("id")));
    cr_assert_eq(event->timers, 1);
    assert_text(&names.timers, event_timers(event)->label, "rdbms.nodes.fetch");
    cr_assert_eq(event_timers(event)->time_us, 1000000);
    cr_assert_eq(event_timers(event)->count, 2);
    assert_no_more();
    cr_assert_eq(registry_count(), 0);
    cr_assert_eq(request_count(), 0);
}

Test(request, unknown_id_ctime_alog_read_alog_report_stop_reparent_snapshot)
{
    assert_unknown("id");
    assert_unknown("");
    start("id");
    assert_unknown("i");
    assert_unknown("id ");
    stop("id");
    assert_unknown("id");
    cr_assert_eq(thread_self()->owned, 0);
}

Test(request, status_0_minus_5_999_any_int)
{
    const int status[] = {0, -5, 999, INT32_MAX, INT32_MIN};
    start("id");
    next();
    for (size_t i = 0; i < sizeof status / sizeof *status; i++) {
        cr_assert_eq(report("id", status[i]), 0);
        cr_assert_eq(next_end()->status, status[i]);
    }
}

Test(request, empty_label_and_action_become_underscores)
{
    struct request_start of = start_of("id");
    of.app = of.label = of.action = of.prefixes = BYTES("");
    cr_assert_eq(request_start(&of), 0);
    const struct event *event = next();
    assert_text(&names.labels, event->label, "_");
    assert_text(&names.actions, event->action, "_");
}

Test(request, separators_in_label_action_and_timer_label_are_replaced)
{
    struct request_start of = start_of("id");
    of.label = BYTES("no:d|es\n.x");
    of.action = (struct bytes){"P\0T", 3};
    cr_assert_eq(request_start(&of), 0);
    cr_assert_eq(add_time("id", "rdbms.a:1|h\nb", 1), 0);
    cr_assert_eq(report("id", 200), 0);
    const struct event *event = next();
    assert_text(&names.labels, event->label, "no_d_es__x");
    assert_text(&names.actions, event->action, "P_T");
    assert_text(&names.timers, event_timers(next_end())->label, "rdbms.a_1_h_b");
}

Test(request, report_twice_each_sends_its_own_end_and_later_timers_count_into_the_next)
{
    start("id");
    add_time("id", "rdbms.x", 1000);
    report("id", 200);
    add_time("id", "rdbms.x", 500);
    add_time("id", "authz.y", 7);
    report("id", 500);
    next();
    const struct event *event = next_end();
    uint64_t duration = event->duration_ns, started = event->start_ns;
    cr_assert_eq(event->status, 200);
    cr_assert_eq(event->timers, 1);
    cr_assert_eq(event_timers(event)[0].time_us, 1000);
    event = next_end();
    cr_assert_eq(event->status, 500);
    cr_assert_eq(event->timers, 2);
    cr_assert_eq(event_timers(event)[0].time_us, 1500);
    cr_assert_eq(event_timers(event)[0].count, 2);
    cr_assert_eq(event_timers(event)[1].time_us, 7);
    cr_assert_eq(event->start_ns, started);
    cr_assert_gt(event->duration_ns, duration);
    cr_assert_eq(request_count(), 1, "it is stopped by nothing but a stop");
}

Test(request, stop_before_report_sends_nothing)
{
    start("id");
    next();
    add_time("id", "rdbms.x", 1000);
    cr_assert_eq(stop("id"), 0);
    assert_no_more();
    cr_assert_eq(live_told.n, 0);
}

Test(request, report_or_stop_after_stop_is_not_found)
{
    start("id");
    next();
    stop("id");
    cr_assert_eq(report("id", 200), -ENOENT);
    cr_assert_eq(stop("id"), -ENOENT);
    assert_no_more();
}

Test(request, a_timers_label_can_not_be_a_logs)
{
    start("id");
    cr_assert_eq(add_time("id", "rdbms.x", 5), 0);
    cr_assert_eq(append("id", "rdbms.x", "text"), -EINVAL);
    assert_log("id", "rdbms.x", "");
    cr_assert_eq(timer_of("id", "rdbms.x").time_us, 5, "the first use stays");
    cr_assert_eq(append("id", "rdbms.y", "text"), 0);
    cr_assert_eq(append("id", "rdbms:x", "text"), 0, "a label of its own once it is cleaned");
}

Test(request, a_logs_label_can_not_be_a_timers)
{
    start("id");
    cr_assert_eq(append("id", "sql", "text"), 0);
    cr_assert_eq(append("id", "empty", ""), 0);
    cr_assert_eq(add_time("id", "sql", 5), -EINVAL);
    cr_assert_eq(add_time("id", "empty", 5), -EINVAL);
    cr_assert_eq(snapshot_of("id")->timers, 0);
    assert_log("id", "sql", "text");
    cr_assert_eq(append("id", "a b", "text"), 0);
    cr_assert_eq(add_time("id", "a:b", 5), -EINVAL, "the same label once it is cleaned");
}

Test(request, another_requests_labels_are_its_own)
{
    start("one");
    start("two");
    cr_assert_eq(append("one", "x", "text"), 0);
    cr_assert_eq(add_time("two", "x", 5), 0);
    stop("one");
    start("one");
    cr_assert_eq(add_time("one", "x", 5), 0, "nor are those of one that was");
}

/* The same when the process's table of labels is full, and numbers tell nothing any more. */
Test(request, a_logs_label_can_not_be_a_timers_past_the_limit_of_labels)
{
    char label[16];
    for (int i = 0; i < 300; i++) {
        snprintf(label, sizeof label, "filler-%d", i);
        label_number(&names.timers, bytes_of(label));
    }
    start("id");
    cr_assert_eq(append("id", "sql", "text"), 0);
    cr_assert_eq(add_time("id", "sql", 1), -EINVAL);
    cr_assert_eq(add_time("id", "another", 1), 0, "counted under `other`");
    cr_assert_eq(add_time("id", "sql", 1), -EINVAL, "as before");
}

/* Waits until the request's time is over `us`. */
static void assert_runs_past(const char *id, uint64_t us)
{
    uint64_t deadline = clock_now_ns() + 10000000000ull;
    while (snapshot_of(id)->request_us <= us)
        cr_assert_lt(clock_now_ns(), deadline);
}

Test(request, snapshot_is_running_before_the_report_and_frozen_after_it)
{
    start("id");
    next();
    assert_runs_past("id", 0);
    assert_runs_past("id", snapshot_of("id")->request_us);
    uint64_t before = snapshot_of("id")->request_us;
    report("id", 200);
    uint64_t told = next_end()->duration_ns / 1000, began = clock_now_ns();
    cr_assert_geq(told, before);
    while (clock_now_ns() - began < 3000000)
        cr_assert_eq(snapshot_of("id")->request_us, told);
    report("id", 200);
    told = next_end()->duration_ns / 1000;
    cr_assert_eq(snapshot_of("id")->request_us, told, "then it is the later report's");
}

Test(request, timers_in_a_snapshot_go_on_after_the_report)
{
    start("id");
    add_time("id", "rdbms.x", 1);
    report("id", 200);
    add_time("id", "rdbms.x", 1);
    cr_assert_eq(timer_of("id", "rdbms.x").time_us, 2);
    cr_assert(bytes_equal(snapshot_of("id")->rule.prefixes, BYTES("rdbms,couchdb,authz")));
    cr_assert_not(snapshot_of("id")->rule.first_parts);
}

Test(request, read_alog_of_an_unknown_label_is_empty)
{
    start("id");
    assert_log("id", "sql", "");
    append("id", "sql", "x");
    assert_log("id", "other", "");
}

Test(request, alog_is_kept_in_order_and_read_in_part)
{
    char room[4];
    struct writer w = writer_on(room, sizeof room);
    start("id");
    append("id", "sql", "one;");
    append("id", "http", "GET /");
    append("id", "sql", "two;");
    assert_log("id", "sql", "one;two;");
    assert_log("id", "http", "GET /");
    cr_assert_eq(read_log("id", "sql", &w), 8);
    cr_assert(bytes_equal((struct bytes){room, w.n}, BYTES("one;")));
    report("id", 200);
    append("id", "sql", "three;");
    assert_log("id", "sql", "one;two;three;");
}

Test(request, alog_over_the_limit)
{
    static char text[ALOG_BYTES];
    start("id");
    cr_assert_eq(request_append(BYTES("id"), BYTES("a"), (struct bytes){text, sizeof text}), 0);
    cr_assert_eq(append("id", "a", "x"), -ENOSPC);
    cr_assert_eq(append("id", "b", "x"), -ENOSPC);
    start("another");
    cr_assert_eq(append("another", "a", "x"), 0);
}

Test(request, timers_past_255_labels_count_under_other)
{
    char label[16];
    uint64_t sum = 0;
    start("id");
    for (int i = 0; i < 150; i++)
        for (int turn = 0; turn < 2; turn++) {
            snprintf(label, sizeof label, "label-%d", i);
            cr_assert_eq(add_time("id", label, 1), 0);
        }
    cr_assert_eq(snapshot_of("id")->timers, 150);
    for (int i = 0; i < 300; i++) {
        snprintf(label, sizeof label, "more-%d", i);
        cr_assert_eq(add_time("id", label, 1), 0);
    }
    const struct snapshot *snapshot = snapshot_of("id");
    for (uint32_t i = 0; i < snapshot->timers; i++)
        sum += snapshot->timer[i].time_us;
    cr_assert_leq(snapshot->timers, TIMERS_MOST);
    cr_assert_eq(sum, 600);
}

Test(request, times_saturate)
{
    start("id");
    cr_assert_eq(add_time("id", "rdbms.x", INT64_MAX), 0);
    cr_assert_eq(add_time("id", "rdbms.x", INT64_MAX), 0);
    cr_assert_eq(timer_of("id", "rdbms.x").time_us, INT64_MAX);
    cr_assert_eq(timer_of("id", "rdbms.x").count, 2);
}

Test(request, same_id_started_twice_newest_wins_and_ending_either_removes_only_its_own_entry)
{
    cr_assert_eq(start("id"), 0);
    add_time("id", "rdbms.older", 1);
    cr_assert_eq(start("id"), 0);
    cr_assert_eq(request_count(), 2);
    cr_assert_eq(snapshot_of("id")->timers, 0, "the newer one");
    add_time("id", "rdbms.newer", 2);
    cr_assert_eq(stop("id"), 0);
    cr_assert_eq(snapshot_of("id")->timers, 1);
    cr_assert_eq(timer_of("id", "rdbms.older").time_us, 1, "the older one is there again");
    cr_assert_eq(stop("id"), 0);
    cr_assert_eq(stop("id"), -ENOENT);
    cr_assert_eq(request_count(), 0);
    cr_assert_eq(registry_count(), 0, "nothing is left");
}

Test(request, many_with_one_id)
{
    for (int i = 0; i < 500; i++) {
        cr_assert_eq(start("id"), 0);
        cr_assert_eq(add_time("id", "rdbms.x", (uint64_t)i), 0);
    }
    cr_assert_eq(registry_count(), 1);
    for (int i = 499; i >= 0; i--) {
        cr_assert_eq(timer_of("id", "rdbms.x").time_us, (uint64_t)i);
        cr_assert_eq(stop("id"), 0);
    }
    cr_assert_eq(registry_count(), 0);
}

Test(request, a_start_that_is_refused_leaves_nothing)
{
    char long_text[REQUEST_ID_BYTES + SCOPE_BYTES];
    memset(long_text, 'x', sizeof long_text);
    struct request_start of = start_of("id");
    cr_assert_eq(start_for("id", nobody()), -ESRCH);
    cr_assert_eq(start_for("id", -1), -ESRCH);
    cr_assert_eq(start(""), -EINVAL);
    of.app = (struct bytes){long_text, SCOPE_BYTES};
    cr_assert_eq(request_start(&of), -ENAMETOOLONG);
    of = start_of("id");
    of.id = (struct bytes){long_text, REQUEST_ID_BYTES + 1};
    cr_assert_eq(request_start(&of), -ENAMETOOLONG);
    cr_assert_eq(request_count(), 0);
    cr_assert_eq(registry_count(), 0);
    assert_no_more();
    of.id.n = REQUEST_ID_BYTES;
    cr_assert_eq(request_start(&of), 0);
    cr_assert_eq(request_stop(of.id), 0);
}

Test(request, over_255_pairs_of_application_and_prefixes)
{
    char app[16];
    struct request_start of = start_of("id");
    for (int i = 1; i < SCOPES; i++) {
        snprintf(app, sizeof app, "app-%d", i);
        of.app = bytes_of(app);
        cr_assert_eq(request_start(&of), 0);
    }
    of.app = BYTES("one-more");
    cr_assert_eq(request_start(&of), -ENOSPC);
    cr_assert_eq(request_count(), SCOPES - 1);
    of.app = BYTES("app-7");
    cr_assert_eq(request_start(&of), 0);
}

/* Ten threads add to one request: labels that are all's and labels of their own. */
enum { ADDERS = 10, ADDED = 5000 };

static void *add_to_one(void *number)
{
    char own[16];
    snprintf(own, sizeof own, "own.%d", (int)(intptr_t)number);
    for (int i = 0; i < ADDED; i++) {
        if (add_time("id", "rdbms.all", 3) != 0 || add_time("id", own, 1) != 0)
            return "a time";
        if (i % 1000 == 0 && append("id", "log", own) != 0)
            return "a message";
    }
    return NULL;
}

Test(request, ten_threads_that_add_to_one_request_lose_nothing)
{
    static char log[ALOG_BYTES];
    struct writer w = writer_on(log, sizeof log);
    start("id");
    cr_assert(on_threads(ADDERS, add_to_one));
    cr_assert_eq(timer_of("id", "rdbms.all").time_us, 3ull * ADDERS * ADDED);
    cr_assert_eq(timer_of("id", "rdbms.all").count, ADDERS * ADDED);
    for (int i = 0; i < ADDERS; i++) {
        char own[16];
        snprintf(own, sizeof own, "own.%d", i);
        cr_assert_eq(timer_of("id", own).time_us, ADDED);
        cr_assert_eq(timer_of("id", own).count, ADDED);
    }
    cr_assert_eq(read_log("id", "log", &w), ADDERS * ADDED / 1000 * 5);
    for (size_t i = 0; i < w.n; i += 5)
        cr_assert_eq(memcmp(log + i, "own.", 4), 0, "messages are whole");
    report("id", 200);
    next();
    cr_assert_eq(next_end()->timers, ADDERS + 1);
}

/* Many threads start, find, report and stop requests under the same few ids: each call hits a whole
 * request or none. */
static _Atomic int started, stopped;

static void *start_and_stop(void *number)
{
    uint64_t random = (uint64_t)(uintptr_t)number + 1;
    for (int i = 0; i < 5000; i++) {
        char id[16];
        uint64_t any = next_random(&random);
        snprintf(id, sizeof id, "shared-%d", (int)(any % 4));
        if (start(id) != 0)
            return "start";
        atomic_fetch_add(&started, 1);
        int error = add_time(id, "rdbms.x", 1);
        if (error != 0 && error != -ENOENT)
            return "add";
        error = stop(id);
        atomic_fetch_add(&stopped, error == 0);
        if (error != 0 && error != -ENOENT)
            return "stop";
        while (next()->kind != 0)
            continue;
    }
    return NULL;
}

Test(request, many_threads_under_the_same_ids)
{
    cr_assert(on_threads(4, start_and_stop));
    sweep_downs(live_tell);
    cr_assert_eq(started, stopped + (int)live_told.n);
    cr_assert_eq(request_count(), 0);
    cr_assert_eq(registry_count(), 0);
}
