#include <criterion/criterion.h>
#include <stdio.h>

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

static void begin_many(enum protocol protocol, const char *prefixes, uint32_t labels)
{
    process_begin();
    config_read(&config, NULL, BYTES("test_hero"), BYTES("test-host"), NULL);
    config.protocol = protocol;
    config.max_labels = labels;
    config.upstream_prefixes = bytes_of(prefixes);
    cr_assert_eq(names_begin(&config), 0);
    lines_begin(&lines, &config);
    ring_begin(&ring);
    label = label_number(&names.labels, BYTES("nodes"));
    action = names_action(BYTES("PUT"));
    w = writer_on(frame + CODEC_HEAD_BYTES, sizeof frame - CODEC_HEAD_BYTES);
}

static void begin(enum protocol protocol, const char *prefixes)
{
    begin_many(protocol, prefixes, 200);
}

static uint16_t timer_label(const char *text)
{
    return label_number(&names.timers, bytes_of(text));
}

static const struct event *ended(const struct timer *timer, uint32_t n, uint64_t duration_ns)
{
    static struct timers timers;
    struct event_facts facts = {.kind = EVENT_END,
                                .label = label,
                                .action = action,
                                .status = 200,
                                .duration_ns = duration_ns,
                                .timers = &timers};
    for (uint32_t i = 0; i < n; i++)
        timers_add(&timers, timer[i].label, timer[i].time_us, 1);
    event_put_end(&ring, &facts);
    timers_clear(&timers);
    return (const struct event *)ring_peek_spsc(&ring);
}

static void put_end(const struct timer *timer, uint32_t timers, uint64_t duration_ns)
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
    struct timer timer[] = {
        {timer_label("rdbms.nodes.fetch"), 2, 1000000},
        {timer_label("rdbms.nodes.put"), 1, 200000},
        {timer_label("authz.nodes.read"), 1, 100000},
        {timer_label("no-such-prefix.who"), 1, 77000},
        {timer_label("rdbms.micro"), 3, 3998},
    };
    put_end(timer, 5, 109999999);
}

/* The original's end frame, byte for byte. */
static const char the_end_frame[] =
    "1|638\n"
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
    "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.rdbms:1203|h\n";

