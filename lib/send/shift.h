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

/*
 * Starts a thread that runs `run`, while no other one does: as libc does not know it, or, for
 * `resolver` and where there are no such threads, as it does. Signals must be blocked: they are for
 * the thread, too, and a handler that calls shift_retire would wait in vain. Waits 50 ms at most
 * for earlier ones to be gone. 0, -EBUSY (two are not), or what bare_thread_start or pthread_create
 * say.
 */
int shift_start(void (*run)(void), bool resolver);

/* libc does not know the thread. */
bool shift_is_bare(void);

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
 * or it was waited for in vain before. Any thread, signal handlers included.
 */
bool shift_retire(uint64_t patience_ns, void (*wake)(void));

/* In a forked child: no thread is here. */
void shift_forget(void);

#endif
