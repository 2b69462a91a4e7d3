#ifndef REQUEST_CURRENT_H
#define REQUEST_CURRENT_H

/*
 * current: the request that the calling thread is serving, as far as that is certain: it owns one
 * live request, and began it itself. A thread that owns several at once (an event loop) may be
 * working for any of them: then none is current until all have ended. What is timed on a thread is
 * its current request's.
 *
 * Off until current_watch: hosts without timed functions pay a branch.
 */

#include "request/worker.h"

/* Not 0 while the calling thread has a current request: a number for it that the thread's next ones
 * don't have. */
extern __thread uint32_t current_number __attribute__((tls_model("initial-exec")));

extern bool current_watched;

/* Once per process, before the first request: `settle` is called on a thread whose request is about
 * to be current no longer, for what is to be added to it still. */
void current_watch(void (*settle)(void));

/* `worker` has begun on `self`, the calling thread; it is about to end. */
__attribute__((cold, noinline)) void current_begins(struct worker *worker, const struct thread *self);
__attribute__((cold, noinline)) void current_ends(const struct worker *worker);

/* Adds `n` calls to the label's timer of the current request, if there is one. */
void current_add(uint16_t label, uint64_t time_ns, uint32_t n);

/* In a forked child: the thread's request is the parent's. */
void current_forget(void);

#endif
