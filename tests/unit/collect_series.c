/* series: sums by key, and the view of our own keys as requests. */

#include <criterion/criterion.h>

#include <stdio.h>

#include "collect/name.h"
#include "collect/receive.h"
#include "collect/series.h"

static struct receive *receiver;
static struct series *series;
static struct series_view view;

static void begin_with(enum time_unit unit, size_t keys)
{
    cr_assert(receive_new(&receiver) == 0);
    cr_assert(series_new(&series, unit, keys) == 0);
}

static void begin(void)
{
    begin_with(UNIT_MS, SERIES_KEYS);
}

static void end(void)
{
    series_view_free(&view);
    series_free(series);
    receive_free(receiver);
}

TestSuite(series, .init = begin, .fini = end);
TestSuite(name);

/* One datagram of statsd lines: `|m` and `|h` are accepted there as well. */
static void take(uint64_t now_ns, const char *lines)
{
    series_datagram(series, now_ns);
    receive_datagram(receiver, bytes_of(lines), series_add, series);
    cr_assert_eq(receive_counts(receiver)->lines_refused, 0);
}

static void look(void)
{
    series_view_free(&view);
    cr_assert(series_view(series, &view) == 0);
}

static double counter(const char *key)
{
    for (struct series_counter **c = view.counters; *c != NULL; c++)
        if (bytes_equal((*c)->entry.key, bytes_of(key)))
            return (*c)->sum;
    return -1;
}

static const struct series_type *type(const char *key)
{
    for (struct series_type **t = view.types; *t != NULL; t++)
        if (bytes_equal((*t)->timer.entry.key, bytes_of(key)))
            return *t;
    cr_assert(false, "no type %s", key);
    return NULL;
}

/* The end of one request, spelled as the shim does. */
static void finish(char *to, const char *status, const char *label, int ms)
{
    sprintf(to + strlen(to),
            "a.b.application.byStatusCode.%s:1|m\n"
            "a.b.host.byStatusCode.%s:1|m\n"
            "a.b.application.allRequests:%d|h\n"
            "a.b.host.allRequests:%d|h\n"
            "a.b.application.byRequestType.%s:%d|h\n",
            status, status, ms, ms, label, ms);
}

static const char start[] = "a.b.application.allRequests:1|m\n"
                            "a.b.host.allRequests:1|m\n"
                            "a.b.application.byRequestType.users.GET:1|m\n";

Test(name, reads_the_keys_of_the_shim)
{
    static const struct {
        const char *key;
        enum name_kind kind;
        const char *part;
    } keys[] = {
        {"app.application.allRequests", NAME_ALL, ""},
        {"my.dotted.app.application.allRequests", NAME_ALL, ""},
        {"app.host.allRequests", NAME_HOST_ALL, ""},
        {"app.application.byStatusCode.200", NAME_STATUS, "200"},
        {"app.host.byStatusCode.200", NAME_HOST_STATUS, "200"},
        {"my.app.application.byRequestType.users.GET", NAME_TYPE, "users.GET"},
        {"app.application.byRequestType.users.GET.upstreamRequests.rdbms", NAME_TYPE_UPSTREAM,
         "users.GET"},
        {"my.app.upstreamRequests.rdbms.nodes.put", NAME_UPSTREAM, "rdbms.nodes.put"},
        {"my.app.stats_hero.dropped", NAME_DROPPED, ""},
        {"app.stats_hero.send_errors", NAME_SEND_ERRORS, ""},
        {"app.stats_hero.down", NAME_DOWN, ""},
        {"app.application.byRequestType.users", NAME_FOREIGN, ""},
        {"app.application.byRequestType.a.b.c", NAME_FOREIGN, NULL},
        {"app.application.allRequests.x", NAME_FOREIGN, ""},
        {".application.allRequests", NAME_HOST_ALL, ""},
        {"anything", NAME_FOREIGN, ""},
        {"", NAME_FOREIGN, ""},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct name name = name_read(bytes_of(keys[i].key));
        cr_assert_eq((int)name.kind, (int)keys[i].kind, "%s", keys[i].key);
        if (keys[i].part != NULL)
            cr_assert(bytes_equal(name.part, bytes_of(keys[i].part)), "%s", keys[i].key);
    }
}

