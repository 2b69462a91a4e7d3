#ifndef REQUEST_SWEEP_H
#define REQUEST_SWEEP_H

/*
 * sweep: what is done for threads that have ended. Their requests are DOWN: out of the registry,
 * told once. The key's destructor marks a thread's record as DOWN and wakes the sender, on whose
 * thread the work is done; threads that ended without it are found there within twice SWEEP_NS.
 */

#include "request/event.h"

#define SWEEP_NS 500000000ull

typedef void sweep_tell(const struct event_facts *facts);

/* Counts a request that is DOWN, and names it in the log. */
void sweep_say_down(struct bytes id);

/* Tells each request of a thread that is DOWN, and looks for unseen ends when that is due. Any
 * thread, but thread_find_dead only on the sender's. */
void sweep_downs(sweep_tell *tell);
void sweep_when_due(sweep_tell *tell, uint64_t now_ns);

/* Tells each request there is: the process ends. */
void sweep_all(sweep_tell *tell);

/* A thread went DOWN that no sweep has seen yet. */
bool sweep_urgent(void);

/* Nanoseconds until sweep_when_due wants to be called; UINT64_MAX: nothing has to be watched. */
uint64_t sweep_due_ns(uint64_t now_ns);

/* Before the sender starts, and in a forked child before its own starts. */
void sweep_begin(void);

#endif
