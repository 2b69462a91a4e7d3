#ifndef TESTS_EXPECT_H
#define TESTS_EXPECT_H

/* expect: for programs without a test framework: a condition that does not hold is told, and ends
 * the program. */

#include <stdio.h>
#include <stdlib.h>

#define expect(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: expected: %s\n", __FILE__, __LINE__, #condition);              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
