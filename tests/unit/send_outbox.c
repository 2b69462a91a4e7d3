#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/process.h"
#include "scratch.h"
#include "send/outbox.h"
#include "sending.h"
#include "threads.h"

#define SECOND 1000000000ull

static struct receiver receiver;

TestSuite(outbox, .init = process_begin, .timeout = 60);

/* Nothing but payloads is sent. */
static bool drain_nothing(struct batch *batch, bool last)
{
    (void)batch;
    (void)last;
    return false;
}

static void begin_at(const char *host, uint32_t datagram_bytes)
{
    sender_begin(&(struct sender_options){
        .host = bytes_of(host),
        .port = receiver.port,
        .pool_size = 3,
        .datagram_bytes = datagram_bytes,
        .flush_ms = 5,
        .head = codec_shp.head,
        .fill = codec_shp.blank_lines,
        .source = {.drain = drain_nothing, .due_ns = never_due, .enter = enter_nothing},
    });
}

static void begin(uint32_t datagram_bytes)
{
    receiver_udp(&receiver);
    begin_at(receiver.host, datagram_bytes);
}

static int send_payload(const char *payload)
{
    return sender_send(bytes_of(payload), SEND_POOL_ANY);
}

static void assert_next(const char *expected)
{
    struct bytes is = receiver_next(&receiver);
    cr_assert(bytes_equal(is, bytes_of(expected)), "%.*s\nnot\n%s", (int)is.n, is.at, expected);
}

/* Nothing more was sent: what is sent now is what comes next. */
static void assert_no_more(void)
{
    cr_assert_eq(send_payload("end:1|m\n"), 0);
    assert_next("1|8\nend:1|m\n");
}

Test(outbox, a_payload_gets_the_header)
{
    begin(1432);
    cr_assert_eq(send_payload("a.b:1|m\nc:22|h\n"), 0);
    assert_next("1|15\na.b:1|m\nc:22|h\n");
    assert_no_more();
}

Test(outbox, each_in_datagrams_of_its_own)
{
    begin(1432);
    cr_assert_eq(send_payload("a:1|m\n"), 0);
    cr_assert_eq(send_payload("b:1|m\n"), 0);
    cr_assert_eq(send_payload("without a newline"), 0);
    assert_next("1|6\na:1|m\n");
    assert_next("1|6\nb:1|m\n");
    assert_next("1|17\nwithout a newline");
    assert_no_more();
}

Test(outbox, the_payload_is_the_callers_again_afterwards)
{
    char payload[] = "a:1|m\n";
    begin(1432);
    cr_assert_eq(send_payload(payload), 0);
    memset(payload, 'x', sizeof payload - 1);
    assert_next("1|6\na:1|m\n");
}

static struct bytes lines_of(int n, size_t each)
{
    static char lines[200000];
    struct writer w = writer_on(lines, sizeof lines);
    for (int i = 0; i < n; i++) {
        char number[16];
        snprintf(number, sizeof number, "%06d:", i);
        put_string(&w, number);
        for (size_t k = 8; k < each; k++)
            put_char(&w, 'k');
        put_char(&w, '\n');
    }
    cr_assert_eq(w.n, (size_t)n * each);
    return (struct bytes){lines, w.n};
}

/* The lines of the next `n` datagrams, which may be filled up with newlines. */
static void assert_lines_in(int n, uint32_t limit, struct bytes expected)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        struct bytes datagram = receiver_next(&receiver), lines = datagram;
        uint64_t size;
        cr_assert_leq(datagram.n, limit);
        cr_assert(bytes_equal(bytes_cut(&lines, '|'), BYTES("1")));
        cr_assert_eq(bytes_to_u64(bytes_cut(&lines, '\n'), &size), 0);
        cr_assert_eq(size, lines.n);
        cr_assert_eq(lines.at[lines.n - 1], '\n');
        while (lines.n > 1 && lines.at[lines.n - 2] == '\n')
            lines.n--;
        cr_assert_leq(lines.n, expected.n - at);
        cr_assert_eq(memcmp(lines.at, expected.at + at, lines.n), 0);
        at += lines.n;
    }
    cr_assert_eq(at, expected.n);
}

Test(outbox, over_the_limit_it_is_split_at_line_ends)
{
    begin(128);
    struct bytes payload = lines_of(10, 50);
    cr_assert_eq(sender_send(payload, SEND_POOL_ANY), 0);
    assert_lines_in(5, 128, payload);
    assert_no_more();
}

Test(outbox, more_than_one_system_call_takes)
{
    receiver_abstract(&receiver);
    begin_at(receiver.host, 128);
    struct collector collector;
    collector_begin(&collector, &receiver);
    struct bytes payload = lines_of(1000, 100);
    cr_assert_eq(sender_send(payload, SEND_POOL_ANY), 0);
    cr_assert_eq(count_lines(collector_end(&collector), "000", "k"), 1000);
    cr_assert_eq(sender_errors(), 0);
}

