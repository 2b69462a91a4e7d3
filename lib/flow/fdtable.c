#include "flow/fdtable.h"

#include <stddef.h>

#include "base/hot.h"
#include "base/sys.h"

HOT_DATA fdtable_slots fdtable_first;
fdtable_slots fdtable_page[FDTABLE_PAGES];

static _Atomic uint32_t slots_made; /* all that were ever made are below it */

enum { PAGE_BYTES = FDTABLE_PAGE_SLOTS * sizeof(uint64_t) };

static void note_made(uint32_t slots)
{
    uint32_t made = atomic_load(&slots_made);
    while (made < slots && !atomic_compare_exchange_weak(&slots_made, &made, slots))
        continue;
}

/* The slot, its page made if `make`; NULL without. */
static _Atomic uint64_t *slot_of(int fd, int make)
{
    uint32_t number = (uint32_t)fd, at = number / FDTABLE_PAGE_SLOTS;
    if (at >= FDTABLE_PAGES)
        return NULL;
    _Atomic uint64_t *page = atomic_load(fdtable_page_of(number));
    if (page == NULL && make) {
        _Atomic uint64_t *made = sys_pages(PAGE_BYTES);
        if (made != NULL && !atomic_compare_exchange_strong(fdtable_page_of(number), &page, made))
            sys_pages_free(made, PAGE_BYTES);
        else
            page = made;
        note_made((at + 1) * FDTABLE_PAGE_SLOTS);
    }
    return page == NULL ? NULL : &page[number % FDTABLE_PAGE_SLOTS];
}

bool fdtable_put(int fd, uint64_t word)
{
    _Atomic uint64_t *slot = slot_of(fd, 1);
    if (slot == NULL)
        return false;
    atomic_store(slot, word);
    return true;
}

bool fdtable_clear(int fd, uint64_t word)
{
    _Atomic uint64_t *slot = slot_of(fd, 0);
    return slot != NULL && atomic_compare_exchange_strong(slot, &word, 0);
}

/* Looks no further than slots were ever made: the table of pages is large, and in most processes
 * nobody has touched it. */
int fdtable_next(unsigned first, unsigned last)
{
    unsigned made = atomic_load(&slots_made);
    if (made == 0)
        return -1;
    if (last > made - 1)
        last = made - 1;
    for (unsigned fd = first; fd <= last; fd++) {
        if (atomic_load(fdtable_page_of(fd)) == NULL)
            fd |= FDTABLE_PAGE_SLOTS - 1;
        else if (fdtable_look((int)fd) != 0)
            return (int)fd;
    }
    return -1;
}
