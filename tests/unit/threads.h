#ifndef UNIT_THREADS_H
#define UNIT_THREADS_H

/* threads: the same function on several threads at once. Assertions are for the test's own thread:
 * what a thread finds it returns, NULL for nothing wrong. */

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>

#include "../random.h"

#define THREADS_MOST 16

/* Runs `function` on `n` threads, with their numbers from 0 as arguments; true if all return NULL.
 */
static inline bool on_threads(int n, void *(*function)(void *))
{
    pthread_t thread[THREADS_MOST];
    bool fine = true;
    for (intptr_t i = 0; i < n; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, function, (void *)i), 0);
    for (int i = 0; i < n; i++) {
        void *found;
        cr_assert_eq(pthread_join(thread[i], &found), 0);
        fine &= found == NULL;
    }
    return fine;
}

#endif
