#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "metric/codec.h"
#include "receiver.h"
#include "send/batch.h"
#include "threads.h"

static struct receiver receiver;
static struct send_pool pool;
static struct batch batch;

static void begin(uint32_t datagram_bytes)
{
    receiver_udp(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    cr_assert_eq(batch_begin(&batch, &pool, codec_shp.head, datagram_bytes, false), 0);
}

static void assert_next(const char *expected)
{
    struct bytes is = receiver_next(&receiver);
    cr_assert(bytes_equal(is, bytes_of(expected)), "%.*s\nnot\n%s", (int)is.n, is.at, expected);
}

/* Nothing more was sent: what is sent now is what comes next. */
static void assert_no_more(void)
{
    cr_assert_eq(batch_add(&batch, BYTES("end:1|m\n")), 0);
    batch_flush(&batch);
    assert_next("1|8\nend:1|m\n");
}

/* `n` bytes: one line. */
static struct bytes line_of(size_t n)
{
    static char line[70000];
    memset(line, 'k', n - 1);
    line[n - 1] = '\n';
    return (struct bytes){line, n};
}

Test(batch, lines_share_a_datagram)
{
    begin(1432);
    batch_add(&batch, BYTES("a:1|m\nb:1|m\n"));
    batch_add(&batch, BYTES("c:1|m\n"));
    batch_flush(&batch);
    assert_next("1|18\na:1|m\nb:1|m\nc:1|m\n");
    assert_no_more();
}

Test(batch, nothing_is_sent_for_nothing)
{
    begin(1432);
    batch_flush(&batch);
    cr_assert_eq(batch_add(&batch, BYTES("")), 0);
    batch_flush(&batch);
    assert_no_more();
}

Test(batch, a_group_is_kept_together)
{
    begin(128);
    batch_add(&batch, line_of(100));
    batch_add(&batch, BYTES("first:1|m\nsecond:1|m\n"));
    batch_flush(&batch);
    cr_assert_eq(receiver_next(&receiver).n, 100 + 6);
    assert_next("1|21\nfirst:1|m\nsecond:1|m\n");
    assert_no_more();
}

/* Full datagrams are of one size, with newlines at their ends that count; the last is as it is. */
Test(batch, filled_up_where_the_dialect_allows)
{
    char expected[64];
    begin(40);
    batch_end(&batch);
    cr_assert_eq(batch_begin(&batch, &pool, codec_shp.head, 40, true), 0);
    for (int i = 0; i < 5; i++)
        batch_add(&batch, BYTES("a.line:1|m\nof.its:2|h\n"));
    batch_add(&batch, line_of(32));
    batch_add(&batch, BYTES("last:1|m\n"));
    batch_flush(&batch);
    for (int i = 0; i < 5; i++)
        assert_next("1|32\na.line:1|m\nof.its:2|h\n\n\n\n\n\n\n\n\n\n\n");
    snprintf(expected, sizeof expected, "1|32\n%.32s", line_of(32).at);
    assert_next(expected);
    assert_next("1|9\nlast:1|m\n");
    assert_no_more();
}

Test(batch, full_to_the_last_byte)
{
    begin(128);
    batch_add(&batch, line_of(100));
    batch_add(&batch, line_of(20));
    batch_add(&batch, line_of(1));
    batch_flush(&batch);
    cr_assert_eq(receiver_next(&receiver).n, 120 + 6);
    cr_assert_eq(receiver_next(&receiver).n, 1 + 4);
    assert_no_more();
}

Test(batch, a_large_group_is_split_between_lines)
{
    char group[1000], expected[200];
    struct writer w = writer_on(group, sizeof group);
    begin(128);
    for (int i = 10; i < 40; i++) {
        char line[32];
        snprintf(line, sizeof line, "line.number.%d:1|m\n", i);
        put_string(&w, line);
    }
    cr_assert_eq(batch_add(&batch, (struct bytes){group, w.n}), 0);
    batch_flush(&batch);
    for (size_t at = 0; at < w.n; at += 6 * 19) {
        snprintf(expected, sizeof expected, "1|%d\n%.*s", 6 * 19, 6 * 19, group + at);
        assert_next(expected);
    }
    assert_no_more();
}

Test(batch, a_line_over_the_limit_is_refused_alone)
{
    begin(128);
    cr_assert_eq(batch_add(&batch, line_of(120)), 0);
    cr_assert_eq(batch_add(&batch, line_of(121)), -EMSGSIZE);
    cr_assert_eq(batch.refused, 1);
    char group[400];
    struct writer w = writer_on(group, sizeof group);
    put_string(&w, "before:1|m\n");
    put_bytes(&w, line_of(300));
    put_string(&w, "after:1|m\n");
    cr_assert_eq(batch_add(&batch, (struct bytes){group, w.n}), -EMSGSIZE);
    batch_flush(&batch);
    cr_assert_eq(receiver_next(&receiver).n, 126);
    assert_next("1|21\nbefore:1|m\nafter:1|m\n");
    assert_no_more();
    cr_assert_eq(batch.refused, 2);
}

Test(batch, the_largest_datagram)
{
    begin(65507);
    cr_assert_eq(batch_add(&batch, line_of(65499)), 0);
    cr_assert_eq(batch_add(&batch, line_of(65500)), -EMSGSIZE);
    batch_flush(&batch);
    struct bytes datagram = receiver_next(&receiver);
    cr_assert_eq(datagram.n, 65507);
    cr_assert(bytes_start_with(datagram, BYTES("1|65499\nkkk")));
}

Test(batch, sends_when_all_datagrams_are_full)
{
    begin(128);
    for (int i = 0; i < SEND_DATAGRAMS; i++)
        cr_assert_eq(batch_add(&batch, line_of(120)), 0);
    cr_assert_eq(batch.ready, SEND_DATAGRAMS - 1, "the last one may yet be filled");
    batch_add(&batch, line_of(1));
    cr_assert_eq(batch.ready, 0);
    for (int i = 0; i < SEND_DATAGRAMS; i++)
        cr_assert_eq(receiver_next(&receiver).n, 126);
    batch_flush(&batch);
    cr_assert_eq(receiver_next(&receiver).n, 5);
}

/* Whatever goes in: all of it comes out, in order, in datagrams no larger than allowed. */
static void assert_limit_holds(uint32_t limit)
{
    static char in[300000];
    struct collector collector;
    struct writer w = writer_on(in, sizeof in);
    uint64_t random = limit;
    begin(limit);
    receiver_close(&receiver);
    receiver_abstract(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    batch.head = codec_statsd.head;
    collector_begin(&collector, &receiver);
    while (w.n < sizeof in - 4096) {
        size_t before = w.n;
        for (uint64_t lines = next_random(&random) % 20; lines-- > 0;)
            put_bytes(&w, line_of(1 + next_random(&random) % 100));
        cr_assert_eq(batch_add(&batch, (struct bytes){in + before, w.n - before}), 0);
    }
    batch_flush(&batch);
    struct bytes out = collector_end(&collector);
    cr_assert(bytes_equal(out, (struct bytes){in, w.n}));
    cr_assert_leq(collector.largest, limit);
    cr_assert_eq(pool.errors, 0);
    batch_end(&batch);
}

Test(batch, any_groups_at_any_limit)
{
    assert_limit_holds(128);
    receiver_close(&receiver);
    assert_limit_holds(512);
    receiver_close(&receiver);
    assert_limit_holds(1432);
}

static bool hurry;

static bool hurried(void)
{
    return hurry;
}

/* Nobody reads yet, and nobody waits for that: all the same nothing is lost, however much comes. */
Test(batch, what_is_put_off_stays)
{
    enum { LINES = 50000 };
    struct collector collector;
    receiver_abstract(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    cr_assert_eq(batch_begin(&batch, &pool, codec_shp.head, 1432, true), 0);
    pool.hurried = hurried;
    hurry = true;
    for (int i = 0; i < LINES; i++) {
        cr_assert_eq(batch_add(&batch, BYTES("line:1|m\n")), 0);
        cr_assert_eq(batch_add(&batch, BYTES("")), 0);
    }
    batch_flush(&batch);
    cr_assert(batch_waits(&batch));
    hurry = false;
    collector_begin(&collector, &receiver);
    batch_flush(&batch);
    cr_assert_not(batch_waits(&batch));
    cr_assert_eq(count_lines(collector_end(&collector), "line:1|m", ""), LINES);
    cr_assert_eq(pool.errors, 0);
}

/* Nobody is there to receive what goes to a name that no socket has. */
static void begin_in_vain(void)
{
    send_pool_begin(&pool, BYTES("unix:@stats-hero-unit-nobody"), 1, 1);
    cr_assert_eq(batch_begin(&batch, &pool, codec_shp.head, 128, false), 0);
}

Test(batch, tells_the_tags_of_what_went_lost)
{
    begin_in_vain();
    cr_assert(batch_add_tagged(&batch, BYTES("a:1|m\n"), 1));
    cr_assert(batch_add_tagged(&batch, BYTES("b:1|m\n"), 4));
    cr_assert_eq(batch_lost(&batch), 0, "not yet");
    batch_flush(&batch);
    cr_assert_eq(batch_lost(&batch), 5);
    cr_assert_eq(batch_lost(&batch), 0, "asked since");
    batch_add(&batch, BYTES("c:1|m\n"));
    batch_flush(&batch);
    cr_assert_eq(batch_lost(&batch), 0, "without a tag");
}

Test(batch, what_went_out_is_not_lost)
{
    begin(128);
    cr_assert(batch_add_tagged(&batch, line_of(100), 1));
    cr_assert(batch_add_tagged(&batch, line_of(100), 2));
    batch_flush(&batch);
    cr_assert_eq(receiver_next(&receiver).n, 106);
    cr_assert_eq(receiver_next(&receiver).n, 106);
    cr_assert_eq(batch_lost(&batch), 0);
}

Test(batch, a_tagged_line_is_not_split)
{
    begin(128);
    cr_assert_not(batch_add_tagged(&batch, line_of(121), 1));
    cr_assert(batch_add_tagged(&batch, line_of(120), 2));
    batch_flush(&batch);
    cr_assert_eq(receiver_next(&receiver).n, 126);
    assert_no_more();
}

/* Some of a batch went out before the receiver was full: only the others' tags are told. */
Test(batch, what_is_put_off_may_yet_go_lost)
{
    receiver_abstract(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    cr_assert_eq(batch_begin(&batch, &pool, codec_shp.head, 128, false), 0);
    receiver_full_soon(endpoint_fd(&pool.endpoint[0], clock_now_ns()));
    pool.hurried = hurried;
    hurry = true;
    cr_assert(batch_add_tagged(&batch, line_of(120), 1));
    for (int i = 1; i < SEND_DATAGRAMS; i++)
        cr_assert(batch_add_tagged(&batch, line_of(120), 2));
    cr_assert_not(batch_add_tagged(&batch, line_of(120), 4), "all wait");
    cr_assert(batch_waits(&batch));
    cr_assert_eq(batch_lost(&batch), 0, "they wait");
    uint32_t waiting = SEND_DATAGRAMS - batch.sent;
    hurry = false;
    receiver_close(&receiver);
    batch_flush(&batch);
    cr_assert_not(batch_waits(&batch));
    cr_assert_eq(batch_lost(&batch), 2);
    cr_assert_eq(pool.errors, waiting);
}
