#ifndef HOST_HOOKED_H
#define HOST_HOOKED_H

/*
 * hooked: functions that tests name in STATS_HERO_HOOKS and STATS_HERO_TIMERS. The compiler makes
 * calls of them as they are written: it neither copies them nor looks into them.
 */

#ifdef __clang__
#define HOOKED __attribute__((noinline, used))
#else
#define HOOKED __attribute__((noipa, used))
#endif

/* A call in front of this is no tail call, and none is left out. */
#define STAYS() __asm__ volatile("" ::: "memory")

/* A function's worth of instructions: what is shorter than a jump can't be hooked. */
#define LONG_ENOUGH() __asm__ volatile("nop; nop; nop; nop; nop" ::: "memory")

#endif
