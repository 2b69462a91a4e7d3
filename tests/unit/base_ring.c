#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>

#include "base/ring.h"
#include "threads.h"

/* The words of a ring's first buffers. */
enum { FIRST = RING_WORDS_LEAST, SECOND = 2 * FIRST, THIRD = 4 * FIRST };

static struct ring ring;

static bool put_in(struct ring *r, uint32_t words, uint64_t number)
{
    uint64_t *record = ring_reserve_spsc(r, words);
    if (record == NULL)
        return false;
    record[0] = 1 | (uint64_t)(words - 1) << 16 | number << 32;
    for (uint32_t i = 1; i < words; i++)
        record[i] = number ^ i;
    ring_commit_spsc(r);
    return true;
}

static bool put(uint32_t words, uint64_t number)
{
    return put_in(&ring, words, number);
}

static bool is_record(const uint64_t *record, uint32_t words, uint64_t number)
{
    if (record == NULL || record[0] != (1 | (uint64_t)(words - 1) << 16 | number << 32))
        return false;
    for (uint32_t i = 1; i < words; i++)
        if (record[i] != (number ^ i))
            return false;
    return true;
}

static bool take_from(struct ring *r, uint32_t words, uint64_t number)
{
    if (!is_record(ring_peek_spsc(r), words, number))
        return false;
    ring_release_spsc(r);
    return true;
}

static bool take(uint32_t words, uint64_t number)
{
    return take_from(&ring, words, number);
}

/* Puts records of one word until there is no room: how many went in. */
static uint64_t fill(struct ring *r)
{
    uint64_t n = 0;
    while (put_in(r, 1, n))
        n++;
    return n;
}

static void begin(uint64_t budget)
{
    ring_budget(budget);
    cr_assert_eq(ring_begin(&ring), 0);
}

Test(ring, empty_at_first)
{
    begin(0);
    cr_assert_null(ring_peek_spsc(&ring));
    cr_assert_eq(ring_dropped_spsc(&ring), 0);
}

Test(ring, a_record_stays_until_it_is_released)
{
    begin(0);
    cr_assert(put(3, 7));
    cr_assert(is_record(ring_peek_spsc(&ring), 3, 7));
    cr_assert(is_record(ring_peek_spsc(&ring), 3, 7));
    ring_release_spsc(&ring);
    cr_assert_null(ring_peek_spsc(&ring));
}

Test(ring, reserved_is_not_handed_over)
{
    begin(0);
    cr_assert_not_null(ring_reserve_spsc(&ring, 5));
    cr_assert_null(ring_peek_spsc(&ring));
}

Test(ring, what_was_not_committed_is_written_over)
{
    begin(0);
    ring_reserve_spsc(&ring, 100)[0] = 0xff;
    cr_assert(put(2, 1));
    cr_assert(take(2, 1));
    cr_assert_null(ring_peek_spsc(&ring));
}

Test(ring, wraps_past_a_skip)
{
    const uint64_t n = FIRST / 100;
    begin(0);
    for (uint64_t i = 0; i < n; i++)
        cr_assert(put(100, i));
    cr_assert_not(put(100, n), "too few words are left at the end, none at the start");
    cr_assert(take(100, 0));
    cr_assert(put(100, n), "the rest is skipped, and the first hundred are free");
    cr_assert_not(put(1, 0), "now it is full to the last word");
    for (uint64_t i = 1; i <= n; i++)
        cr_assert(take(100, i));
    cr_assert_null(ring_peek_spsc(&ring));
    cr_assert_eq(ring_dropped_spsc(&ring), 2);
}

Test(ring, wraps_without_a_skip)
{
    begin(0);
    for (uint64_t i = 0; i < 1000; i++) {
        cr_assert(put(128, i));
        cr_assert(take(128, i));
    }
    cr_assert_eq(ring_dropped_spsc(&ring), 0);
}

Test(ring, every_size_at_every_place)
{
    uint64_t number = 0;
    begin(0);
    for (uint32_t words = 1; words <= RING_RECORD_WORDS; words++)
        for (int i = 0; i < 300; i++, number++) {
            cr_assert(put(words, number));
            cr_assert(take(words, number));
        }
}

Test(ring, full_drops_and_counts_exactly)
{
    begin(0);
    cr_assert_eq(fill(&ring), RING_WORDS_LEAST);
    for (int i = 0; i < 9; i++)
        cr_assert_not(put(1, 99));
    cr_assert_eq(ring_dropped_spsc(&ring), 10);
    cr_assert_eq(ring_dropped_spsc(&ring), 0);
    for (uint64_t i = 0; i < RING_WORDS_LEAST; i++)
        cr_assert(take(1, i));
    cr_assert_null(ring_peek_spsc(&ring));
}

Test(ring, grows_by_chaining_and_keeps_the_order)
{
    const uint64_t all = FIRST + SECOND + THIRD;
    begin(SECOND + THIRD);
    cr_assert_eq(fill(&ring), all);
    cr_assert_eq(ring_dropped_spsc(&ring), 1);
    for (uint64_t i = 0; i < all; i++)
        cr_assert(take(1, i), "record %lu", i);
    cr_assert_null(ring_peek_spsc(&ring));
}

Test(ring, goes_on_in_the_largest_buffer)
{
    begin(SECOND);
    cr_assert_eq(fill(&ring), FIRST + SECOND);
    for (uint64_t i = 0; i < FIRST + SECOND; i++)
        cr_assert(take(1, i));
    cr_assert_eq(fill(&ring), SECOND, "the first buffer is gone, the second in use");
}

