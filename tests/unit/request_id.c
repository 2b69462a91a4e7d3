#include <criterion/criterion.h>
#include <stdlib.h>

#include "request/id.h"
#include "threads.h"

static struct request_id id, other;

static bool is(const struct request_id *a, struct bytes text)
{
    char copy[REQUEST_ID_BYTES];
    uint32_t n = request_id_copy(a, copy);
    return bytes_equal((struct bytes){copy, n}, text) && bytes_equal(request_id_text(a), text);
}

Test(request_id, none_at_first)
{
    cr_assert(is(&id, BYTES("")));
}

Test(request_id, any_bytes_of_every_length)
{
    char text[REQUEST_ID_BYTES];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 37);
    for (size_t n = 0; n <= sizeof text; n++) {
        request_id_set(&id, (struct bytes){text, n});
        cr_assert(is(&id, (struct bytes){text, n}), "%zu bytes", n);
    }
}

/* What is looked for is made without the words' order, which nobody else sees. */
Test(request_id, made_as_it_is_set)
{
    char text[REQUEST_ID_BYTES + 1];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 37);
    for (size_t n = 0; n <= sizeof text; n++) {
        struct request_id mine;
        memset(&mine, 0xff, sizeof mine);
        request_id_make(&mine, (struct bytes){text, n});
        request_id_set(&id, (struct bytes){text, n});
        cr_assert(request_id_equal(&mine, &id), "%zu bytes", n);
        size_t words = (id.n + 7) / 8;
        cr_assert_eq(memcmp((void *)mine.word, (void *)id.word, words * 8), 0, "%zu bytes", n);
    }
}

Test(request_id, a_longer_one_is_cut)
{
    char text[300];
    memset(text, 'x', sizeof text);
    request_id_set(&id, (struct bytes){text, sizeof text});
    cr_assert(is(&id, (struct bytes){text, REQUEST_ID_BYTES}));
}

Test(request_id, cleared_is_none)
{
    request_id_set(&id, BYTES("id"));
    request_id_clear(&id);
    cr_assert(is(&id, BYTES("")));
}

Test(request_id, equal_to_the_last_byte)
{
    char text[REQUEST_ID_BYTES] = "";
    for (size_t n = 1; n <= sizeof text; n++)
        for (size_t i = 0; i < n; i++) {
            request_id_set(&id, (struct bytes){text, n});
            request_id_set(&other, (struct bytes){text, n});
            cr_assert(request_id_equal(&id, &other));
            text[i] = 1;
            request_id_set(&other, (struct bytes){text, n});
            cr_assert_not(request_id_equal(&id, &other), "byte %zu of %zu", i, n);
            text[i] = 0;
        }
}

Test(request_id, zeros_at_the_end_count)
{
    request_id_set(&id, (struct bytes){"a\0", 2});
    request_id_set(&other, BYTES("a"));
    cr_assert_not(request_id_equal(&id, &other));
    cr_assert_not(request_id_equal(&other, &id));
}

/* The registry hashes whole words. */
Test(request_id, nothing_of_a_longer_one_stays_in_its_last_word)
{
    request_id_set(&id, BYTES("aaaaaaaaaaaaaaaa"));
    request_id_set(&id, BYTES("aaaaaaaaa"));
    request_id_set(&other, BYTES("aaaaaaaaa"));
    cr_assert(request_id_equal(&id, &other));
    cr_assert_eq(id.word[1], other.word[1]);
}

Test(request_id, each_change_is_another_version)
{
    uint32_t before = id.version;
    request_id_set(&id, BYTES("id"));
    cr_assert_neq(id.version, before);
    cr_assert_eq(id.version % 2, 0);
    before = id.version;
    request_id_set(&id, BYTES("id"));
    cr_assert_neq(id.version, before, "even if it is the same text");
}

/* One thread writes ids, the others read them: what was read under one version is one of them. */
enum { KINDS = 3, CHANGES = 300000 };

static struct request_id kind[KINDS];
static _Atomic bool written;

static void *write_ids(void)
{
    for (int i = 0; i < CHANGES; i++)
        request_id_set(&id, request_id_text(&kind[i % KINDS]));
    atomic_store(&written, true);
    return NULL;
}

static void *read_ids(void)
{
    while (!atomic_load(&written)) {
        uint32_t version = atomic_load_explicit(&id.version, memory_order_acquire);
        int equal = 0;
        for (int i = 0; i < KINDS; i++)
            equal += request_id_equal(&id, &kind[i]);
        bool intact =
            version % 2 == 0 && atomic_load_explicit(&id.version, memory_order_relaxed) == version;
        if (intact && equal != 1)
            return "a mixture";
    }
    return NULL;
}

static void *write_or_read(void *number)
{
    return number == NULL ? write_ids() : read_ids();
}

Test(request_id, the_version_tells_what_belongs_together, .timeout = 60)
{
    char text[REQUEST_ID_BYTES];
    for (int i = 0; i < KINDS; i++) {
        memset(text, 'a' + i, sizeof text);
        request_id_set(&kind[i], (struct bytes){text, sizeof text - (size_t)i % 2 * 60});
    }
    request_id_set(&id, request_id_text(&kind[0]));
    cr_assert(on_threads(3, write_or_read));
}

Test(id_supply, counted_in_hexadecimal)
{
    static const char *const cases[][2] = {
        {"00000000000000000000000000000000", "00000000000000000000000000000001"},
        {"00000000000000000000000000000009", "0000000000000000000000000000000a"},
        {"0000000000000000000000000000000f", "00000000000000000000000000000010"},
        {"aaaaaaaaaaaaaaaa000000000099ffff", "aaaaaaaaaaaaaaaa00000000009a0000"},
        {"aaaaaaaaaaaaaaaaffffffffffffffff", "aaaaaaaaaaaaaaaa0000000000000000"},
    };
    struct id_supply supply;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(supply.last, cases[i][0], MADE_ID_BYTES);
        struct bytes next = id_supply_next(&supply);
        cr_assert(bytes_equal(next, bytes_of(cases[i][1])), "%.*s", (int)next.n, next.at);
    }
}

enum { SUPPLIES = 500, IDS = 40 };

static char made[SUPPLIES * IDS][MADE_ID_BYTES];

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, MADE_ID_BYTES);
}

Test(id_supply, no_two_ids_of_any_supplies_are_the_same)
{
    struct id_supply supply;
    for (int i = 0; i < SUPPLIES * IDS; i++) {
        if (i % IDS == 0)
            id_supply_begin(&supply);
        memcpy(made[i], id_supply_next(&supply).at, MADE_ID_BYTES);
    }
    qsort(made, SUPPLIES * IDS, MADE_ID_BYTES, compare_ids);
    for (int i = 1; i < SUPPLIES * IDS; i++)
        cr_assert_neq(memcmp(made[i - 1], made[i], MADE_ID_BYTES), 0);
}
