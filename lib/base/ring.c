#include "base/ring.h"

#include <errno.h>

#include "base/sys.h"

/*
 * `head` and `tail` count words for ever, modulo 2^32; their difference is what waits. A record
 * that would run over the end of the buffer begins at its start, with a skip word where it would
 * have begun: bits 0 to 7 are SKIP, the words skipped stand in the upper half.
 *
 * The order that makes it safe: a record's words are written before `tail` is stored with release;
 * the consumer loads `tail` with acquire. The consumer reads a record before it stores `head` with
 * release; the producer loads `head` with acquire before it writes there again. `next` is stored
 * after the last store to `tail` of the buffer it stands in: a consumer that sees `next` and then
 * finds the buffer empty will never find more in it.
 */

enum { SKIP = 0xff };

static _Atomic int64_t budget; /* what is left of it */
static int64_t budget_whole;

void ring_budget(uint64_t words)
{
    budget_whole = (int64_t)words;
    atomic_store(&budget, budget_whole);
}

static size_t buffer_bytes(uint32_t words)
{
    return sys_whole_pages(sizeof(struct ring_buffer) + words * sizeof(uint64_t));
}

static struct ring_buffer *buffer_make(uint32_t words)
{
    struct ring_buffer *buffer = sys_pages(buffer_bytes(words));
    if (buffer == NULL)
        return NULL;
    buffer->words = words;
    buffer->many = words / 2 < RING_WORDS_WAKE ? words / 2 : RING_WORDS_WAKE;
    return buffer;
}

static void buffer_free(struct ring_buffer *buffer)
{
    sys_pages_free(buffer, buffer_bytes(buffer->words));
}

static void drain_from(struct ring *ring, struct ring_buffer *buffer)
{
    ring->drain = buffer;
    ring->drain_mask = buffer->words - 1;
    ring->tail_seen = 0;
}

int ring_begin(struct ring *ring)
{
    struct ring_buffer *buffer = buffer_make(RING_WORDS_LEAST);
    if (buffer == NULL)
        return -ENOMEM;
    ring->fill = buffer;
    ring->head_seen = 0;
    drain_from(ring, buffer);
    return 0;
}

static void give_back(const struct ring_buffer *buffer)
{
    if (buffer->words > RING_WORDS_LEAST)
        atomic_fetch_add(&budget, buffer->words);
}

void ring_end(struct ring *ring)
{
    while (ring->drain != NULL) {
        struct ring_buffer *buffer = ring->drain;
        ring->drain = atomic_load(&buffer->next);
        give_back(buffer);
        buffer_free(buffer);
    }
    ring->fill = NULL;
}

/* A buffer twice as large, if the budget has room: else NULL. */
static struct ring_buffer *grown(const struct ring_buffer *full)
{
    uint32_t words = full->words * 2;
    if (words == 0 || atomic_fetch_sub(&budget, words) < (int64_t)words) {
        atomic_fetch_add(&budget, words);
        return NULL;
    }
    struct ring_buffer *buffer = buffer_make(words);
    if (buffer == NULL)
        atomic_fetch_add(&budget, words);
    return buffer;
}

void ring_count_dropped_spsc(struct ring *ring)
{
    atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
}

static __attribute__((noinline, cold)) uint64_t *reserve_in_next(struct ring *ring, uint32_t words)
{
    struct ring_buffer *buffer = grown(ring->fill);
    struct ring_buffer *full = ring->fill;
    if (buffer == NULL) {
        full->cannot_grow = true;
        ring_count_dropped_spsc(ring);
        return NULL;
    }
    ring->fill = buffer;
    ring->head_seen = 0;
    ring->reserved = words;
    atomic_store_explicit(&full->next, buffer, memory_order_release);
    return buffer->word;
}

__attribute__((noinline)) uint64_t *ring_reserve_anew(struct ring *ring, uint32_t words)
{
    struct ring_buffer *b = ring->fill;
    uint32_t tail = atomic_load_explicit(&b->tail, memory_order_relaxed);
    uint32_t at = tail & (b->words - 1);
    uint32_t skip = b->words - at < words ? b->words - at : 0;
    if (__builtin_expect(tail + skip + words - ring->head_seen > b->words, 0)) {
        ring->head_seen = atomic_load_explicit(&b->head, memory_order_acquire);
        if (tail + skip + words - ring->head_seen > b->words)
            return reserve_in_next(ring, words);
    }
    if (skip != 0) {
        b->word[at] = SKIP | (uint64_t)skip << 32;
        at = 0;
    }
    ring->reserved = skip + words;
    return b->word + at;
}

static bool may_grow(const struct ring_buffer *buffer)
{
    return buffer->words < 2 * RING_WORDS_WAKE && !buffer->cannot_grow &&
           atomic_load(&budget) - (int64_t)buffer->words * 2 >= budget_whole / 2;
}

bool ring_wants_consumer(struct ring *ring)
{
    struct ring_buffer *b = ring->fill;
    uint32_t tail = atomic_load_explicit(&b->tail, memory_order_relaxed);
    ring->head_seen = atomic_load_explicit(&b->head, memory_order_acquire);
    return tail - ring->head_seen >= b->many && !may_grow(b);
}

/* The next record of this buffer, past a skip word, or NULL. */
static const uint64_t *peek_here(struct ring *ring)
{
    struct ring_buffer *b = ring->drain;
    uint32_t head = atomic_load_explicit(&b->head, memory_order_relaxed);
    if (head == ring->tail_seen) {
        ring->tail_seen = atomic_load_explicit(&b->tail, memory_order_acquire);
        if (head == ring->tail_seen)
            return NULL;
    }
    const uint64_t *record = b->word + (head & ring->drain_mask);
    if ((*record & 0xff) != SKIP)
        return record;
    atomic_store_explicit(&b->head, head + (uint32_t)(*record >> 32), memory_order_release);
    return b->word;
}

/* On to the next buffer, if there is one and nothing more can be in this one. */
static const uint64_t *peek_on(struct ring *ring)
{
    for (;;) {
        struct ring_buffer *b = ring->drain;
        struct ring_buffer *next = atomic_load_explicit(&b->next, memory_order_acquire);
        const uint64_t *record = peek_here(ring);
        if (record != NULL || next == NULL)
            return record;
        drain_from(ring, next);
        give_back(b);
        buffer_free(b);
    }
}

const uint64_t *ring_peek_spsc(struct ring *ring)
{
    const uint64_t *record = peek_here(ring);
    return record != NULL ? record : peek_on(ring);
}

void ring_release_spsc(struct ring *ring)
{
    struct ring_buffer *b = ring->drain;
    uint32_t head = atomic_load_explicit(&b->head, memory_order_relaxed);
    uint32_t words = (uint32_t)(b->word[head & ring->drain_mask] >> 16 & 0xffff) + 1;
    atomic_store_explicit(&b->head, head + words, memory_order_release);
}

uint64_t ring_dropped_spsc(struct ring *ring)
{
    uint64_t all = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
    uint64_t since = all - ring->dropped_told;
    ring->dropped_told = all;
    return since;
}
