#ifndef HOOK_GLOB_H
#define HOOK_GLOB_H

/*
 * glob: `*` stands for any characters and `?` for one. Nothing else is special, unlike in
 * fnmatch(3): C++ names have brackets of their own. Pure.
 */

#include "base/bytes.h"

bool glob_match(struct bytes glob, struct bytes text);

#endif
