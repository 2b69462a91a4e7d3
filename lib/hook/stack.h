#ifndef HOOK_STACK_H
#define HOOK_STACK_H

/* stack: the stack that a thread was born with. */

#include <stdbool.h>
#include <stdint.h>

/* The first address and the first one past it; both 0: not known. */
struct stack {
    uintptr_t low, high;
};

/* The calling thread's: the mapping that its thread block stands in, or for the process's first
 * thread the kernel's. Reads /proc/self/maps; not known where that can't be read. */
struct stack stack_of_thread(void);

static inline bool stack_has(const struct stack *stack, uintptr_t address)
{
    return address >= stack->low && address < stack->high;
}

#endif
