#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "base/own_stack.h"

#ifdef __x86_64__ /* it is for no other yet */

enum { BYTES_OF_STACK = 64 * 1024 };

static uintptr_t stack_of_it;
static int runs;

static void use_the_stack(void)
{
    volatile char room[BYTES_OF_STACK - 8192];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (char)i;
    stack_of_it = (uintptr_t)room;
    runs++;
}

Test(own_stack, runs_elsewhere_and_comes_back)
{
    volatile char here = 0;
    for (int i = 0; i < 100; i++)
        cr_assert_eq(own_stack_run(use_the_stack, BYTES_OF_STACK), 0);
    cr_assert_eq(runs, 100);
    uintptr_t from_here = stack_of_it > (uintptr_t)&here ? stack_of_it - (uintptr_t)&here
                                                         : (uintptr_t)&here - stack_of_it;
    cr_assert_gt(from_here, BYTES_OF_STACK);
}

static double kept_by_the_caller(double number)
{
    double sum = number * 3 + runs;
    cr_assert_eq(own_stack_run(use_the_stack, BYTES_OF_STACK), 0);
    return sum + number;
}

/* Registers that a function may change, and those that it may not. */
Test(own_stack, the_caller_finds_what_it_had)
{
    double sum = 0;
    for (int i = 0; i < 10; i++)
        sum += kept_by_the_caller(i);
    cr_assert_eq(sum, 4 * 45 + 45);
}

Test(own_stack, without_memory_nothing_runs)
{
    struct rlimit none = {0, RLIM_INFINITY}, before;
    cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    int error = own_stack_run(use_the_stack, BYTES_OF_STACK);
    cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
    cr_assert_eq(error, -ENOMEM);
    cr_assert_eq(runs, 0);
}

#endif
