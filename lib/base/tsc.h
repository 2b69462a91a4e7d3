#ifndef BASE_TSC_H
#define BASE_TSC_H

/* tsc: the processor's time stamp counter. It is read in 8 ns, where clock_gettime, which reads it
 * too, takes 18. */

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether the kernel keeps time by it now. It does so where the counter runs at one rate in all
 * states and is the same on all processors, as far as it knows (clocksource "tsc":
 * arch/x86/kernel/tsc.c; Intel SDM 18.17). Reads a file.
 */
bool tsc_keeps_time(void);

/* The counter; 0 but on x86-64. Not in order with what stands around it: some 10 ns. */
static inline __attribute__((always_inline)) uint64_t tsc_now(void)
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
