#ifndef HOOK_HOOKS_H
#define HOOK_HOOKS_H

/* hooks: what libstatshero-hooks.so is: the configured functions, found and patched. */

#include "hook/host.h"

/* As hook_begin (hook/host.h) says. */
const struct hook_library *stats_hero_hooks_begin(const struct hook_host *host);

#endif