Test(series, sums_counters_and_timers)
{
    take(1, "x:1|c\nx:2|c\nt:10|ms\nt:20.5|ms\nx:1|c|@0.5\ng:1|g\n");
    look();
    cr_assert_eq(counter("x"), 5);
    cr_assert_eq(view.timers[0]->us.count, 2);
    cr_assert_eq(view.timers[0]->us.most, 20500);
    cr_assert_eq(view.ignored, 1);
    cr_assert(view.counters[0]->foreign);
    cr_assert(view.types[0] == NULL);
}

Test(series, a_negative_time_is_zero_and_a_huge_one_is_cut)
{
    take(1, "t:-7|ms\nt:1e30|ms\n");
    look();
    cr_assert_eq(view.timers[0]->us.least, 0);
    cr_assert_eq(view.timers[0]->us.most, UINT64_MAX);
}

Test(series, microseconds_are_taken_as_they_are)
{
    end();
    begin_with(UNIT_US, SERIES_KEYS);
    take(1, "t:108|h\n");
    look();
    cr_assert_eq(view.timers[0]->us.most, 108);
}

Test(series, sees_requests)
{
    char datagram[2048] = "";
    take(1000000000, start);
    take(1000000000, start);
    take(5000000000, start);
    finish(datagram, "200", "users.GET", 10);
    finish(datagram, "500", "users.GET", 20);
    finish(datagram, "0", "users.GET", 30);
    take(5000000000, datagram);
    look();
    cr_assert_eq(view.total, 3);
    cr_assert_eq(view.seconds, 4);
    cr_assert_eq(view.rate, 0.75);
    cr_assert_eq(view.ended, 3);
    cr_assert_eq(view.errors, 2);
    cr_assert_eq(type("users.GET")->started, 3);
    cr_assert_eq(type("users.GET")->timer.us.count, 3);
    cr_assert_eq(type("users.GET")->errors, 2);
    cr_assert_eq(type("users.GET")->unknown, 0);
    cr_assert_eq(type("users.GET")->timer.us.most, 30000);
    cr_assert(!view.counters[0]->foreign);
}

Test(series, an_error_belongs_to_its_own_type)
{
    char datagram[4096] = "";
    finish(datagram, "404", "users.GET", 1);
    finish(datagram, "503", "carts.PUT", 2);
    strcat(datagram, start);
    finish(datagram, "200", "items.GET", 3);
    take(1, datagram);
    look();
    cr_assert_eq(type("users.GET")->errors, 0);
    cr_assert_eq(type("carts.PUT")->errors, 1);
    cr_assert_eq(type("items.GET")->errors, 0);
    cr_assert_eq(view.statuses[0]->entry.key.n, 3);
    cr_assert(bytes_equal(view.statuses[2]->entry.key, BYTES("503")));
}

Test(series, statuses_summed_by_the_sender_are_nobodys)
{
    take(1, "a.application.byStatusCode.500:7|m\n"
            "a.application.byStatusCode.200:1|m\n"
            "a.application.allRequests:9|m\n"
            "a.application.allRequests:5|h\n"
            "a.application.byRequestType.users.GET:5|h\n"
            "a.application.byRequestType.users.GET:6|h\n");
    look();
    cr_assert_eq(view.total, 9);
    cr_assert_eq(view.errors, 7);
    cr_assert_eq(type("users.GET")->timer.us.count, 2);
    cr_assert_eq(type("users.GET")->errors, 0);
    cr_assert_eq(type("users.GET")->unknown, 2);
}

