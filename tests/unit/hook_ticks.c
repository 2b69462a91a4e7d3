#include <criterion/criterion.h>

#include "base/clock.h"
#include "hook/ticks.h"

Test(hook_ticks, a_difference_is_the_clocks_own)
{
    enum { LEAST_NS = 20000000 };
    ticks_begin(clock_now_ns);
    uint64_t before_ns = clock_now_ns(), before = ticks_read(), now_ns;
    while ((now_ns = clock_now_ns()) < before_ns + LEAST_NS)
        continue;
    uint64_t passed_ns = ticks_to_ns(ticks_read() - before), most_ns = clock_now_ns() - before_ns;
    cr_assert_geq(passed_ns, (uint64_t)LEAST_NS * 9 / 10);
    cr_assert_leq(passed_ns, most_ns * 11 / 10);
}

Test(hook_ticks, nothing_is_nothing)
{
    ticks_begin(clock_now_ns);
    cr_assert_eq(ticks_to_ns(0), 0);
}