Test(outbox, a_line_over_the_limit_is_refused_and_the_others_are_sent)
{
    char payload[400] = "before:1|m\n";
    begin(128);
    memset(payload + 11, 'l', 300);
    strcpy(payload + 311, "\nafter:1|m\n");
    cr_assert_eq(send_payload(payload), -EMSGSIZE);
    assert_next("1|21\nbefore:1|m\nafter:1|m\n");
    payload[311] = '\0';
    cr_assert_eq(send_payload(payload + 11), -EMSGSIZE, "nothing else");
    assert_no_more();
}

Test(outbox, a_line_of_just_the_limit)
{
    begin(128);
    cr_assert_eq(sender_send(lines_of(1, 120), SEND_POOL_ANY), 0);
    cr_assert_eq(receiver_next(&receiver).n, 126);
    cr_assert_eq(sender_send(lines_of(1, 121), SEND_POOL_ANY), -EMSGSIZE);
    assert_no_more();
}

static in_port_t port_of(uint32_t which)
{
    cr_assert_eq(sender_send(BYTES("a:1|m\n"), which), 0);
    return receiver_next_port(&receiver);
}

Test(outbox, by_the_sender_that_is_given)
{
    begin(1432);
    in_port_t port[] = {port_of(0), port_of(1), port_of(2)};
    cr_assert(port[0] != port[1] && port[1] != port[2] && port[0] != port[2]);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(port_of(2), port[2]);
        cr_assert_eq(port_of(0), port[0]);
    }
}

Test(outbox, spread_over_the_pool_if_none_is_given)
{
    begin(1432);
    in_port_t port[6];
    for (int i = 0; i < 6; i++)
        port[i] = port_of(SEND_POOL_ANY);
    cr_assert(port[0] != port[1] && port[1] != port[2] && port[0] != port[2]);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(port[i], port[i + 3]);
}

Test(outbox, no_payload_or_no_such_sender)
{
    begin(1432);
    cr_assert_eq(send_payload(""), -EINVAL);
    cr_assert_eq(sender_send((struct bytes){NULL, 0}, SEND_POOL_ANY), -EINVAL);
    cr_assert_eq(sender_send(BYTES("a:1|m\n"), 3), -EINVAL);
    cr_assert_eq(sender_send(BYTES("a:1|m\n"), SEND_POOL_ANY - 1), -EINVAL);
    assert_no_more();
}

Test(outbox, a_unix_path_that_is_not_there)
{
    begin_at("unix:/no/such/socket", 1432);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(send_payload("a:1|m\n"), -ENOENT);
    cr_assert(sender_running(), "the sender stays");
}

Test(outbox, a_name_that_is_none)
{
    begin_at("no such host", 1432);
    cr_assert_eq(send_payload("a:1|m\n"), -EHOSTUNREACH);
    cr_assert_eq(send_payload("a:1|m\n"), -EHOSTUNREACH);
}

Test(outbox, a_closed_udp_port_is_no_error)
{
    receiver_udp(&receiver);
    receiver_close(&receiver);
    begin_at(receiver.host, 1432);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(send_payload("a:1|m\n"), 0);
    receiver_bind_udp(&receiver, "127.0.0.1", receiver.port);
    cr_assert_eq(send_payload("b:1|m\n"), 0);
    assert_next("1|6\nb:1|m\n");
}

Test(outbox, the_receiver_comes_back)
{
    receiver_abstract(&receiver);
    receiver_close(&receiver);
    begin_at(receiver.host, 1432);
    cr_assert_eq(sender_send(BYTES("a:1|m\n"), 1), -ECONNREFUSED);
    receiver_abstract(&receiver);
    uint64_t deadline = clock_now_ns() + 10 * SECOND;
    int error;
    while ((error = sender_send(BYTES("b:1|m\n"), 1)) != 0) {
        cr_assert_eq(error, -ECONNREFUSED, "%d", error);
        cr_assert_lt(clock_now_ns(), deadline);
    }
    assert_next("1|6\nb:1|m\n");
    cr_assert_eq(sender_send(BYTES("c:1|m\n"), 0), 0, "a sender that has not failed");
    assert_next("1|6\nc:1|m\n");
}

Test(outbox, a_receiver_that_was_there_goes_and_comes_back)
{
    receiver_abstract(&receiver);
    begin_at(receiver.host, 1432);
    cr_assert_eq(sender_send(BYTES("a:1|m\n"), 0), 0);
    receiver_close(&receiver);
    cr_assert_lt(sender_send(BYTES("b:1|m\n"), 0), 0);
    receiver_abstract(&receiver);
    uint64_t deadline = clock_now_ns() + 10 * SECOND;
    while (sender_send(BYTES("c:1|m\n"), 0) != 0)
        cr_assert_lt(clock_now_ns(), deadline);
    assert_next("1|6\nc:1|m\n");
}

