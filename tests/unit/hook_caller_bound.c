#include <criterion/criterion.h>

#include "hook/caller_bound.h"

Test(hook_caller_bound, what_returns_twice_or_looks_at_its_caller)
{
    static const char *const names[] = {"setjmp",     "_setjmp", "__sigsetjmp", "vfork",
                                        "getcontext", "dlsym",   "dlopen"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_assert_not_null(caller_bound_reason(bytes_of(names[i])), "%s", names[i]);
}

Test(hook_caller_bound, others_are_free)
{
    static const char *const names[] = {"", "longjmp", "fork", "swapcontext", "dlsymbol", "vfor"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_assert_null(caller_bound_reason(bytes_of(names[i])), "%s", names[i]);
}
