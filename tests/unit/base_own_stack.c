#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "base/own_stack.h"

enum { BYTES_OF_STACK = 64 * 1024 };

static uintptr_t stack_of_it, runs;

static void use_the_stack(void)
{
    volatile char room[BYTES_OF_STACK - 8192];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (char)i;
    stack_of_it = (uintptr_t)room;
    runs++;
    errno = ENOENT;
}

Test(own_stack, runs_elsewhere_and_comes_back)
{
    volatile char here = 0;
    errno = EDOM;
    for (int i = 0; i < 100; i++)
        cr_assert_eq(own_stack_run(use_the_stack, BYTES_OF_STACK), 0);
    cr_assert_eq(runs, 100);
    cr_assert_eq(errno, EDOM);
    uintptr_t from_here = stack_of_it > (uintptr_t)&here ? stack_of_it - (uintptr_t)&here
                                                         : (uintptr_t)&here - stack_of_it;
    cr_assert_gt(from_here, BYTES_OF_STACK);
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
