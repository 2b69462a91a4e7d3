#ifndef HOOK_PATCH_H
#define HOOK_PATCH_H

/*
 * patch: makes a function of this process begin with a jump to code of ours, and keeps a way to run
 * it as if it did not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct patch_site {
    void *function;
    size_t size; /* its symbol's */
    size_t room; /* bytes from its start to the next symbol's; `size` if not known */
};

/* What a call of the function comes to. */
struct patch_way {
    uint32_t number; /* below 2^31 */
    const void *entry;
    int32_t unless_zero; /* not 0: how far from the thread's pointer a word of 4 bytes stands; while
                          * that is 0 the calls of its thread go straight to the original */
    bool replaces;       /* the entry is a function of the same kind, called in its stead: nothing
                          * is pushed, and the two above don't count */
};

struct patch {
    void *original; /* a call of it is a call of the function without the patch */
};

/*
 * From then on a call of the function comes to `entry`, with every register as the caller
 * left it and one word more on the stack: at rsp `number` as 64 bits; behind it the
 * function's return address, as it was pushed. `entry` goes on to `original` with the number
 * popped. What is made here is reached by a direct jump, and by whatever `entry` does; it does not
 * begin with endbr64. The function's own stays, in front of the patch.
 *
 * `made->original` is set before the function is changed: `entry` may be called at once. The code
 * around the function is searched for jumps into what is overwritten. Functions of the object that
 * this is linked into are refused. What is made stays for ever, a few dozen bytes, even when the
 * function's library is unloaded.
 *
 * 0, or a negative errno value and why in `*reason`; then the function is as it was. -ENOTSUP: such
 * a function is never patched. -EBUSY: another thread is at it. Threads may call this at once; what
 * they may do meanwhile in the function, see text.h. Not for signal handlers.
 */
int patch_function(const struct patch_site *site, const struct patch_way *way, struct patch *made,
                   const char **reason);

#endif
