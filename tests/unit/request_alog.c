#include <criterion/criterion.h>
#include <errno.h>

#include "metric/metric.h"
#include "request/alog.h"
#include "threads.h"

static struct alog alog;

static int append(const char *label, struct bytes message)
{
    return alog_append(&alog, bytes_of(label), message);
}

static void add(const char *label, const char *message)
{
    cr_assert_eq(append(label, bytes_of(message)), 0);
}

/* The whole log. */
static struct bytes text_of(const char *label)
{
    static char text[ALOG_BYTES + 1];
    struct writer w = writer_on(text, sizeof text);
    size_t n = alog_read(&alog, bytes_of(label), &w);
    cr_assert_eq(n, w.n);
    return (struct bytes){text, n};
}

static void assert_log(const char *label, const char *expected)
{
    struct bytes is = text_of(label);
    cr_assert(bytes_equal(is, bytes_of(expected)), "%.*s\nnot\n%s", (int)is.n, is.at, expected);
}

Test(alog, none_at_first)
{
    assert_log("a", "");
    cr_assert_not(alog_has(&alog, BYTES("a")));
}

Test(alog, in_the_order_of_appending)
{
    add("sql", "select 1;");
    add("sql", "select 2;");
    add("sql", "commit;");
    assert_log("sql", "select 1;select 2;commit;");
}

Test(alog, labels_are_kept_apart)
{
    add("a", "1");
    add("b", "x");
    add("a", "2");
    add("ab", "!");
    add("b", "y");
    add("a", "3");
    assert_log("a", "123");
    assert_log("b", "xy");
    assert_log("ab", "!");
    assert_log("c", "");
    cr_assert_not(alog_has(&alog, BYTES("c")));
}

Test(alog, any_bytes)
{
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    cr_assert_eq(append("a", (struct bytes){all, sizeof all}), 0);
    cr_assert(bytes_equal(text_of("a"), (struct bytes){all, sizeof all}));
}

Test(alog, an_empty_message_makes_the_label_known)
{
    cr_assert_eq(append("a", (struct bytes){NULL, 0}), 0);
    cr_assert(alog_has(&alog, BYTES("a")));
    assert_log("a", "");
    add("a", "x");
    cr_assert_eq(append("a", BYTES("")), 0);
    add("a", "y");
    assert_log("a", "xy");
}

/* `n` bytes that differ from place to place. */
static struct bytes text(size_t n, size_t from)
{
    static char long_text[ALOG_BYTES + 300];
    for (size_t i = 0; i < n; i++)
        long_text[i] = (char)('a' + (from + i) % 23);
    return (struct bytes){long_text, n};
}

Test(alog, messages_of_every_size_round_a_block)
{
    for (size_t n = 1; n <= 3 * BLOCK_BYTES; n++) {
        cr_assert_eq(append("small", BYTES("s")), 0);
        cr_assert_eq(append("label", text(n, n)), 0);
        cr_assert_eq(append("small", BYTES("t")), 0);
        cr_assert(bytes_equal(text_of("label"), text(n, n)), "%zu bytes", n);
        assert_log("small", "st");
        alog_clear(&alog);
    }
}

Test(alog, labels_of_every_size)
{
    char label[LABEL_BYTES + 1] = "";
    for (size_t n = 1; n <= LABEL_BYTES; n++) {
        label[n - 1] = 'l';
        cr_assert_eq(append(label, text(500, n)), 0);
    }
    for (size_t n = 1; n <= LABEL_BYTES; n++) {
        label[n] = '\0';
        cr_assert_eq(alog_read(&alog, (struct bytes){label, n}, &(struct writer){NULL, 0, 0, 0}),
                     500);
        label[n] = 'l';
    }
    cr_assert(bytes_equal(text_of("lllllll"), text(500, 7)));
}

/* Blocks end in every way: in a message, between two, with too few bytes for another. */
Test(alog, many_messages_of_many_labels)
{
    static char expected[5][20000];
    size_t n[5] = {0};
    uint64_t random = 7;
    const char *const labels[] = {"a", "bb", "a-much-longer-label-than-the-others", "c.d", "_"};
    for (int i = 0; i < 300; i++) {
        uint64_t any = next_random(&random);
        struct bytes message = text(any % 50 == 0 ? any % 700 : any % 40, any >> 32);
        unsigned which = any >> 16 & 0xff;
        which %= 5;
        cr_assert_eq(append(labels[which], message), 0);
        memcpy(expected[which] + n[which], message.at, message.n);
        n[which] += message.n;
    }
    for (int i = 0; i < 5; i++)
        cr_assert(bytes_equal(text_of(labels[i]), (struct bytes){expected[i], n[i]}));
}

Test(alog, over_the_limit_nothing_is_appended)
{
    cr_assert_eq(append("a", text(ALOG_BYTES + 1, 0)), -ENOSPC);
    cr_assert_not(alog_has(&alog, BYTES("a")));
    cr_assert_eq(append("a", text(ALOG_BYTES - 10, 0)), 0);
    cr_assert_eq(append("b", text(11, 0)), -ENOSPC, "the limit is for all of them");
    cr_assert_not(alog_has(&alog, BYTES("b")));
    cr_assert_eq(append("b", text(10, 0)), 0);
    cr_assert_eq(append("a", text(1, 0)), -ENOSPC);
    cr_assert_eq(append("a", BYTES("")), 0);
    cr_assert(bytes_equal(text_of("a"), text(ALOG_BYTES - 10, 0)));
    cr_assert(bytes_equal(text_of("b"), text(10, 0)));
}

Test(alog, the_whole_size_is_told_for_any_room)
{
    char room[1000];
    append("a", text(300, 0));
    add("b", "between");
    append("a", text(500, 300));
    for (size_t size = 0; size <= sizeof room; size++) {
        struct writer w = writer_on(room, size);
        cr_assert_eq(alog_read(&alog, BYTES("a"), &w), 800);
        cr_assert_eq(w.n, size < 800 ? size : 800);
        cr_assert_eq(memcmp(room, text(800, 0).at, w.n), 0);
    }
}

Test(alog, cleared_it_begins_anew)
{
    for (int round = 0; round < 10; round++) {
        cr_assert_eq(append("a", text(ALOG_BYTES, 0)), 0);
        cr_assert_eq(text_of("a").n, ALOG_BYTES);
        alog_clear(&alog);
        cr_assert_not(alog_has(&alog, BYTES("a")));
        assert_log("a", "");
    }
}
