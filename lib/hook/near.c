#include "hook/near.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "hook/maps.h"
#include "hook/text.h"

enum { REGION_BYTES = 1 << 16, REGIONS_MAX = 256, PAGE_BYTES = 4096, PIECE_ALIGN = 16, TRIES = 8 };

/* A region may lie so far away, that each of its bytes reaches what lies a megabyte behind. */
#define REACH (((uint64_t)1 << 31) - ((uint64_t)1 << 20) - REGION_BYTES)

/* Where nothing is mapped, for the kernel does not let everybody. */
#define LOWEST ((uint64_t)1 << 20)

struct region {
    uint64_t at;
    size_t used;
};

static struct region regions[REGIONS_MAX];
static size_t region_count;

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Pieces don't cross pages: one that has a page of its own has one only. */
static uint64_t place_in(const struct region *region, size_t n)
{
    size_t at = region->used;
    if (at / PAGE_BYTES != (at + n - 1) / PAGE_BYTES)
        at = sys_whole_pages(at);
    return at + n <= REGION_BYTES ? region->at + at : 0;
}

static uint64_t find_in_regions(uint64_t from, size_t n)
{
    for (size_t i = 0; i < region_count; i++)
        if (apart(regions[i].at, from) <= REACH && place_in(&regions[i], n) != 0)
            return place_in(&regions[i], n);
    return 0;
}

/*
 * Of what is free between `begin` and `end`, the place to take. In front of `from` it is the last
 * one. Behind it, the middle: what a heap or a stack may grow into stays free.
 */
static uint64_t place_between(uint64_t begin, uint64_t end, uint64_t from)
{
    uint64_t lowest = from > REACH + LOWEST ? from - REACH : LOWEST, highest = from + REACH;
    begin = begin > lowest ? begin : lowest;
    end = end < highest ? end : highest;
    if (begin > end || end - begin < 2 * REGION_BYTES)
        return 0;
    uint64_t at = end <= from ? end - REGION_BYTES : begin + (end - begin) / 2;
    return at & ~(uint64_t)(REGION_BYTES - 1);
}

/* The nearest place in front of `from`, else the first behind. 0: none. */
static uint64_t find_free(struct maps *maps, uint64_t from)
{
    uint64_t best = 0, end = 0;
    struct map map;
    while (maps_next(maps, &map)) {
        uint64_t place = place_between(end, map.begin, from);
        end = map.end;
        if (place != 0 && (place < from || best == 0))
            best = place;
        if (end > from && best != 0)
            break;
    }
    return best;
}

static int free_place(uint64_t from, uint64_t *at)
{
    struct maps maps;
    int error = maps_open(&maps);
    if (error != 0)
        return error;
    *at = find_free(&maps, from);
    maps_close(&maps);
    return *at != 0 ? 0 : -ENOMEM;
}

/* Kernels before 4.17 take the address for a wish. */
static int map_at(uint64_t at)
{
    int64_t got = sys_mmap(at, REGION_BYTES, PROT_READ | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got < 0 && got > -PAGE_BYTES)
        return (int)got;
    if ((uint64_t)got == at)
        return 0;
    sys_pages_free((void *)(uintptr_t)got, REGION_BYTES);
    return -EEXIST;
}

/* Another thread may map something there between the look and the call. */
static int make_region(uint64_t from)
{
    uint64_t at = 0;
    int error = region_count < REGIONS_MAX ? -EEXIST : -ENOMEM;
    for (int i = 0; i < TRIES && error == -EEXIST; i++) {
        error = free_place(from, &at);
        if (error == 0)
            error = map_at(at);
    }
    if (error == 0)
        regions[region_count++] = (struct region){at, 0};
    return error;
}

static struct region *region_of(uint64_t place)
{
    size_t i = 0;
    while (place - regions[i].at >= REGION_BYTES)
        i++;
    return &regions[i];
}

static bool begins_page(uint64_t place)
{
    return place % PAGE_BYTES == 0;
}

/* Whether it can be filled though its page is executable, or else its page is all its own. */
static bool is_fillable(uint64_t place)
{
    static const uint8_t int3 = 0xcc;
    return begins_page(place) || text_write_past_protection(place, &int3, 1) == 0;
}

int near_find(uint64_t from, size_t n, uint64_t *place)
{
    for (;;) {
        *place = find_in_regions(from, n);
        if (*place != 0 && is_fillable(*place))
            return 0;
        if (*place != 0) {
            struct region *region = region_of(*place);
            region->used = sys_whole_pages(region->used);
            continue;
        }
        int error = make_region(from);
        if (error != 0)
            return error;
    }
}

/* Nobody runs in this page yet. */
static int fill_page(uint64_t page, const uint8_t *bytes, size_t n)
{
    int error = sys_mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE);
    if (error != 0)
        return error;
    text_copy(page, bytes, n);
    return sys_mprotect(page, PAGE_BYTES, PROT_READ | PROT_EXEC);
}

int near_fill(uint64_t place, const uint8_t *bytes, size_t n)
{
    struct region *region = region_of(place);
    size_t end = place - region->at + n;
    int error = text_write_past_protection(place, bytes, n);
    if (error == 0) {
        region->used = (end + PIECE_ALIGN - 1) & ~(size_t)(PIECE_ALIGN - 1);
    } else if (begins_page(place)) {
        region->used = sys_whole_pages(end);
        error = fill_page(place, bytes, n);
    }
    return error;
}
