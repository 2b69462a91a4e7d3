#ifndef HOOK_TICKS_H
#define HOOK_TICKS_H

/* ticks: a clock for calls that take nanoseconds: the processor's counter, where the kernel keeps
 * time by it (base/tsc.h). */

#include <stdbool.h>
#include <stdint.h>

/* Once per process. False: there is no such counter here, and ticks are nanoseconds of `now_ns`. */
bool ticks_begin(uint64_t (*now_ns)(void));

uint64_t ticks_read(void);

/* A difference of ticks in nanoseconds. */
uint64_t ticks_to_ns(uint64_t ticks);

#endif
