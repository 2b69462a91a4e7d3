#ifndef SHIM_LIFE_H
#define SHIM_LIFE_H

/* life: the shim's own: begin before the host's main, fork, end after its exit handlers. */

#include <stdbool.h>

/* Connections are to be followed: begun, and neither disabled nor excluded. */
bool life_active(void);

/* The process is about to leave this program: what waits is sent, if that does not take long. Does
 * nothing in a vfork child. errno is kept. */
void life_leaving(void);

/* libc has made this system call in each of its threads, and with it changed the process's user or
 * groups (as follow_ask): the sender's thread makes it, too. Does nothing in a vfork child. errno
 * is kept; may be called in signal handlers. */
void life_user_changed(long number, long a, long b, long c);

#endif
