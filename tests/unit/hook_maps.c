#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

#include "hook/maps.h"

enum { PAGE = 4096 };

/* Five pages of which the middle one is another file's: the kernel keeps them apart. */
static char *three_mappings(void)
{
    char *at = mmap(NULL, 5 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(at != MAP_FAILED);
    cr_assert_eq(mprotect(at + PAGE, 3 * PAGE, PROT_READ), 0);
    cr_assert(mmap(at + 2 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
              MAP_FAILED);
    return at;
}

Test(hook_maps, one_mapping)
{
    uint64_t at = (uint64_t)(uintptr_t)three_mappings();
    struct map map;
    cr_assert_eq(maps_find(at + 2 * PAGE + 5, &map), 0);
    cr_assert_eq(map.begin, at + 2 * PAGE);
    cr_assert_eq(map.end, at + 3 * PAGE);
    cr_assert_eq(map.protection, PROT_READ);
}

Test(hook_maps, neighbours_of_one_protection_are_joined)
{
    uint64_t at = (uint64_t)(uintptr_t)three_mappings();
    for (int page = 1; page < 4; page++) {
        struct map map;
        cr_assert_eq(maps_find_joined(at + (uint64_t)page * PAGE, &map), 0);
        cr_assert_eq(map.begin, at + PAGE);
        cr_assert_eq(map.end, at + 4 * PAGE);
        cr_assert_eq(map.protection, PROT_READ);
    }
}

Test(hook_maps, what_is_not_mapped)
{
    struct map map;
    cr_assert_eq(maps_find(1, &map), -ENOENT);
    cr_assert_eq(maps_find_joined(1, &map), -ENOENT);
    cr_assert_eq(maps_find_joined(UINT64_MAX, &map), -ENOENT);
}
