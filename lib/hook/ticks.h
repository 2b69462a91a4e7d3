#ifndef HOOK_TICKS_H
#define HOOK_TICKS_H

/*
 * ticks: a clock for calls that take nanoseconds: the processor's time stamp counter, where it runs
 * at one rate in all states (CPUID 8000_0007h, Intel SDM 18.17) and the kernel has not found it
 * wrong. It is read in 6 to 10 ns, clock_gettime in 20.
 */

#include <stdbool.h>
#include <stdint.h>

/* Once per process. False: there is no such counter here: ticks are nanoseconds of `now_ns`, and
 * ticks_now is not to be used. */
bool ticks_begin(uint64_t (*now_ns)(void));

uint64_t ticks_read(void);

/* A difference of ticks in nanoseconds. */
uint64_t ticks_to_ns(uint64_t ticks);

/* The counter itself. */
static inline uint64_t ticks_now(void)
{
#ifdef __x86_64__
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#else
    return 0;
#endif
}

#endif
