#include <criterion/criterion.h>

#include "base/clock.h"
#include "hook/ticks.h"

Test(hook_ticks, a_difference_is_the_clocks_own)
{
    enum { LEAST_NS = 20000000 };
    ticks_begin(clock_now_ns);
    uint64_t outer_ns = clock_now_ns(), before = ticks_read(), inner_ns = clock_now_ns(), now_ns;
    while ((now_ns = clock_now_ns()) < inner_ns + LEAST_NS)
        continue;
    uint64_t after = ticks_read(), most_ns = clock_now_ns() - outer_ns;
    uint64_t passed_ns = ticks_to_ns(after - before);
    cr_assert_geq(passed_ns, (now_ns - inner_ns) * 9 / 10);
    cr_assert_leq(passed_ns, most_ns * 11 / 10);
}

Test(hook_ticks, nothing_is_nothing)
{
    ticks_begin(clock_now_ns);
    cr_assert_eq(ticks_to_ns(0), 0);
}
