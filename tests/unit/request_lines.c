#include <criterion/criterion.h>

#include "base/process.h"
#include "request/lines.h"
#include "request/names.h"

static struct config config;
static struct lines lines;
static struct ring ring;
static uint16_t label, action;

/* The frame in hand: room for the codec's head, then the lines. */
static char frame[70000];
static struct writer w;

static void begin(enum protocol protocol, const char *prefixes)
{
    process_begin();
    config_read(&config, NULL, BYTES("test_hero"), BYTES("test-host"), NULL);
    config.protocol = protocol;
    config.upstream_prefixes = bytes_of(prefixes);
    cr_assert_eq(names_begin(&config), 0);
    lines_begin(&lines, &config);
    ring_begin(&ring);
    label = label_number(&names.labels, BYTES("nodes"));
    action = names_action(BYTES("PUT"));
    w = writer_on(frame + CODEC_HEAD_BYTES, sizeof frame - CODEC_HEAD_BYTES);
}

static uint16_t timer_label(const char *text)
{
    return label_number(&names.timers, bytes_of(text));
}

static const struct event *ended(const struct event_timer *timer, uint32_t timers,
                                 uint64_t duration_ns)
{
    struct event_facts facts = {.kind = EVENT_END,
                                .label = label,
                                .action = action,
                                .status = 200,
                                .duration_ns = duration_ns,
                                .timer = timer,
                                .timers = timers};
    event_put_end(&ring, &facts);
    return (const struct event *)ring_peek_spsc(&ring);
}

static void put_end(const struct event_timer *timer, uint32_t timers, uint64_t duration_ns)
{
    lines_status(&lines, &w, 200, 1);
    lines_times(&lines, &w, ended(timer, timers, duration_ns));
}

static void assert_frame(const char *expected)
{
    size_t head = lines.codec->head(w.at, w.n);
    struct bytes is = {w.at - head, head + w.n};
    cr_assert(bytes_equal(is, bytes_of(expected)), "%.*s\nnot\n%s", (int)is.n, is.at, expected);
}

Test(lines, the_start_frame)
{
    begin(PROTOCOL_ESTATSD, "rdbms,couchdb,authz");
    lines_started(&lines, &w, label, action, 1);
    assert_frame("1|124\n"
                 "test_hero.application.allRequests:1|m\n"
                 "test_hero.test-host.allRequests:1|m\n"
                 "test_hero.application.byRequestType.nodes.PUT:1|m\n");
}

/* The original's example: rdbms.micro was given 1,999 + 999 + 1,000 us. */
static void put_example(void)
{
    struct event_timer timer[] = {
        {timer_label("rdbms.nodes.fetch"), 2, 1000000},
        {timer_label("rdbms.nodes.put"), 1, 200000},
        {timer_label("authz.nodes.read"), 1, 100000},
        {timer_label("no-such-prefix.who"), 1, 77000},
        {timer_label("rdbms.micro"), 3, 3998},
    };
    put_end(timer, 5, 109999999);
}

Test(lines, the_end_frame)
{
    begin(PROTOCOL_ESTATSD, "rdbms,couchdb,authz");
    put_example();
    assert_frame("1|638\n"
                 "test_hero.application.byStatusCode.200:1|m\n"
                 "test_hero.test-host.byStatusCode.200:1|m\n"
                 "test_hero.application.allRequests:109|h\n"
                 "test_hero.test-host.allRequests:109|h\n"
                 "test_hero.application.byRequestType.nodes.PUT:109|h\n"
                 "test_hero.upstreamRequests.authz:100|h\n"
                 "test_hero.upstreamRequests.rdbms:1203|h\n"
                 "test_hero.upstreamRequests.authz.nodes.read:100|h\n"
                 "test_hero.upstreamRequests.rdbms.micro:3|h\n"
                 "test_hero.upstreamRequests.rdbms.nodes.fetch:1000|h\n"
                 "test_hero.upstreamRequests.rdbms.nodes.put:200|h\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.authz:100|h\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.rdbms:1203|h\n");
}

Test(lines, without_timers_five_lines)
{
    begin(PROTOCOL_ESTATSD, "rdbms");
    put_end(NULL, 0, 999999);
    assert_frame("1|208\n"
                 "test_hero.application.byStatusCode.200:1|m\n"
                 "test_hero.test-host.byStatusCode.200:1|m\n"
                 "test_hero.application.allRequests:0|h\n"
                 "test_hero.test-host.allRequests:0|h\n"
                 "test_hero.application.byRequestType.nodes.PUT:0|h\n");
}

Test(lines, statsd_spelling)
{
    begin(PROTOCOL_STATSD, "rdbms");
    struct event_timer timer = {timer_label("rdbms.x"), 1, 5000};
    lines_started(&lines, &w, label, action, 1);
    put_end(&timer, 1, 7000000);
    assert_frame("test_hero.application.allRequests:1|c\n"
                 "test_hero.test-host.allRequests:1|c\n"
                 "test_hero.application.byRequestType.nodes.PUT:1|c\n"
                 "test_hero.application.byStatusCode.200:1|c\n"
                 "test_hero.test-host.byStatusCode.200:1|c\n"
                 "test_hero.application.allRequests:7|ms\n"
                 "test_hero.test-host.allRequests:7|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT:7|ms\n"
                 "test_hero.upstreamRequests.rdbms:5|ms\n"
                 "test_hero.upstreamRequests.rdbms.x:5|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.rdbms:5|ms\n");
}

