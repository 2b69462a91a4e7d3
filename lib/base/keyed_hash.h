#ifndef BASE_KEYED_HASH_H
#define BASE_KEYED_HASH_H

/*
 * keyed_hash: a hash for keys that strangers choose, under a key that they don't know. Each pair of
 * words goes through a 64 by 64 bit multiplication whose halves are folded together, as in wyhash
 * (Wang Yi, 2019). About eight instructions for 16 bytes.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of `n` bytes in words that may be written to meanwhile; the last word's unused bytes are 0. */
static inline uint64_t keyed_hash(const struct hash_key *key, const _Atomic uint64_t *word,
                                  size_t n)
{
    size_t words = (n + 7) / 8;
    uint64_t hash = key->k1 ^ n;
    if (words == 2) { /* most keys */
        uint64_t a = atomic_load_explicit(&word[0], memory_order_relaxed);
        uint64_t b = atomic_load_explicit(&word[1], memory_order_relaxed);
        return hash_fold(hash_fold(a ^ key->k0, b ^ hash) ^ key->k0, key->k1);
    }
    for (size_t i = 0; i < words; i += 2) {
        uint64_t a = atomic_load_explicit(&word[i], memory_order_relaxed);
        uint64_t b = i + 1 < words ? atomic_load_explicit(&word[i + 1], memory_order_relaxed) : 0;
        hash = hash_fold(a ^ key->k0, b ^ hash);
    }
    return hash_fold(hash ^ key->k0, key->k1);
}

#endif
