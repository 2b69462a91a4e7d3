#include "hook/caller_bound.h"

#include <stddef.h>

/* At the second return the landing may be another call's. */
static const char *const return_twice[] = {
    "setjmp",       "_setjmp", "sigsetjmp", "__sigsetjmp", "getcontext",
    "__getcontext", "vfork",   "__vfork",   NULL,
};

/* Which library calls them decides what they do: RTLD_NEXT, run paths, namespaces. */
static const char *const look_at_caller[] = {"dlopen", "dlmopen", "dlsym", "dlvsym", NULL};

static bool is_among(const char *const *list, struct bytes name)
{
    while (*list != NULL && !bytes_equal(bytes_of(*list), name))
        list++;
    return *list != NULL;
}

const char *caller_bound_reason(struct bytes name)
{
    if (is_among(return_twice, name))
        return "it returns more than once";
    if (is_among(look_at_caller, name))
        return "what it does depends on where it is called from";
    return NULL;
}