Test(series, a_status_ends_with_its_datagram)
{
    take(1, "a.application.byStatusCode.500:1|m\n");
    take(1, "a.application.byRequestType.users.GET:5|h\n");
    look();
    cr_assert_eq(type("users.GET")->errors, 0);
    cr_assert_eq(type("users.GET")->unknown, 1);
}

Test(series, types_come_by_count_and_upstreams_by_time)
{
    take(1, "a.application.byRequestType.b.GET:5|h\n"
            "a.application.byRequestType.a.GET:5|h\n"
            "a.application.byRequestType.a.GET:5|h\n"
            "a.upstreamRequests.redis:1|h\n"
            "a.upstreamRequests.rdbms:9|h\n");
    look();
    cr_assert(bytes_equal(view.types[0]->timer.entry.key, BYTES("a.GET")));
    cr_assert(bytes_equal(view.upstreams[0]->entry.key, BYTES("rdbms")));
    cr_assert_eq(view.upstreams[0]->time_us, 9000);
}

Test(series, a_prefix_and_its_equal_label_are_one_upstream)
{
    char one[1024] = "", two[1024] = "";
    finish(one, "200", "users.GET", 1);
    strcat(one, "a.b.upstreamRequests.redis:1|h\na.b.upstreamRequests.redis:1|h\n");
    finish(two, "200", "users.GET", 1);
    strcat(two, "a.b.upstreamRequests.redis:1|h\na.b.upstreamRequests.redis:1|h\n");
    strcat(one, two);
    take(1, one);
    take(1, two);
    look();
    cr_assert_eq(view.upstreams[0]->count, 3);
    cr_assert_eq(view.upstreams[0]->time_us, 3000);
}

Test(series, keeps_the_shims_own_counters)
{
    take(1, "a.stats_hero.dropped:3|m\nb.stats_hero.dropped:4|m\n"
            "a.stats_hero.send_errors:2|m\na.stats_hero.down:1|m\n");
    look();
    cr_assert_eq(view.dropped, 7);
    cr_assert_eq(view.send_errors, 2);
    cr_assert_eq(view.down, 1);
}

Test(series, past_the_bound_keys_are_other)
{
    end();
    begin_with(UNIT_MS, 10);
    for (int i = 0; i < 100; i++) {
        char lines[256];
        sprintf(lines, "c%d:1|c\nt%d:5|ms\na.application.byRequestType.l%d.GET:5|h\n", i, i, i);
        take(1, lines);
    }
    look();
    cr_assert_eq(counter("other"), 90);
    cr_assert_eq(counter("c9"), 1);
    cr_assert_eq(type("other.other")->timer.us.count, 90);
    double sum = 0;
    size_t n = 0;
    for (struct series_counter **c = view.counters; *c != NULL; c++, n++)
        sum += (*c)->sum;
    cr_assert_eq(n, 11);
    cr_assert_eq(sum, 100);
}

Test(series, past_the_memory_bound_times_go_to_other)
{
    static char lines[70000];
    memset(lines, 'k', 60000);
    for (int i = 0; i < 6000; i++) {
        sprintf(lines + 60000, "%d:%d|ms\n", i, i);
        take(1, lines);
    }
    look();
    uint64_t count = 0;
    size_t bytes = 0;
    for (struct series_timer **t = view.timers; *t != NULL; t++) {
        count += (*t)->us.count;
        bytes += (*t)->entry.key.n;
    }
    cr_assert_eq(count, 6000);
    cr_assert_leq(bytes, SERIES_BYTES);
}

Test(series, holds_many_keys)
{
    char line[64];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            sprintf(line, "key.%d:1|c\n", i);
            take(1, line);
        }
    }
    look();
    size_t n = 0;
    for (struct series_counter **c = view.counters; *c != NULL; c++, n++)
        cr_assert_eq((*c)->sum, 2);
    cr_assert_eq(n, 20000);
}
