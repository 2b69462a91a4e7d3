#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "metric/label.h"
#include "threads.h"

static struct label_table table;

static void begin(uint32_t most)
{
    process_begin();
    cr_assert_eq(label_table_begin(&table, most), 0);
}

static bool is(struct bytes text, const char *expected)
{
    return bytes_equal(text, bytes_of(expected));
}

static struct bytes cleaned(struct bytes text)
{
    return label_text(&table, label_number(&table, text));
}

/* The rule itself, byte by byte. */
static char clean(char c, bool dots)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return c;
    return c == '_' || c == '-' || (c == '.' && dots) ? c : '_';
}

Test(label, legal_texts_stay)
{
    static const char *const texts[] = {
        "a",
        "GET",
        "user_posts",
        "A-Z_0-9",
        "root",
        "0123456789abcdef",
        "0123456789abcdefg",
        "sixty-four-bytes-are-the-most-that-a-label-can-have-and-this-has"};
    begin(100);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_assert(is(cleaned(bytes_of(texts[i])), texts[i]), "%s", texts[i]);
}

Test(label, illegal_bytes_become_underscores)
{
    begin(100);
    cr_assert(is(cleaned(BYTES("a.b")), "a_b"));
    cr_assert(is(cleaned(BYTES("a:1|m\nforged:1|m")), "a_1_m_forged_1_m"));
    cr_assert(is(cleaned(BYTES("\0\xff\x80\x7f @[`{/")), "__________"));
}

/* Each byte value at each place of texts of each length, in both kinds of table. */
static void assert_every_byte(bool dots)
{
    begin(10000);
    table.dots = dots;
    for (size_t n = 1; n <= 34; n++)
        for (int byte = 0; byte < 256; byte++) {
            char text[34], expected[34];
            memset(text, 'x', sizeof text);
            text[byte % (int)n] = text[n - 1] = (char)byte;
            for (size_t i = 0; i < n; i++)
                expected[i] = clean(text[i], dots);
            cr_assert(bytes_equal(cleaned((struct bytes){text, n}), (struct bytes){expected, n}),
                      "byte %d in %zu", byte, n);
        }
}

Test(label, every_byte_at_every_length)
{
    assert_every_byte(false);
}

Test(label, a_dot_stays_in_names_of_the_users)
{
    assert_every_byte(true);
}

Test(label, empty_is_an_underscore)
{
    begin(10);
    cr_assert(is(cleaned(BYTES("")), "_"));
    cr_assert_eq(label_number(&table, BYTES("")), label_number(&table, BYTES("_")));
}

Test(label, cut_at_64_bytes)
{
    char text[200];
    begin(100);
    memset(text, 'a', sizeof text);
    for (size_t n = 60; n <= 200; n++)
        cr_assert_eq(cleaned((struct bytes){text, n}).n, n < 64 ? n : 64);
    uint16_t number = label_number(&table, (struct bytes){text, 64});
    text[64] = 'b';
    cr_assert_eq(label_number(&table, (struct bytes){text, 65}), number);
    text[63] = 'b';
    cr_assert_neq(label_number(&table, (struct bytes){text, 65}), number);
}

Test(label, one_number_for_one_label)
{
    begin(100);
    uint16_t number = label_number(&table, BYTES("users"));
    cr_assert_neq(number, LABEL_OTHER);
    cr_assert_eq(label_number(&table, BYTES("users")), number);
    cr_assert_neq(label_number(&table, BYTES("user")), number);
    cr_assert_neq(label_number(&table, BYTES("Users")), number);
    cr_assert_eq(label_number(&table, BYTES("a/b")), label_number(&table, BYTES("a:b")));
}

Test(label, past_the_limit_it_is_other)
{
    char text[16];
    begin(3);
    for (int i = 0; i < 3; i++) {
        int n = snprintf(text, sizeof text, "label%d", i);
        cr_assert_neq(label_number(&table, (struct bytes){text, (size_t)n}), LABEL_OTHER);
    }
    cr_assert_eq(label_number(&table, BYTES("one-more")), LABEL_OTHER);
    cr_assert_eq(label_number(&table, BYTES("a-longer-one-than-sixteen-bytes")), LABEL_OTHER);
    cr_assert(is(label_text(&table, LABEL_OTHER), "other"));
    cr_assert_neq(label_number(&table, BYTES("label1")), LABEL_OTHER, "known ones stay");
}

Test(label, ten_thousand)
{
    char text[32];
    begin(10000);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 10000; i++) {
            int n = snprintf(text, sizeof text, "%s-%d", i % 2 ? "l" : "a-label-of-many-bytes", i);
            uint16_t number = label_number(&table, (struct bytes){text, (size_t)n});
            cr_assert_eq(number, i + 1);
            cr_assert(is(label_text(&table, number), text));
        }
}

/* A view that ends where readable memory does is not read past. */
Test(label, reads_no_byte_beyond)
{
    begin(100);
    for (size_t n = 1; n <= 70; n++) {
        char *text = malloc(n);
        memset(text, 'q', n);
        cr_assert_eq(cleaned((struct bytes){text, n}).n, n < 64 ? n : 64);
        free(text);
    }
}

enum { SHARED = 2000 };

static uint16_t numbers[4][SHARED];
static _Atomic int arrived;

/* All four come to each label at the same moment. */
static void meet(int i)
{
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < 4 * (i + 1))
        sched_yield();
}

static void *add_all(void *number)
{
    char text[48];
    for (int i = 0; i < SHARED; i++) {
        int n = snprintf(text, sizeof text, "%s%d", i % 2 ? "label-that-is-not-short-" : "l", i);
        meet(i);
        numbers[(intptr_t)number][i] = label_number(&table, (struct bytes){text, (size_t)n});
    }
    return NULL;
}

Test(label, threads_that_add_the_same_agree)
{
    begin(SHARED);
    cr_assert(on_threads(4, add_all));
    cr_assert_eq(table.n, SHARED);
    for (int i = 0; i < SHARED; i++) {
        cr_assert_neq(numbers[0][i], LABEL_OTHER);
        for (int thread = 1; thread < 4; thread++)
            cr_assert_eq(numbers[thread][i], numbers[0][i]);
    }
}

static struct label_table tables[SHARED];

static void *add_last(void *number)
{
    for (int i = 0; i < SHARED; i++) {
        meet(i);
        numbers[(intptr_t)number][i] = label_number(&tables[i], BYTES("the-only-one"));
    }
    return NULL;
}

/* The last label that a table has room for is nobody's `other`, while it is being added either. */
Test(label, threads_that_add_the_last_agree)
{
    process_begin();
    for (int i = 0; i < SHARED; i++)
        cr_assert_eq(label_table_begin(&tables[i], 1), 0);
    cr_assert(on_threads(4, add_last));
    for (int i = 0; i < SHARED; i++)
        for (int thread = 0; thread < 4; thread++)
            cr_assert_eq(numbers[thread][i], 1);
}

static struct bytes name(size_t size, const char *text)
{
    static char out[128];
    return (struct bytes){out, label_clean_name(out, size, bytes_of(text))};
}

Test(label, names_of_the_users)
{
    cr_assert(is(name(128, "shop.eu-1"), "shop.eu-1"));
    cr_assert(is(name(128, "my app:1|m\n"), "my_app_1_m_"));
    cr_assert(is(name(128, ""), "_"));
    cr_assert(is(name(4, "abcdef"), "abcd"));
}
