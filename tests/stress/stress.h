#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

/* stress: what the programs here share: expectations that end the program, threads that start
 * together, numbers that look random. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define expect(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: expected: %s\n", __FILE__, __LINE__, #condition);              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Runs `function` on `n` threads, with their numbers from 0 as arguments, to their ends. */
static inline void on_threads(int n, void *(*function)(void *))
{
    pthread_t thread[16];
    expect(n <= 16);
    for (intptr_t i = 0; i < n; i++)
        expect(pthread_create(&thread[i], NULL, function, (void *)i) == 0);
    for (int i = 0; i < n; i++)
        expect(pthread_join(thread[i], NULL) == 0);
}

/* xorshift64. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
