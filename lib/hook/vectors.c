#include "hook/vectors.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

uint32_t entry_vectors_mask;
uint64_t entry_vectors_bytes = 512;

#ifdef __x86_64__

/* x87, SSE, AVX, MPX's two, AVX-512's three. Not what compilers never use unasked: AMX's tiles take
 * 8 KiB of the host's stack, and protection keys are not ours to put back. */
enum { KEPT = 0xff, LEGACY_BYTES = 576 };

static uint32_t enabled(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

/* Where a component ends in the area's standard form. */
static uint64_t component_end(unsigned component)
{
    unsigned bytes, offset, c, d;
    __cpuid_count(0xd, component, bytes, offset, c, d);
    return (uint64_t)offset + bytes;
}

void vectors_begin(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0)
        return;
    entry_vectors_mask = enabled() & KEPT;
    entry_vectors_bytes = LEGACY_BYTES;
    for (unsigned i = 2; i < 8; i++)
        if ((entry_vectors_mask & 1u << i) != 0 && component_end(i) > entry_vectors_bytes)
            entry_vectors_bytes = component_end(i);
}

#else

void vectors_begin(void)
{
}

#endif
