#ifndef FLOW_FDTABLE_H
#define FLOW_FDTABLE_H

/*
 * fdtable: fd number => what we know of it, for any number a process can have. A look-up of an fd
 * that is nobody's costs two loads and three branches at most, and one less of each in a process
 * that never accepted a connection. Slots are words: 0 for none, else a connection's slot word
 * (flow/conn.h). Any thread, signal handlers included.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FDTABLE_PAGE_SLOTS 4096
#define FDTABLE_PAGES      (1u << 18) /* fds below 2^30: the kernel's most */

typedef _Atomic(_Atomic uint64_t *) fdtable_slots;

extern fdtable_slots fdtable_first;               /* those of nearly all fds */
extern fdtable_slots fdtable_page[FDTABLE_PAGES]; /* of the others; the first is not used */

static inline fdtable_slots *fdtable_page_of(uint32_t number)
{
    if (__builtin_expect(number < FDTABLE_PAGE_SLOTS, 1))
        return &fdtable_first;
    return &fdtable_page[number / FDTABLE_PAGE_SLOTS];
}

/* The slot's word, 0 for an fd that is unknown or no fd at all. */
static inline uint64_t fdtable_look(int fd)
{
    uint32_t number = (uint32_t)fd;
    if (__builtin_expect(number / FDTABLE_PAGE_SLOTS >= FDTABLE_PAGES, 0))
        return 0;
    _Atomic uint64_t *page = atomic_load_explicit(fdtable_page_of(number), memory_order_acquire);
    if (__builtin_expect(page == 0, 0))
        return 0;
    return atomic_load_explicit(&page[number % FDTABLE_PAGE_SLOTS], memory_order_acquire);
}

/* Puts a word into the slot. False if there is no memory for it. */
bool fdtable_put(int fd, uint64_t word);

/* Empties the slot if it holds `word`; whether it did. */
bool fdtable_clear(int fd, uint64_t word);

/* The first fd of `first` to `last` whose slot is not empty, or -1. */
int fdtable_next(unsigned first, unsigned last);

#endif