/* The lines about upstreams alone. */
static void put_upstreams(const struct event_timer *timer, uint32_t timers)
{
    lines_times(&lines, &w, ended(timer, timers, 0));
    for (int i = 0; i < 3; i++) {
        const char *end = memchr(w.at, '\n', w.n);
        w.n -= (size_t)(end + 1 - w.at);
        memmove(w.at, end + 1, w.n);
    }
}

Test(lines, without_prefixes_the_first_part_of_each_label)
{
    begin(PROTOCOL_STATSD, "");
    struct event_timer timer[] = {{timer_label("redis"), 1, 1000},
                                  {timer_label("pg.b"), 1, 2000},
                                  {timer_label("pg.a"), 1, 3000}};
    put_upstreams(timer, 3);
    assert_frame("test_hero.upstreamRequests.pg:5|ms\n"
                 "test_hero.upstreamRequests.redis:1|ms\n"
                 "test_hero.upstreamRequests.pg.a:3|ms\n"
                 "test_hero.upstreamRequests.pg.b:2|ms\n"
                 "test_hero.upstreamRequests.redis:1|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.pg:5|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.redis:1|ms\n");
}

Test(lines, the_first_prefix_that_matches_takes_the_label)
{
    begin(PROTOCOL_STATSD, "rdb, rdbms.n,,x");
    struct event_timer timer = {timer_label("rdbms.nodes"), 1, 4000};
    put_upstreams(&timer, 1);
    assert_frame("test_hero.upstreamRequests.rdb:4|ms\n"
                 "test_hero.upstreamRequests.rdbms.nodes:4|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.rdb:4|ms\n");
}

Test(lines, no_prefix_matches)
{
    begin(PROTOCOL_STATSD, "couchdb");
    struct event_timer timer = {timer_label("rdbms.nodes"), 1, 4000};
    put_upstreams(&timer, 1);
    assert_frame("");
}

Test(lines, a_sum_is_cut_once)
{
    begin(PROTOCOL_STATSD, "");
    struct event_timer timer[] = {{timer_label("a.x"), 1, 1600}, {timer_label("a.y"), 1, 1600}};
    put_upstreams(timer, 2);
    cr_assert(bytes_start_with((struct bytes){w.at, w.n},
                               BYTES("test_hero.upstreamRequests.a:3|ms\n"
                                     "test_hero.upstreamRequests.a.x:1|ms\n")));
}

Test(lines, in_microseconds)
{
    begin(PROTOCOL_STATSD, "");
    lines.in_ms = false;
    struct event_timer timer = {timer_label("a"), 1, 1601};
    lines_times(&lines, &w, ended(&timer, 1, 1234567));
    assert_frame("test_hero.application.allRequests:1234|ms\n"
                 "test_hero.test-host.allRequests:1234|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT:1234|ms\n"
                 "test_hero.upstreamRequests.a:1601|ms\n"
                 "test_hero.upstreamRequests.a:1601|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.a:1601|ms\n");
}

Test(lines, any_status)
{
    begin(PROTOCOL_STATSD, "");
    lines_status(&lines, &w, -5, 1);
    lines_status(&lines, &w, 0, 3);
    assert_frame(
        "test_hero.application.byStatusCode.-5:1|c\ntest_hero.test-host.byStatusCode.-5:1|c\n"
        "test_hero.application.byStatusCode.0:3|c\ntest_hero.test-host.byStatusCode.0:3|c\n");
}

Test(lines, own_figures)
{
    begin(PROTOCOL_ESTATSD, "");
    lines_own(&lines, &w, "dropped", 12);
    assert_frame("1|34\ntest_hero.stats_hero.dropped:12|m\n");
}

Test(lines, names_are_made_harmless)
{
    process_begin();
    config_read(&config, NULL, BYTES("my:app\n.eu"), BYTES(""), NULL);
    lines_begin(&lines, &config);
    cr_assert(bytes_equal((struct bytes){lines.app, lines.app_bytes}, BYTES("my_app_.eu")));
    cr_assert(bytes_equal((struct bytes){lines.host, lines.host_bytes}, BYTES("_")));
}

Test(lines, what_finds_no_room_is_left_out_whole)
{
    begin(PROTOCOL_STATSD, "");
    w.size = 100;
    lines_started(&lines, &w, label, action, 1);
    cr_assert(w.full);
    assert_frame("test_hero.application.allRequests:1|c\n"
                 "test_hero.test-host.allRequests:1|c\n");
}

/* As many timers as an event can have, with the longest labels. */
Test(lines, the_largest_group_fits)
{
    char longest[LABEL_BYTES + 1] = "";
    struct event_timer timer[EVENT_TIMERS];
    begin(PROTOCOL_STATSD, "");
    memset(lines.app, 'a', lines.app_bytes = sizeof lines.app);
    memset(longest, 'l', LABEL_BYTES);
    label = label_number(&names.labels, bytes_of(longest));
    action = label_number(&names.actions, bytes_of(longest));
    for (uint32_t i = 0; i < EVENT_TIMERS; i++) {
        longest[0] = (char)('A' + i % 26);
        longest[1] = (char)('A' + i / 26);
        timer[i] = (struct event_timer){timer_label(longest), 1, INT64_MAX};
    }
    w.size = 65536;
    put_end(timer, EVENT_TIMERS, UINT64_MAX);
    cr_assert_not(w.full);
}
