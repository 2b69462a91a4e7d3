#include "hook/ticks.h"

#include "base/tsc.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

enum { SETTLED_NS = 1000000000 }; /* a ratio over so long a time is right to 0.1 ppm */

static struct {
    uint64_t (*now_ns)(void);
    bool counted; /* by the processor */
    uint64_t first_ticks, first_ns;
    _Atomic double ns_per_tick; /* 0: not settled yet */
} ticks;

/* The counter runs at one rate whatever the processor does: CPUID 8000_0007h, EDX bit 8. */
static bool is_invariant(void)
{
#ifdef __x86_64__
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
#else
    return false;
#endif
}

bool ticks_begin(uint64_t (*now_ns)(void))
{
    ticks.now_ns = now_ns;
    ticks.counted = is_invariant();
    ticks.first_ns = now_ns();
    ticks.first_ticks = ticks_read();
    return ticks.counted;
}

uint64_t ticks_read(void)
{
    return ticks.counted ? tsc_now() : ticks.now_ns();
}

static double ns_per_tick(void)
{
    double ratio = ticks.ns_per_tick;
    if (ratio != 0)
        return ratio;
    uint64_t ns = ticks.now_ns() - ticks.first_ns, since = tsc_now() - ticks.first_ticks;
    ratio = since > 0 ? (double)ns / (double)since : 0;
    if (ns > SETTLED_NS)
        ticks.ns_per_tick = ratio;
    return ratio;
}

uint64_t ticks_to_ns(uint64_t difference)
{
    return ticks.counted ? (uint64_t)((double)difference * ns_per_tick()) : difference;
}
