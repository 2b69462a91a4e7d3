#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* clock: the time, in nanoseconds. Both go through the vDSO, not the kernel; safe anywhere. */

#include <stdint.h>

/* Since some start; never goes back (CLOCK_MONOTONIC). */
uint64_t clock_now_ns(void);

/* Since 1970 (CLOCK_REALTIME). */
uint64_t clock_wall_ns(void);

#endif
