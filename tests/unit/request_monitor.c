#include <criterion/criterion.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "request/figures.h"
#include "request/names.h"
#include "request/registry.h"
#include "request/thread.h"
#include "send/sender.h"
#include "service.h"
#include "threads.h"

static struct service service;

TestSuite(monitor, .timeout = 60);

static void begin(void)
{
    service_begin(&service);
    cr_assert(monitor_ready());
}

static struct worker *begun(const char *id)
{
    struct worker *worker = worker_make(clock_now_ns());
    worker_name(worker, names_label(&thread_self()->names, BYTES("/users/7")),
                names_action(BYTES("GET")));
    worker_set_id(worker, bytes_of(id));
    worker_begin(worker, thread_self());
    return worker;
}

static void serve(int n)
{
    for (int i = 0; i < n; i++) {
        struct worker *worker = begun("id");
        worker_end(worker, thread_self(), 200, OUTCOME_DONE, clock_now_ns());
        worker_free(worker);
    }
}

Test(monitor, starts_nothing_before_the_first_request)
{
    begin();
    cr_assert_not(sender_running());
    serve(1);
    cr_assert(sender_running());
}

Test(monitor, requests_are_reported)
{
    begin();
    serve(3);
    struct bytes text = service_sent(&service);
    cr_assert_eq(count_lines(text, "app.application.allRequests:1|m", ""), 3);
    cr_assert_eq(count_lines(text, "app.application.byRequestType.users.GET:1|m", ""), 3);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.200:1|m", ""), 3);
    cr_assert_eq(count_lines(text, "app.application.byRequestType.users.GET:", "|h"), 3);
    cr_assert_eq(count_lines(text, "app.stats_hero.", ""), 0);
    cr_assert_eq(count_lines(service_journal(&service), "{\"request_id\":\"id\",", "}"), 3);
}

Test(monitor, counters_are_summed_over_a_time)
{
    service_prepare(&service);
    service.config.aggregate_ms = 3600000;
    service_start(&service);
    cr_assert(monitor_ready());
    serve(100);
    struct bytes text = service_sent(&service);
    cr_assert_eq(count_lines(text, "app.application.allRequests:100|m", ""), 1);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.200:100|m", ""), 1);
    cr_assert_eq(count_lines(text, "app.application.allRequests:", "|h"), 100);
}

Test(monitor, sums_are_sent_when_they_are_due)
{
    service_prepare(&service);
    pthread_cancel(service.collector.thread);
    pthread_join(service.collector.thread, NULL);
    service.config.aggregate_ms = 30;
    service_start(&service);
    cr_assert(monitor_ready());
    begun("id");
    cr_assert(contains(receiver_next(&service.receiver), "app.application.allRequests:1|m\n"));
}

Test(monitor, who_serves_reads_the_processors_counter)
{
    begin();
    bool can = tsc_keeps_time();
    while (can && clock_counter.rate == 0) {
        serve(1);
        sched_yield();
    }
    cr_assert_eq(clock_counter.rate > 0, can);
}

static void *serve_and_die(void *nothing)
{
    (void)nothing;
    serve(2);
    begun("left-behind");
    return NULL;
}

/* They may be told one by one or together. */
static size_t downs_in(struct bytes text)
{
    size_t sum = 0;
    for (size_t n = 1; n <= 3; n++) {
        char line[40];
        snprintf(line, sizeof line, "app.stats_hero.down:%zu|m", n);
        sum += n * count_lines(text, line, "");
    }
    return sum;
}

static void *wait_and_leave_behind(void *go)
{
    while (!atomic_load((atomic_bool *)go))
        sched_yield();
    begun("left-behind");
    return NULL;
}

/* The exiting thread sends what waits, and the start is part of it. */
Test(monitor, a_request_that_is_down_where_no_sender_can_be_started_has_a_start)
{
    atomic_bool go = false;
    pthread_t thread;
    begin();
    cr_assert_eq(pthread_create(&thread, NULL, wait_and_leave_behind, &go), 0);
    struct rlimit none = {0, 0};
    if (setuid(65534) != 0 || setrlimit(RLIMIT_NPROC, &none) != 0)
        cr_skip_test();
    atomic_store(&go, true);
    pthread_join(thread, NULL);
    cr_assert(sender_unable());
    struct bytes text = service_sent(&service);
    cr_assert_eq(count_lines(text, "app.application.allRequests:1|m", ""), 1);
    cr_assert_eq(downs_in(text), 1);
}

Test(monitor, a_dead_threads_requests_are_down)
{
    begin();
    cr_assert(on_threads(3, serve_and_die));
    struct bytes journal = service_journal(&service), text = service_sent(&service);
    cr_assert_eq(count_lines(text, "app.application.allRequests:1|m", ""), 9);
    cr_assert_eq(count_lines(text, "app.application.allRequests:", "|h"), 6,
                 "no end of what is down");
    cr_assert_eq(downs_in(text), 3);
    cr_assert_eq(count_lines(journal, "{\"request_id\":\"left-behind\"",
                             "\"outcome\":\"down\",\"timers\":{}}"),
                 3);
    cr_assert_eq(
        count_lines(scratch_text(&service.log), "",
                    "warn: the thread of request left-behind ended before its response did"),
        3);
    cr_assert_eq(registry_count(), 0);
}

