#ifndef STRESS_STRESS_H
#define STRESS_STRESS_H

/* stress: what the programs here share: threads that start together. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../expect.h"
#include "../random.h"

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

#endif
