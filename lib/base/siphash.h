#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

/* siphash: SipHash-1-3 (Aumasson, Bernstein 2012): a keyed hash for keys that strangers choose. */

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, const void *at, size_t n);

#endif
