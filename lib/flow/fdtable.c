#include "flow/fdtable.h"

#include <stddef.h>

#include "base/sys.h"

_Atomic(_Atomic uint64_t *) fdtable_page[FDTABLE_PAGES];

enum { PAGE_BYTES = FDTABLE_PAGE_SLOTS * sizeof(uint64_t) };

/* The slot, its page made if `make`; NULL without. */
static _Atomic uint64_t *slot_of(int fd, int make)
{
    uint32_t number = (uint32_t)fd, at = number / FDTABLE_PAGE_SLOTS;
    if (at >= FDTABLE_PAGES)
        return NULL;
    _Atomic uint64_t *page = atomic_load(&fdtable_page[at]);
    if (page == NULL && make) {
        _Atomic uint64_t *made = sys_pages(PAGE_BYTES);
        if (made != NULL && !atomic_compare_exchange_strong(&fdtable_page[at], &page, made))
            sys_pages_free(made, PAGE_BYTES);
        else
            page = made;
    }
    return page == NULL ? NULL : &page[number % FDTABLE_PAGE_SLOTS];
}

uint64_t fdtable_swap(int fd, uint64_t word)
{
    _Atomic uint64_t *slot = slot_of(fd, word != 0);
    return slot == NULL ? 0 : atomic_exchange(slot, word);
}

bool fdtable_clear(int fd, uint64_t word)
{
    _Atomic uint64_t *slot = slot_of(fd, 0);
    return slot != NULL && atomic_compare_exchange_strong(slot, &word, 0);
}

int fdtable_next(unsigned first, unsigned last)
{
    const unsigned most = FDTABLE_PAGES * FDTABLE_PAGE_SLOTS - 1;
    if (last > most)
        last = most;
    for (unsigned fd = first; fd <= last; fd++) {
        if (atomic_load(&fdtable_page[fd / FDTABLE_PAGE_SLOTS]) == NULL)
            fd |= FDTABLE_PAGE_SLOTS - 1;
        else if (fdtable_look((int)fd) != 0)
            return (int)fd;
    }
    return -1;
}
