#ifndef SEND_FOLLOW_H
#define SEND_FOLLOW_H

/*
 * follow: the host's changes of its user and groups, made again by the sender's thread, which libc
 * does not know (base/bare_thread.h). To the kernel each thread has a user of its own; that a
 * process has one is libc's doing: it has each of its threads make the same call.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * Any thread, signal handlers included, after it has made this system call itself, which changes
 * its user or groups: the sender's thread is to make it, too; SYS_setgroups with the groups that
 * the calling thread has now, whatever its arguments. Returns its number, for follow_wait; 0 if
 * there is no room (changes come faster than they are followed) or no memory for the groups.
 */
uint32_t follow_ask(long number, long a, long b, long c);

/* Waits until that call was made, at most `patience_ns`. Any thread, signal handlers included. */
void follow_wait(uint32_t asked, uint64_t patience_ns);

/* The sender's thread: whether there are calls to make; makes them, in their order. */
bool follow_waiting(void);
void follow_now(void);

/* In a forked child: the thread is not here. */
void follow_forget(void);

#endif
