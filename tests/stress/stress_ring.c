/* One producer and one consumer, while the ring grows, is drained, drops, and begins again. */
#include <sched.h>

#include "base/ring.h"
#include "stress.h"

enum { ROUNDS = 20, RECORDS = 100000, BURST = 3000 };

static struct ring ring;
static _Atomic bool produced;
static uint64_t taken, refused;

static void put(uint32_t words, uint64_t number)
{
    uint64_t *record = ring_reserve_spsc(&ring, words);
    if (record == NULL) {
        refused++;
        return;
    }
    for (uint32_t i = 1; i < words; i++)
        record[i] = number + i;
    record[0] = 1 | (uint64_t)(words - 1) << 16 | number << 32;
    ring_commit_spsc(&ring);
}

/* In bursts, so that the ring is full at times and empty at others. */
static void *produce(void *nothing)
{
    uint64_t random = 7;
    for (uint64_t number = 0; number < RECORDS; number++) {
        put((uint32_t)(1 + next_random(&random) % RING_RECORD_WORDS), number);
        if (number % BURST == 0)
            sched_yield();
    }
    atomic_store(&produced, true);
    return nothing;
}

/* Records are whole and in order, though some may be missing. */
static uint64_t check(const uint64_t *record, uint64_t least)
{
    uint64_t number = record[0] >> 32;
    uint32_t words = (uint32_t)(record[0] >> 16 & 0xffff) + 1;
    expect(number >= least);
    for (uint32_t i = 1; i < words; i++)
        expect(record[i] == number + i);
    return number + 1;
}

static void *consume(void *nothing)
{
    uint64_t least = 0;
    for (;;) {
        bool last = atomic_load(&produced);
        const uint64_t *record;
        while ((record = ring_peek_spsc(&ring)) != NULL) {
            least = check(record, least);
            ring_release_spsc(&ring);
            taken++;
        }
        if (last)
            return nothing;
        sched_yield();
    }
}

static void *take_part(void *number)
{
    return number == NULL ? produce(NULL) : consume(NULL);
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        taken = refused = 0;
        atomic_store(&produced, false);
        ring_budget(1u << (8 + round));
        expect(ring_begin(&ring) == 0);
        on_threads(2, take_part);
        expect(taken + refused == RECORDS);
        expect(ring_dropped_spsc(&ring) == refused);
        ring_end(&ring);
    }
    return 0;
}
