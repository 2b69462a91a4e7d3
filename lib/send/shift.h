#ifndef SEND_SHIFT_H
#define SEND_SHIFT_H

/*
 * shift: the sender's threads, one after the other. A thread that libc does not know keeps the
 * user, the groups and the namespaces that it was started with: when the host is about to change
 * its own, the thread is asked to end, and waited for; the next one is started by a thread of the
 * host's and is what that is. Threads are told apart by their numbers, so that no request to end
 * ever reaches a later one.
 */

#include <stdbool.h>
#include <stdint.h>

/* Before a thread is started, while none runs: it has a number from now on. */
void shift_begin(void);

/* It could not be started. */
void shift_failed(void);

/* First on the new thread: its number. */
uint32_t shift_enter(void);

/* Last on the thread, when the next one may be started. */
void shift_end(uint32_t number);

/* On the thread: it was asked to end. */
bool shift_asked(void);

/* On the thread: and somebody waits for that; else it was too late, and is on its own. */
bool shift_awaited(void);

/*
 * Asks the thread that runs to end, has it woken by `wake`, and waits until the kernel knows it no
 * longer, `patience_ns` at most. False: it has not ended, there is none, it is not of this process,
 * or it was waited for in vain before. Any thread, signal handlers included; not between
 * shift_begin and the thread's start.
 */
bool shift_retire(uint64_t patience_ns, void (*wake)(void));

/* In a forked child: no thread is here. */
void shift_forget(void);

#endif
