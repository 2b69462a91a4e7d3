#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

/*
 * process: which process this is. A forked child has the parent's memory; what it finds there that
 * was made under another epoch is the parent's.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid;
    uint32_t epoch; /* 1 in the first process, one more after each fork on the way here */
};

extern struct process process;

/* At start, and in a forked child while it has one thread. */
void process_begin(void);

/* False in a vfork child and after a raw clone: the memory is not, or not only, ours to change.
 * Costs a system call. */
bool process_is_ours(void);

/* How many threads of the process have not ended; 0 where /proc does not say. */
uint32_t process_threads(void);

#endif