/* What nobody takes is taken back, and not sent later. */
static void notify_nobody(void)
{
}

static struct send_pool pool;
static struct batch batch;

static void begin_without_sender(void)
{
    receiver_udp(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    cr_assert_eq(batch_begin(&batch, &pool, codec_shp.head, 1432, false), 0);
}

Test(outbox, a_timeout_withdraws)
{
    begin_without_sender();
    uint64_t began = clock_now_ns();
    for (int i = 0; i < 3; i++)
        cr_assert_eq(outbox_send(BYTES("a:1|m\n"), SEND_POOL_ANY, 20000000, notify_nobody),
                     -ETIMEDOUT);
    cr_assert_geq(clock_now_ns() - began, 60000000);
    cr_assert(outbox_waiting());
    outbox_deliver(&batch);
    cr_assert_not(outbox_waiting());
    batch_add(&batch, BYTES("end:1|m\n"));
    batch_flush(&batch);
    assert_next("1|8\nend:1|m\n");
}

static void deliver_here(void)
{
    outbox_deliver(&batch);
}

Test(outbox, delivered_before_it_is_waited_for)
{
    begin_without_sender();
    cr_assert_eq(outbox_send(BYTES("a:1|m\n"), 0, 0, deliver_here), 0);
    assert_next("1|6\na:1|m\n");
    cr_assert_eq(batch.endpoint, SEND_POOL_ANY);
    cr_assert_not(outbox_waiting());
}

Test(outbox, a_forked_child_does_not_send_what_its_parent_left)
{
    begin_without_sender();
    outbox_send(BYTES("a:1|m\n"), SEND_POOL_ANY, 1, notify_nobody);
    cr_assert(outbox_waiting());
    outbox_forget();
    cr_assert_not(outbox_waiting());
    cr_assert_eq(outbox_send(BYTES("b:1|m\n"), 0, 0, deliver_here), 0);
    assert_next("1|6\nb:1|m\n");
}

Test(outbox, the_sender_stops)
{
    begin(1432);
    cr_assert_eq(send_payload("a:1|m\n"), 0);
    sender_stop(10 * SECOND);
    cr_assert_lt(send_payload("b:1|m\n"), 0);
    assert_next("1|6\na:1|m\n");
    cr_assert_null(receiver_within(&receiver, 0).at);
}

enum { WRITERS = 8, LETTERS = 300 };

static void *write_letters(void *number)
{
    for (int i = 0; i < LETTERS; i++) {
        char letter[64];
        snprintf(letter, sizeof letter, "writer-%d.%d:1|m\n", (int)(intptr_t)number, i);
        if (sender_send(bytes_of(letter), (uint32_t)i % 3) != 0)
            return "not sent";
    }
    return NULL;
}

/* Each writer's letters arrive once, in its order. */
static void assert_letters(struct bytes text)
{
    int next[WRITERS] = {0};
    for (struct bytes rest = text; rest.n > 0;) {
        int writer, letter;
        struct bytes line = bytes_cut(&rest, '\n');
        char terminated[64];
        if (!bytes_start_with(line, BYTES("writer-")))
            continue;
        snprintf(terminated, sizeof terminated, "%.*s", (int)line.n, line.at);
        cr_assert_eq(sscanf(terminated, "writer-%d.%d:1|m", &writer, &letter), 2);
        cr_assert_eq(letter, next[writer]++);
    }
    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(next[i], LETTERS);
}

Test(outbox, many_writers)
{
    struct collector collector;
    receiver_abstract(&receiver);
    begin_at(receiver.host, 1432);
    collector_begin(&collector, &receiver);
    cr_assert(on_threads(WRITERS, write_letters));
    assert_letters(collector_end(&collector));
}

static bool hurry;

static bool hurried(void)
{
    return hurry;
}

static void deliver_hurried(void)
{
    hurry = false;
    outbox_deliver(&batch); /* nothing is left of what others wrote */
    batch.pool->hurried = NULL;
}

Test(outbox, hurried_it_takes_no_letter)
{
    begin_without_sender();
    pool.hurried = hurried;
    hurry = true;
    cr_assert_eq(outbox_send(BYTES("a:1|m\n"), 0, 1, deliver_here), -ETIMEDOUT);
    cr_assert(outbox_waiting());
    cr_assert_eq(outbox_send(BYTES("b:1|m\n"), 0, 0, deliver_hurried), 0);
    assert_next("1|6\nb:1|m\n");
    cr_assert_not(outbox_waiting());
}
