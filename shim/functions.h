#ifndef SHIM_FUNCTIONS_H
#define SHIM_FUNCTIONS_H

/* functions: the configured function entry points and timers, handed to libstatshero-hooks.so,
 * which is loaded for them alone. */

#include "base/config.h"

/* In the constructor. What can't be done is told in diagnostics. */
void functions_begin(const struct config *config);

/* In a forked child. */
void functions_forked(void);

#endif
