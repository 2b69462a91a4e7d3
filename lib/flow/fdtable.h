#ifndef FLOW_FDTABLE_H
#define FLOW_FDTABLE_H

/*
 * fdtable: fd number => what we know of it, for any number a process can have. A look-up of an fd
 * that is nobody's costs a load and two branches. Slots are words: 0 for none, else a connection's
 * slot word (flow/conn.h). Any thread, signal handlers included.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FDTABLE_PAGE_SLOTS 4096
#define FDTABLE_PAGES      (1u << 18) /* fds below 2^30: the kernel's most */

/* Those of nearly all fds. Where no slot is written, they take no memory. */
extern _Atomic uint64_t fdtable_first[FDTABLE_PAGE_SLOTS];

/* Of fdtable_look: any other fd. */
__attribute__((noinline)) uint64_t fdtable_look_far(uint32_t number);

/* The slot's word, 0 for an fd that is unknown or no fd at all. */
static inline uint64_t fdtable_look(int fd)
{
    uint32_t number = (uint32_t)fd;
    if (__builtin_expect(number >= FDTABLE_PAGE_SLOTS, 0))
        return fdtable_look_far(number);
    return atomic_load_explicit(&fdtable_first[number], memory_order_acquire);
}

/* Puts a word into the slot. False if there is no memory for it. */
bool fdtable_put(int fd, uint64_t word);

/* Empties the slot if it holds `word`; whether it did. */
bool fdtable_clear(int fd, uint64_t word);

/* The first fd of `first` to `last` whose slot is not empty, or -1. */
int fdtable_next(unsigned first, unsigned last);

#endif