Test(monitor, figures_of_our_own)
{
    begin();
    serve(1);
    figure_count(FIGURE_NOT_HTTP);
    figure_count(FIGURE_NOT_HTTP);
    figure_count(FIGURE_LOST);
    struct bytes text = service_sent(&service);
    cr_assert_eq(count_lines(text, "app.stats_hero.not_http:2|m", ""), 1);
    cr_assert_eq(count_lines(text, "app.stats_hero.lost:1|m", ""), 1);
}

/* Whoever reads the figures learns of what went lost, even if they themselves did at first. */
Test(monitor, a_figure_that_went_lost_is_told_again)
{
    begin();
    collector_end(&service.collector);
    receiver_close(&service.receiver);
    figure_add(FIGURE_LOST, 5);
    serve(1);
    monitor_flush(SERVICE_PATIENCE_NS);
    figure_add(FIGURE_LOST, 2);
    receiver_abstract(&service.receiver);
    struct bytes told = {NULL, 0};
    while (told.n == 0) {
        monitor_flush(SERVICE_PATIENCE_NS);
        told = receiver_within(&service.receiver, 10);
    }
    cr_assert_eq(count_lines(told, "app.stats_hero.lost:7|m", ""), 1, "%.*s", (int)told.n, told.at);
    cr_assert_eq(count_lines(told, "app.stats_hero.send_errors:", ""), 1);
    serve(1);
    collector_begin(&service.collector, &service.receiver);
    cr_assert_eq(count_lines(service_sent(&service), "app.stats_hero.lost:", ""), 0);
}

/* Events that nobody takes out: sent and dropped ones are all that there were. */
Test(monitor, what_finds_no_room_is_dropped_and_counted)
{
    service_prepare(&service);
    service.config.queue_events = 16;
    service.config.flush_ms = 60000;
    service_start(&service);
    cr_assert(monitor_ready());
    begun("id");
    struct ring *ring = &thread_self()->ring;
    for (int i = 0; i < 100000; i++)
        event_put_start(ring, event_names(0, 1, 1));
    struct bytes text = service_sent(&service);
    size_t sent = count_lines(text, "app.application.allRequests:1|m", "");
    char dropped[100];
    snprintf(dropped, sizeof dropped, "app.stats_hero.dropped:%zu|m", 100001 - sent);
    cr_assert_eq(sent, RING_WORDS_LEAST + 1, "the one that lasts does not wait in the queue");
    cr_assert_eq(count_lines(text, dropped, ""), 1, "%s", dropped);
}

static int serves_in_child(void)
{
    process_begin();
    monitor_forked();
    if (!monitor_ready() || thread_count() != 0 || registry_count() != 0 || sender_running())
        return 1;
    serve(5);
    monitor_end(SERVICE_PATIENCE_NS);
    return 0;
}

Test(monitor, a_forked_child_reports_its_own_requests_alone)
{
    int status;
    begin();
    serve(2);
    begun("parents");
    monitor_flush(SERVICE_PATIENCE_NS);
    service_settle();
    figure_add(FIGURE_LOST, 3);
    pid_t child = fork();
    if (child == 0)
        _exit(serves_in_child());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    struct bytes text = service_sent(&service);
    cr_assert_eq(count_lines(text, "app.application.allRequests:1|m", ""), 8);
    cr_assert_eq(count_lines(text, "app.application.allRequests:", "|h"), 7);
    cr_assert_eq(count_lines(text, "app.stats_hero.lost:", ""), 1, "the parent's");
    cr_assert_eq(count_lines(service_journal(&service), "{", "}"), 7);
}

Test(monitor, the_end_hands_everything_over)
{
    service_prepare(&service);
    service.config.flush_ms = 60000;
    service_start(&service);
    cr_assert(monitor_ready());
    serve(1000);
    monitor_end(SERVICE_PATIENCE_NS);
    struct bytes text = collector_end(&service.collector);
    cr_assert_eq(count_lines(text, "app.application.allRequests:", "|h"), 1000);
}

/* Far more than the sender takes from one thread in a round. */
Test(monitor, the_end_hands_over_all_that_one_thread_has_waiting)
{
    enum { WAITING = 200000 };
    service_prepare(&service);
    service.config.queue_events = WAITING;
    service.config.flush_ms = 60000;
    service_start(&service);
    cr_assert(monitor_ready());
    begun("id");
    for (int i = 1; i < WAITING; i++)
        event_put_start(&thread_self()->ring, event_names(0, 1, 1));
    monitor_end(SERVICE_PATIENCE_NS);
    struct bytes text = collector_end(&service.collector);
    cr_assert_eq(count_lines(text, "app.application.allRequests:1|m", ""), WAITING);
}
