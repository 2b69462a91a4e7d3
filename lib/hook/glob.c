#include "hook/glob.h"

/* What a star took last is all that has to be taken back: an earlier one need never take more. */
bool glob_match(struct bytes glob, struct bytes text)
{
    size_t g = 0, t = 0, star = SIZE_MAX, taken = 0;
    while (t < text.n) {
        if (g < glob.n && glob.at[g] == '*') {
            star = g++;
            taken = t;
        } else if (g < glob.n && (glob.at[g] == '?' || glob.at[g] == text.at[t])) {
            g++;
            t++;
        } else if (star != SIZE_MAX) {
            g = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (g < glob.n && glob.at[g] == '*')
        g++;
    return g == glob.n;
}
