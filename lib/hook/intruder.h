#ifndef HOOK_INTRUDER_H
#define HOOK_INTRUDER_H

/*
 * intruder: whether code outside of a function jumps into some of its bytes. Hand-written assembler
 * does: libc's mempcpy goes on behind memmove's first instruction. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All places count from the start of what they lie in. */
struct intruder_search {
    const uint8_t *text; /* the code to search */
    size_t text_size;
    size_t function;    /* where in it the function is */
    size_t size;        /* of the function, which is not searched itself */
    size_t first, last; /* the function's bytes that should not be jumped to */
};

/*
 * Jumps and calls with 32-bit distances are found wherever they are, those with 8-bit ones where
 * they reach. The decoder starts somewhere in front of them, and is in step long before it matters.
 */
bool intruder_exists(const struct intruder_search *search);

#endif
