#include <criterion/criterion.h>

#include "hook/modules_seen.h"

/* Modules are known by where their segments stand. */
static const ElfW(Phdr) place[3];

static bool is_new(int i)
{
    struct module module = {.segments = &place[i]};
    return modules_seen_new(&module);
}

Test(hook_modules_seen, each_is_new_once)
{
    modules_seen_begin();
    cr_assert(is_new(0) && is_new(1));
    cr_assert_not(is_new(0) || is_new(1));
    modules_seen_begin();
    cr_assert_not(is_new(0) || is_new(1));
    cr_assert(is_new(2));
}

/* Gone in between: another library may stand where it stood. */
Test(hook_modules_seen, one_that_was_gone_is_new)
{
    modules_seen_begin();
    cr_assert(is_new(0) && is_new(1));
    modules_seen_begin();
    cr_assert_not(is_new(0));
    modules_seen_begin();
    cr_assert_not(is_new(0));
    cr_assert(is_new(1));
}
