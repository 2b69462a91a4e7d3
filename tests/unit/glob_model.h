#ifndef TESTS_UNIT_GLOB_MODEL_H
#define TESTS_UNIT_GLOB_MODEL_H

/* glob_model: what a route pattern means, said as plainly as possible. Exponential. */

#include "base/bytes.h"

static inline struct bytes glob_after(struct bytes text, size_t n)
{
    return (struct bytes){text.at + n, text.n - n};
}

static inline bool glob_model(struct bytes pattern, struct bytes path)
{
    if (pattern.n == 0)
        return path.n == 0;
    if (bytes_start_with(pattern, BYTES("**")))
        return glob_model(glob_after(pattern, 2), path) ||
               (path.n > 0 && glob_model(pattern, glob_after(path, 1)));
    if (path.n == 0)
        return false;
    if (pattern.at[0] != '*')
        return pattern.at[0] == path.at[0] &&
               glob_model(glob_after(pattern, 1), glob_after(path, 1));
    for (size_t n = 1; n <= path.n && path.at[n - 1] != '/'; n++)
        if (glob_model(glob_after(pattern, 1), glob_after(path, n)))
            return true;
    return false;
}

#endif
