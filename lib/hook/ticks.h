#ifndef HOOK_TICKS_H
#define HOOK_TICKS_H

/*
 * ticks: a clock for calls that take nanoseconds: the processor's time stamp counter, where it runs
 * at one rate in all states (CPUID 8000_0007h, Intel SDM 18.17), whatever the kernel keeps time by.
 */

#include <stdbool.h>
#include <stdint.h>

/* Once per process. False: there is no such counter here: ticks are nanoseconds of `now_ns`. */
bool ticks_begin(uint64_t (*now_ns)(void));

uint64_t ticks_read(void);

/* A difference of ticks in nanoseconds. */
uint64_t ticks_to_ns(uint64_t ticks);

#endif
