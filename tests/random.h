#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

/* random: numbers that look random, the same ones each time. */

#include <stdint.h>

/* xorshift64; `*state` is not 0. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
