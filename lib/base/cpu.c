#include "base/cpu.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <stddef.h>
#include <stdint.h>

/* What glibc knows of one of CPUID's leaves, as <sys/platform/x86.h> has it: the registers EAX to
 * EDX as the processor gave them, and of their features those that can be used. */
struct leaf {
    uint32_t there[4], usable[4];
};

enum { LEAF_7 = 1, EBX = 1, AVX2 = 1 << 5 };

/* Since glibc 2.33. */
extern const struct leaf *__x86_get_cpuid_feature_leaf(unsigned leaf) __attribute__((weak));

static bool registers_are_kept(void)
{
    enum { SSE_AND_AVX = 6 };
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & SSE_AND_AVX) == SSE_AND_AVX;
}

static bool ask_processor(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && registers_are_kept() &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & AVX2);
}

bool cpu_has_avx2(void)
{
    if (__x86_get_cpuid_feature_leaf == NULL)
        return ask_processor();
    return __x86_get_cpuid_feature_leaf(LEAF_7)->usable[EBX] & AVX2;
}

#else

bool cpu_has_avx2(void)
{
    return false;
}

#endif
