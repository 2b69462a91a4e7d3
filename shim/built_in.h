#ifndef SHIM_BUILT_IN_H
#define SHIM_BUILT_IN_H

/* built_in: the OpenSSL that a program has built in, as Node.js does. Its calls don't go through
 * the loader's tables, so its functions are redirected to the shim's own (hook/redirect.h). */

#include "hook/redirect.h"

/* In the constructor. What can't be done is told in a diagnostic; nothing is said, or done, where
 * the program has none. */
void built_in_begin(redirect_functions *redirect);

#endif
