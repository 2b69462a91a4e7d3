#ifndef SHIM_LIFE_H
#define SHIM_LIFE_H

/* life: the shim's own: begin before the host's main, fork, end after its exit handlers. */

#include <stdbool.h>

/* Connections are to be followed: begun, and neither disabled nor excluded. */
bool life_active(void);

/* The process is about to leave this program: what waits is sent, if that does not take long. Does
 * nothing in a vfork child. errno is kept. */
void life_leaving(void);

/* The process has another user or other groups: the sender must have them, too. Does nothing in a
 * vfork child. errno is kept. */
void life_user_changed(void);

#endif
