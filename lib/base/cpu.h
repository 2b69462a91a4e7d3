#ifndef BASE_CPU_H
#define BASE_CPU_H

/*
 * cpu: what the processor can. A virtual machine's CPUID instruction calls the hypervisor, some 20
 * us each time, and gcc's __builtin_cpu_supports executes it five times at each process's start: so
 * glibc is asked, which has done so once.
 */

#include <stdbool.h>

/* Instructions on 32 bytes at a time (AVX2), and a kernel that keeps their registers. Any thread.
 */
bool cpu_has_avx2(void);

#endif
