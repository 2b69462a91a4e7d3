#ifndef HOOK_MODULES_SEEN_H
#define HOOK_MODULES_SEEN_H

/* modules_seen: which modules have been looked into already, as libraries come and go. One thread
 * at a time. */

#include "hook/module.h"

/* A new look at what is loaded begins: what is not met until the next one has gone. */
void modules_seen_begin(void);

/* Whether it is met for the first time. */
bool modules_seen_new(const struct module *module);

#endif
