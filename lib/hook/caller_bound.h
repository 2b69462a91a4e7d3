#ifndef HOOK_CALLER_BOUND_H
#define HOOK_CALLER_BOUND_H

/* caller_bound: functions that can't be called from a landing (hook/frame.h) instead of from where
 * they are called. Pure. */

#include "base/bytes.h"

/* Why the function of this name can't be hooked, or NULL. */
const char *caller_bound_reason(struct bytes name);

#endif