Test(lines, the_end_frame)
{
    begin(PROTOCOL_ESTATSD, "rdbms,couchdb,authz");
    put_example();
    assert_frame(the_end_frame);
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
    struct timer timer = {timer_label("rdbms.x"), 1, 5000};
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
static void put_upstreams(const struct timer *timer, uint32_t timers)
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
    struct timer timer[] = {{timer_label("redis"), 1, 1000},
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
    struct timer timer = {timer_label("rdbms.nodes"), 1, 4000};
    put_upstreams(&timer, 1);
    assert_frame("test_hero.upstreamRequests.rdb:4|ms\n"
                 "test_hero.upstreamRequests.rdbms.nodes:4|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.rdb:4|ms\n");
}

Test(lines, no_prefix_matches)
{
    begin(PROTOCOL_STATSD, "couchdb");
    struct timer timer = {timer_label("rdbms.nodes"), 1, 4000};
    put_upstreams(&timer, 1);
    assert_frame("");
}

Test(lines, a_sum_is_cut_once)
{
    begin(PROTOCOL_STATSD, "");
    struct timer timer[] = {{timer_label("a.x"), 1, 1600}, {timer_label("a.y"), 1, 1600}};
    put_upstreams(timer, 2);
    cr_assert(bytes_start_with((struct bytes){w.at, w.n},
                               BYTES("test_hero.upstreamRequests.a:3|ms\n"
                                     "test_hero.upstreamRequests.a.x:1|ms\n")));
}

Test(lines, in_microseconds)
{
    begin(PROTOCOL_STATSD, "");
    lines.in_ms = false;
    struct timer timer = {timer_label("a"), 1, 1601};
    lines_times(&lines, &w, ended(&timer, 1, 1234567));
    assert_frame("test_hero.application.allRequests:1234|ms\n"
                 "test_hero.test-host.allRequests:1234|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT:1234|ms\n"
                 "test_hero.upstreamRequests.a:1601|ms\n"
                 "test_hero.upstreamRequests.a:1601|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.a:1601|ms\n");
}

/* A program's own request: its application and prefixes come from its scope. */
static void begin_scope(enum protocol protocol, const char *app, const char *prefixes)
{
    struct lines of_process;
    begin(protocol, "not,these");
    config.app = BYTES("not_this");
    lines_begin(&of_process, &config);
    int number = scope_number(bytes_of(app), bytes_of(prefixes));
    cr_assert_gt(number, 0);
    lines_begin_scope(&lines, &of_process, scope_of((uint8_t)number));
}

Test(lines, the_start_frame_of_a_scope)
{
    begin_scope(PROTOCOL_ESTATSD, "test_hero", "rdbms,couchdb,authz");
    lines_started(&lines, &w, label, action, 1);
    assert_frame("1|124\n"
                 "test_hero.application.allRequests:1|m\n"
                 "test_hero.test-host.allRequests:1|m\n"
                 "test_hero.application.byRequestType.nodes.PUT:1|m\n");
}

Test(lines, the_end_frame_of_a_scope)
{
    begin_scope(PROTOCOL_ESTATSD, "test_hero", "rdbms,couchdb,authz");
    put_example();
    assert_frame(the_end_frame);
}

Test(lines, without_prefixes_a_scope_has_no_upstreams)
{
    begin_scope(PROTOCOL_STATSD, "test_hero", "");
    struct timer timer = {timer_label("rdbms.nodes"), 1, 4000};
    put_upstreams(&timer, 1);
    assert_frame("");
}

Test(lines, prefixes_of_a_scope_match_labels_as_they_are_cleaned)
{
    begin_scope(PROTOCOL_STATSD, "test_hero", " rd:bms , a|b");
    struct timer timer[] = {{timer_label("rd:bms.x"), 1, 4000}, {timer_label("a|b"), 1, 0}};
    put_upstreams(timer, 2);
    assert_frame("test_hero.upstreamRequests.a_b:0|ms\n"
                 "test_hero.upstreamRequests.rd_bms:4|ms\n"
                 "test_hero.upstreamRequests.a_b:0|ms\n"
                 "test_hero.upstreamRequests.rd_bms.x:4|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.a_b:0|ms\n"
                 "test_hero.application.byRequestType.nodes.PUT.upstreamRequests.rd_bms:4|ms\n");
}

Test(lines, names_of_a_scope_are_made_harmless)
{
    begin_scope(PROTOCOL_STATSD, "my:app|1\n.eu", "");
    lines_status(&lines, &w, 200, 1);
    assert_frame("my_app_1_.eu.application.byStatusCode.200:1|c\n"
                 "my_app_1_.eu.test-host.byStatusCode.200:1|c\n");
    begin_scope(PROTOCOL_STATSD, "", "");
    lines_status(&lines, &w, 200, 1);
    assert_frame("_.application.byStatusCode.200:1|c\n_.test-host.byStatusCode.200:1|c\n");
}

/* Phrases are kept by speaker: turn and turn about, with the same labels and statuses. */
Test(lines, scopes_in_turn_keep_their_own_words)
{
    static struct lines scope[3];
    static const char *const app[] = {"one", "two", "three"};
    begin(PROTOCOL_STATSD, "");
    for (int i = 0; i < 3; i++)
        lines_begin_scope(&scope[i], &lines, (struct scope){bytes_of(app[i]), BYTES("")});
    for (int turn = 0; turn < 4; turn++)
        for (int i = 0; i < 3; i++) {
            char expected[200];
            w.n = 0;
            lines_started(&scope[i], &w, label, action, 1 + (uint64_t)turn % 2);
            snprintf(expected, sizeof expected,
                     "%s.application.allRequests:%d|c\n%s.test-host.allRequests:%d|c\n"
                     "%s.application.byRequestType.nodes.PUT:%d|c\n",
                     app[i], 1 + turn % 2, app[i], 1 + turn % 2, app[i], 1 + turn % 2);
            assert_frame(expected);
        }
}

static void assert_same(struct bytes is, struct bytes expected)
{
    cr_assert(bytes_equal(is, expected), "%.*s\nnot\n%.*s", (int)is.n, is.at, (int)expected.n,
              expected.at);
}

/* All its lines, and its times alone, whichever way they are asked for. `fits`: they are not too
 * long to be kept. */
static void assert_parts(const struct event *event, bool fits)
{
    static char parts[4096];
    struct writer of_parts = writer_on(parts, sizeof parts);
    lines_started(&lines, &of_parts, label, action, 1);
    lines_status(&lines, &of_parts, event->status, 1);
    size_t counts = of_parts.n;
    lines_times(&lines, &of_parts, event);
    struct bytes whole = {parts, of_parts.n}, times = {parts + counts, of_parts.n - counts};
    for (int again = 0; again < 2; again++) {
        w.n = 0;
        lines_whole(&lines, &w, event);
        assert_same((struct bytes){w.at, w.n}, whole);
        struct bytes kept = lines_kept(&lines, event, true);
        if (kept.n > 0 || (fits && (uint32_t)event->status <= UINT16_MAX))
            assert_same(kept, whole);
        kept = lines_kept(&lines, event, false);
        if (kept.n > 0 || fits)
            assert_same(kept, times);
    }
}

/* Of more labels and statuses than are kept, so that they take one another's places; half of them
 * took as long as others did. */
Test(lines, a_whole_request_is_its_parts)
{
    enum { LABELS = 40 };
    static const int statuses[] = {200, 404, 0, 503, -5, 70000, 65535, 999};
    uint16_t number[LABELS];
    begin(PROTOCOL_ESTATSD, "");
    for (int i = 0; i < LABELS; i++) {
        char text[16];
        snprintf(text, sizeof text, "label-%d", i);
        number[i] = label_number(&names.labels, bytes_of(text));
    }
    struct timer timer = {.label = timer_label("rdbms.query"), .time_us = 7000};
    for (unsigned i = 0; i < 20000; i++) {
        unsigned drawn = i * 2654435761u >> 8;
        label = number[drawn % LABELS];
        uint64_t duration_ns = (drawn >> 10 & 1 ? drawn % 4 : drawn) * 1000000ull;
        struct event *event = (struct event *)(uintptr_t)ended(&timer, drawn >> 9 & 1, duration_ns);
        event->status = statuses[drawn >> 6 & 7];
        assert_parts(event, event->timers == 0);
        ring_release_spsc(&ring);
    }
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

/* Keys that are so long that a request's text is not kept. */
Test(lines, long_names_are_put_anew)
{
    char name[128];
    memset(name, 'n', sizeof name);
    begin(PROTOCOL_ESTATSD, "");
    config.app = config.my_host = (struct bytes){name, sizeof name - 1};
    lines_begin(&lines, &config);
    label = label_number(&names.labels, config.app);
    const struct event *event = ended(NULL, 0, 3000000);
    assert_parts(event, false);
    cr_assert_eq(lines_kept(&lines, event, true).n, 0);
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

/* As many timers as an event can have, with the longest labels, in the room that drain.c keeps. */
Test(lines, the_largest_group_fits)
{
    static char room[3 * (TIMERS_MOST + 3) * 400];
    char longest[LABEL_BYTES + 1] = "";
    struct timer timer[TIMERS_MOST];
    begin_many(PROTOCOL_STATSD, "", 1000);
    memset(lines.app, 'a', lines.app_bytes = sizeof lines.app);
    memset(longest, 'l', LABEL_BYTES);
    label = label_number(&names.labels, bytes_of(longest));
    action = label_number(&names.actions, bytes_of(longest));
    for (uint32_t i = 0; i < TIMERS_MOST; i++) {
        longest[0] = (char)('A' + i % 26);
        longest[1] = (char)('A' + i / 26);
        timer[i] = (struct timer){timer_label(longest), 1, INT64_MAX};
    }
    w = writer_on(room, sizeof room);
    put_end(timer, TIMERS_MOST, UINT64_MAX);
    cr_assert_not(w.full);
    size_t count = 0;
    for (size_t i = 0; i < w.n; i++)
        count += w.at[i] == '\n';
    cr_assert_eq(count, 5 + 3 * TIMERS_MOST);
}
