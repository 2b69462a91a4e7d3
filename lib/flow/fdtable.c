#include "flow/fdtable.h"

#include <stddef.h>

#include "base/sys.h"

_Atomic uint64_t fdtable_first[FDTABLE_PAGE_SLOTS];

/* Of the others; the first is not used. */
static _Atomic(_Atomic uint64_t *) pages[FDTABLE_PAGES];

static _Atomic uint32_t slots_made; /* all that were ever written are below it */

enum { PAGE_BYTES = FDTABLE_PAGE_SLOTS * sizeof(uint64_t) };

static void note_made(uint32_t slots)
{
    uint32_t made = atomic_load(&slots_made);
    while (made < slots && !atomic_compare_exchange_weak(&slots_made, &made, slots))
        continue;
}

/* The page's slots; NULL where none were made. */
static _Atomic uint64_t *page_at(uint32_t at)
{
    return at == 0 ? fdtable_first : atomic_load_explicit(&pages[at], memory_order_acquire);
}

static _Atomic uint64_t *make_page(uint32_t at)
{
    _Atomic uint64_t *page = page_at(at), *made;
    if (page != NULL)
        return page;
    made = sys_pages(PAGE_BYTES);
    if (made == NULL || atomic_compare_exchange_strong(&pages[at], &page, made))
        return made;
    sys_pages_free(made, PAGE_BYTES);
    return page;
}

/* The slot, its page made if `make`; NULL without. */
static _Atomic uint64_t *slot_of(int fd, bool make)
{
    uint32_t number = (uint32_t)fd, at = number / FDTABLE_PAGE_SLOTS;
    if (at >= FDTABLE_PAGES)
        return NULL;
    _Atomic uint64_t *page = make ? make_page(at) : page_at(at);
    if (make)
        note_made((at + 1) * FDTABLE_PAGE_SLOTS);
    return page == NULL ? NULL : &page[number % FDTABLE_PAGE_SLOTS];
}

uint64_t fdtable_look_far(uint32_t number)
{
    const _Atomic uint64_t *slot = slot_of((int)number, false);
    return slot == NULL ? 0 : atomic_load_explicit(slot, memory_order_acquire);
}

bool fdtable_put(int fd, uint64_t word)
{
    _Atomic uint64_t *slot = slot_of(fd, true);
    if (slot == NULL)
        return false;
    atomic_store(slot, word);
    return true;
}

bool fdtable_clear(int fd, uint64_t word)
{
    _Atomic uint64_t *slot = slot_of(fd, false);
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
        if (page_at(fd / FDTABLE_PAGE_SLOTS) == NULL)
            fd |= FDTABLE_PAGE_SLOTS - 1;
        else if (fdtable_look((int)fd) != 0)
            return (int)fd;
    }
    return -1;
}