Test(ring, gives_its_share_of_the_budget_back)
{
    begin(SECOND + THIRD);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(fill(&ring), FIRST + SECOND + THIRD);
        ring_end(&ring);
        cr_assert_eq(ring_begin(&ring), 0);
    }
}

Test(ring, gives_drained_buffers_back)
{
    static struct ring other;
    begin(SECOND + THIRD);
    cr_assert_eq(fill(&ring), FIRST + SECOND + THIRD);
    cr_assert_eq(ring_begin(&other), 0);
    cr_assert_eq(fill(&other), FIRST);
    for (uint64_t i = 0; i < FIRST + SECOND + 1; i++)
        cr_assert(take(1, i));
    cr_assert(put_in(&other, 1, FIRST), "the second buffer's words are there again");
    for (uint64_t i = 0; i < FIRST + 1; i++)
        cr_assert(take_from(&other, 1, i));
}

Test(ring, all_rings_share_the_budget)
{
    static struct ring other;
    begin(SECOND);
    cr_assert_eq(ring_begin(&other), 0);
    cr_assert_eq(fill(&ring), FIRST + SECOND);
    cr_assert_eq(fill(&other), FIRST);
    cr_assert_eq(ring_dropped_spsc(&other), 1);
}

Test(ring, tells_when_the_consumer_should_come)
{
    const int half = FIRST / 2 < RING_WORDS_WAKE ? FIRST / 2 : RING_WORDS_WAKE;
    begin(4 * FIRST - 2); /* half of it is too little to grow */
    for (int i = 1; i <= FIRST; i++) {
        uint64_t *record = ring_reserve_spsc(&ring, 1);
        *record = 1;
        cr_assert_eq(ring_commit_spsc(&ring), i >= half, "record %d", i);
    }
    while (ring_peek_spsc(&ring) != NULL)
        ring_release_spsc(&ring);
    *ring_reserve_spsc(&ring, 1) = 1;
    cr_assert_not(ring_commit_spsc(&ring));
}

Test(ring, grows_rather_than_calls_the_consumer)
{
    begin(1 << 20);
    for (uint32_t waiting = 1; ring.fill->words < 2 * RING_WORDS_WAKE; waiting++) {
        *ring_reserve_spsc(&ring, 1) = 1;
        cr_assert_not(ring_commit_spsc(&ring), "%u words", waiting);
    }
    for (uint32_t here = 2; here < RING_WORDS_WAKE; here++) {
        *ring_reserve_spsc(&ring, 1) = 1;
        cr_assert_not(ring_commit_spsc(&ring), "%u words in the large buffer", here);
    }
    *ring_reserve_spsc(&ring, 1) = 1;
    cr_assert(ring_commit_spsc(&ring));
}

/* Rings that are busy and drained in time leave half of the budget to one that is drained late. */
Test(ring, busy_rings_leave_half_of_the_budget)
{
    enum { RINGS = 32, BUDGET = RINGS * THIRD };
    static struct ring busy[RINGS];
    begin(BUDGET);
    for (int i = 0; i < RINGS; i++) {
        cr_assert_eq(ring_begin(&busy[i]), 0);
        for (int n = 0; n < 4 * RING_WORDS_WAKE; n++) {
            *ring_reserve_spsc(&busy[i], 1) = 1;
            if (ring_commit_spsc(&busy[i]))
                while (ring_peek_spsc(&busy[i]) != NULL)
                    ring_release_spsc(&busy[i]);
        }
        cr_assert_eq(ring_dropped_spsc(&busy[i]), 0);
    }
    cr_assert_geq(fill(&ring), BUDGET / 4);
}

Test(ring, a_large_buffer_tells_at_the_wake_mark)
{
    begin(1 << 20);
    uint64_t n = 0;
    while (ring.fill->words < 4 * FIRST + 4 * RING_WORDS_WAKE)
        cr_assert(put(1, n++));
    for (uint64_t i = 0; i < n; i++)
        cr_assert(take(1, i));
    for (int i = 1; i < RING_WORDS_WAKE; i++) {
        *ring_reserve_spsc(&ring, 1) = 1;
        cr_assert_not(ring_commit_spsc(&ring));
    }
    *ring_reserve_spsc(&ring, 1) = 1;
    cr_assert(ring_commit_spsc(&ring));
}

enum { RECORDS = 5000000 };

static uint32_t words_of(uint64_t *random)
{
    uint64_t any = next_random(random);
    return any % 64 == 0 ? RING_RECORD_WORDS : (uint32_t)(1 + any / 64 % 12);
}

static uint64_t refused;

static void *produce(void *nothing)
{
    uint64_t random = 42;
    for (uint64_t i = 0; i < RECORDS; i++) {
        uint32_t words = words_of(&random);
        while (!put(words, i)) {
            refused++;
            sched_yield();
        }
    }
    return nothing;
}

static uint64_t consume_all(void)
{
    uint64_t random = 42, wrong = 0;
    for (uint64_t i = 0; i < RECORDS;) {
        const uint64_t *record = ring_peek_spsc(&ring);
        if (record == NULL) {
            sched_yield();
            continue;
        }
        wrong += !is_record(record, words_of(&random), i++);
        ring_release_spsc(&ring);
    }
    return wrong;
}

Test(ring, millions_of_records_between_two_threads, .timeout = 120)
{
    pthread_t producer;
    begin(65536);
    cr_assert_eq(pthread_create(&producer, NULL, produce, NULL), 0);
    cr_assert_eq(consume_all(), 0);
    cr_assert_eq(pthread_join(producer, NULL), 0);
    cr_assert_null(ring_peek_spsc(&ring));
    cr_assert_eq(ring_dropped_spsc(&ring), refused);
}
