#ifndef REQUEST_ID_H
#define REQUEST_ID_H

/*
 * id: a request id, up to REQUEST_ID_BYTES of any bytes. It may be read while its owner writes
 * another one over it: it is kept in words that are stored and loaded whole, and a version tells a
 * reader whether what it read belongs together.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define REQUEST_ID_BYTES 128 /* a longer id is cut */

struct request_id {
    _Atomic uint32_t version;                    /* odd while the id changes */
    _Atomic uint32_t n;                          /* bytes; 0: none */
    uint64_t hash;                               /* the registry's */
    _Atomic uint64_t word[REQUEST_ID_BYTES / 8]; /* the last word's unused bytes are 0 */
};

/* Its owner only. */
void request_id_set(struct request_id *id, struct bytes text);

/* One that nobody reads yet: its version stays unset. */
static inline void request_id_make(struct request_id *id, struct bytes text)
{
    size_t n = text.n < REQUEST_ID_BYTES ? text.n : REQUEST_ID_BYTES;
    uint64_t *word = (uint64_t *)id->word;
    atomic_init(&id->n, (uint32_t)n);
    if (n == 16) { /* most ids */
        memcpy(word, text.at, 16);
        return;
    }
    if (n % 8 != 0)
        word[n / 8] = 0;
    memcpy(word, text.at, n);
}

/* Its owner only: none. */
static inline void request_id_clear(struct request_id *id)
{
    atomic_store_explicit(&id->n, 0, memory_order_release);
}

/* A view of it, for its owner. */
static inline struct bytes request_id_text(const struct request_id *id)
{
    return (struct bytes){(const char *)id->word,
                          atomic_load_explicit(&id->n, memory_order_relaxed)};
}

/* Copies it to `copy`, of REQUEST_ID_BYTES; returns its size. Any thread. */
uint32_t request_id_copy(const struct request_id *id, char *copy);

static inline bool request_id_word_equal(const struct request_id *a, const struct request_id *b,
                                         uint32_t i)
{
    return atomic_load_explicit(&a->word[i], memory_order_acquire) ==
           atomic_load_explicit(&b->word[i], memory_order_acquire);
}

/* Any thread; whether what was read belongs together the version tells. */
static inline bool request_id_equal(const struct request_id *a, const struct request_id *b)
{
    uint32_t n = atomic_load_explicit(&a->n, memory_order_acquire);
    if (n != atomic_load_explicit(&b->n, memory_order_acquire))
        return false;
    if (n == 16) /* most ids */
        return request_id_word_equal(a, b, 0) && request_id_word_equal(a, b, 1);
    for (uint32_t i = 0; i * 8 < n; i++)
        if (!request_id_word_equal(a, b, i))
            return false;
    return true;
}

/* Ids for requests that came without one: 128 bits in hexadecimal, unique across threads, processes
 * and forks. One thread at a time. */
#define MADE_ID_BYTES 32

struct id_supply {
    char last[MADE_ID_BYTES];
};

void id_supply_begin(struct id_supply *supply);

/* The view is valid until the next one is made. */
struct bytes id_supply_next(struct id_supply *supply);

#endif
