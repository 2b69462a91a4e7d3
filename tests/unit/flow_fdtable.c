#include <criterion/criterion.h>
#include <limits.h>

#include "flow/fdtable.h"
#include "threads.h"

enum { LAST = (1 << 30) - 1, PAGE = FDTABLE_PAGE_SLOTS };

Test(fdtable, unknown_at_first)
{
    static const int fds[] = {0, 1, 5000, LAST, -1, -100, INT_MIN, INT_MAX, 1 << 30};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        cr_assert_eq(fdtable_look(fds[i]), 0, "%d", fds[i]);
    cr_assert_eq(fdtable_next(0, UINT32_MAX), -1);
}

Test(fdtable, put_look_clear)
{
    static const int fds[] = {0, 3, PAGE - 1, PAGE, 100000, LAST};
    for (uint64_t i = 0; i < sizeof fds / sizeof *fds; i++)
        cr_assert(fdtable_put(fds[i], i + 1));
    for (uint64_t i = 0; i < sizeof fds / sizeof *fds; i++)
        cr_assert_eq(fdtable_look(fds[i]), i + 1);
    for (uint64_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        cr_assert(fdtable_clear(fds[i], i + 1));
        cr_assert_eq(fdtable_look(fds[i]), 0);
    }
}

Test(fdtable, the_neighbours_are_others)
{
    cr_assert(fdtable_put(7, 70));
    cr_assert_eq(fdtable_look(6), 0);
    cr_assert_eq(fdtable_look(8), 0);
    cr_assert_eq(fdtable_look(7 + PAGE), 0);
}

Test(fdtable, clears_only_what_it_is_told)
{
    cr_assert(fdtable_put(7, 70));
    cr_assert_not(fdtable_clear(7, 71));
    cr_assert_eq(fdtable_look(7), 70);
    cr_assert_not(fdtable_clear(8, 70));
    cr_assert_not(fdtable_clear(LAST, 70));
}

Test(fdtable, what_is_no_fd_is_refused)
{
    cr_assert_not(fdtable_put(-1, 1));
    cr_assert_not(fdtable_put(1 << 30, 1));
    cr_assert_not(fdtable_clear(-1, 1));
    cr_assert_eq(fdtable_look(-1), 0);
}

Test(fdtable, next)
{
    fdtable_put(5, 1);
    fdtable_put(PAGE, 1);
    fdtable_put(50 * PAGE + 9, 1);
    cr_assert_eq(fdtable_next(0, UINT32_MAX), 5);
    cr_assert_eq(fdtable_next(5, 5), 5);
    cr_assert_eq(fdtable_next(6, UINT32_MAX), PAGE);
    cr_assert_eq(fdtable_next(6, PAGE - 1), -1);
    cr_assert_eq(fdtable_next(PAGE + 1, UINT32_MAX), 50 * PAGE + 9);
    cr_assert_eq(fdtable_next(50 * PAGE + 10, UINT32_MAX), -1);
    cr_assert_eq(fdtable_next(6, 5), -1);
    cr_assert_eq(fdtable_next(UINT32_MAX, UINT32_MAX), -1);
}

static void *put_own_slots(void *number)
{
    int me = (int)(intptr_t)number;
    for (int fd = me; fd < 20 * PAGE; fd += 4)
        if (!fdtable_put(fd, (uint64_t)fd + 1))
            return "not put";
    for (int fd = me; fd < 20 * PAGE; fd += 4)
        if (fdtable_look(fd) != (uint64_t)fd + 1)
            return "lost";
    return NULL;
}

Test(fdtable, threads_that_make_the_same_pages_lose_nothing)
{
    cr_assert(on_threads(4, put_own_slots));
    for (int fd = 0; fd < 20 * PAGE; fd++)
        cr_assert_eq(fdtable_look(fd), (uint64_t)fd + 1);
}
