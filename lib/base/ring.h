#ifndef BASE_RING_H
#define BASE_RING_H

/*
 * ring: the bounded queue from one thread to the sender. One producer, one consumer, no lock:
 * records of 1 to RING_RECORD_WORDS words go in whole and come out whole, in order. Full means drop
 * and count.
 *
 * A ring begins small and grows by chaining a buffer twice as large when it is full, as long as the
 * budget that all rings of the process share has room; the consumer moves on to the next buffer
 * when the one before is empty and its producer has left it, and gives it back. So memory follows
 * need, and a process's bound is one number however many threads it has.
 *
 * A producer that is stopped between reserve and commit (cancelled, jumped out of) leaves nothing
 * behind: the next reserve writes over it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_RECORD_WORDS 1024
#define RING_WORDS_LEAST  2048 /* a ring's first buffer: 16 KiB, touched as it fills */
#define RING_WORDS_WAKE   4096 /* so many waiting words want the consumer's attention */
#define RING_WORDS_AHEAD  64   /* so far ahead of it the producer asks for memory */

struct ring_buffer {
    _Atomic uint32_t head;              /* words taken out, ever */
    _Alignas(64) _Atomic uint32_t tail; /* words put in, ever */
    uint32_t words;                     /* a power of two */
    uint32_t many;    /* from so many waiting words on the consumer may be wanted */
    bool cannot_grow; /* that was tried, and failed */
    _Atomic(struct ring_buffer *) next;
    uint64_t word[];
};

struct ring {
    /* The producer's. */
    struct ring_buffer *fill;
    uint32_t head_seen;
    uint32_t reserved;
    _Atomic uint64_t dropped; /* records, ever */
    /* The consumer's. While it has records that it knows of, it loads nothing that the producer
     * writes but those: a line that both want at each record costs both of them some 30 ns. */
    _Alignas(64) struct ring_buffer *drain;
    uint32_t drain_mask; /* of its buffer's words */
    uint32_t tail_seen;
    uint64_t dropped_told;
};

/* Words that the process's rings may hold together, beyond the first buffer of each. */
void ring_budget(uint64_t words);

/* Makes the first buffer. 0 or -ENOMEM. */
int ring_begin(struct ring *ring);

/* Frees the buffers; nobody may use the ring any more. */
void ring_end(struct ring *ring);

/* Producer: room for `words` words in one piece, or NULL (full: counted as dropped). The consumer
 * has read what stands there from the last time round, so its processor has the lines: they are
 * asked for early, else a busy thread waits some 60 ns for each. */
static inline uint64_t *ring_reserve_spsc(struct ring *ring, uint32_t words);

/*
 * Producer: hands over what was reserved last. True when the consumer should come soon:
 * RING_WORDS_WAKE words wait, or its buffer is half full. As long as half of the budget is not
 * spent, a buffer that is too small for so many words grows instead: calling the consumer costs a
 * busy thread more than memory does. The other half stays for consumers that come late.
 */
static inline bool ring_commit_spsc(struct ring *ring);

/*
 * Consumer: the oldest record, or NULL. Its first word's bits 16 to 31 must hold its length in
 * words less one, and bits 0 to 7 not be all set: the producer writes it so. It stays until
 * ring_release_spsc.
 */
const uint64_t *ring_peek_spsc(struct ring *ring);
void ring_release_spsc(struct ring *ring);

/* Producer: one more record is dropped that has not come so far as to be reserved. */
void ring_count_dropped_spsc(struct ring *ring);

/* Consumer: records dropped since it was asked last. */
uint64_t ring_dropped_spsc(struct ring *ring);

/* Of ring_reserve_spsc: where there is no room as far as was seen, or not in one piece. Of
 * ring_commit_spsc: where much waits as far as was seen. */
__attribute__((noinline)) uint64_t *ring_reserve_anew(struct ring *ring, uint32_t words);
__attribute__((noinline)) bool ring_wants_consumer(struct ring *ring);

static inline __attribute__((always_inline)) uint64_t *ring_reserve_spsc(struct ring *ring,
                                                                         uint32_t words)
{
    struct ring_buffer *b = ring->fill;
    uint32_t tail = atomic_load_explicit(&b->tail, memory_order_relaxed);
    uint32_t at = tail & (b->words - 1);
    if (__builtin_expect(tail + words - ring->head_seen > b->words || at + words > b->words, 0))
        return ring_reserve_anew(ring, words);
    ring->reserved = words;
    __builtin_prefetch(b->word + at + RING_WORDS_AHEAD, 1);
    return b->word + at;
}

static inline __attribute__((always_inline)) bool ring_commit_spsc(struct ring *ring)
{
    struct ring_buffer *b = ring->fill;
    uint32_t tail = atomic_load_explicit(&b->tail, memory_order_relaxed) + ring->reserved;
    atomic_store_explicit(&b->tail, tail, memory_order_release);
    return __builtin_expect(tail - ring->head_seen >= b->many, 0) && ring_wants_consumer(ring);
}

#endif
