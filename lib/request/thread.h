#ifndef REQUEST_THREAD_H
#define REQUEST_THREAD_H

/*
 * thread: what we keep of each of the host's threads that has served a request: its queue to the
 * sender, its supply of request ids, how many live requests it owns. Made at the thread's first
 * request, or when somebody makes it an owner. When the thread ends and its requests are cleaned, a
 * new thread goes on with its queue, or the sender drains it and frees the record: memory follows
 * the number of live threads, even if the sender is slow.
 *
 *   FREE -> LIVE -> ENDED -> LIVE (taken over) or FREE
 *               \-> DOWN -> ENDED     it ended while it owned requests
 */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/pool.h"
#include "base/ring.h"
#include "request/epoch.h"
#include "request/id.h"
#include "request/names.h"

enum thread_state { THREAD_FREE, THREAD_LIVE, THREAD_DOWN, THREAD_ENDED };

struct thread {
    struct pool_link link;
    _Atomic uint32_t state;
    _Atomic uint32_t owned; /* live requests of this thread */
    _Atomic pid_t tid;
    _Atomic bool foreign;      /* made for a thread that has not come itself yet */
    ck_epoch_record_t *reader; /* for the registry's look-ups */
    bool came; /* the sender's: events have come since thread_find_dead looked last */
    struct id_supply ids;
    struct ring ring;
    struct names_memory names;
};

extern __thread struct thread *thread_current __attribute__((tls_model("initial-exec")));

/* Makes the calling thread's record; NULL without memory. */
__attribute__((cold, noinline)) struct thread *thread_make(void);

/* The calling thread's record, made when it is new; NULL without memory. */
static inline struct thread *thread_self(void)
{
    struct thread *thread = thread_current;
    return __builtin_expect(thread != NULL, 1) ? thread : thread_make();
}

/* The record of a thread of this process, by its thread id; made if it has none yet. 0, -ESRCH,
 * -ENOMEM or -EAGAIN (a lock). The thread may end at any time: see thread_own. */
int thread_of(pid_t tid, struct thread **thread);

/* The record of a thread that has one, or NULL. */
struct thread *thread_find(pid_t tid);

/* One more request for it to own. False, and nothing has changed, if the record is no longer that
 * of a live thread of this id. */
bool thread_own(struct thread *thread, pid_t tid);

static inline void thread_disown(struct thread *thread)
{
    atomic_fetch_sub(&thread->owned, 1);
}

/* How many live threads have a record. */
uint32_t thread_count(void);

/* By number, for the sender and for look-ups; NULL past the last. Numbers of ended threads are used
 * again. */
struct thread *thread_at(uint32_t number);

/* How many threads are DOWN, and how many went DOWN ever. */
uint32_t thread_downs(void);
uint32_t thread_downs_ever(void);

/* The requests of a DOWN thread are cleaned: it has ended, unless it has been given more. */
void thread_cleaned(struct thread *thread);

/* The sender has drained an ended thread's queue. Does nothing if another thread took it over. */
void thread_release(struct thread *thread);

/* The id of a live thread but the process's first one; 0 without any. */
pid_t thread_any(void);

/* Whether there is a live thread whose end might go unseen: it owns requests, or has not come. */
bool thread_any_to_watch(void);

/* Live threads that ended without their key's destructor (the raw system call, tgkill'ed by a
 * debugger) are ended here. Costs a system call for each from which nothing came since the last
 * time; the others were alive. The sender's. */
void thread_find_dead(void);

/* Told on a thread that ends: the DOWN signal. It must call thread_ended, after which the record is
 * DOWN if the thread owned requests, else another thread's or the sender's. */
typedef void thread_down(struct thread *thread);
void thread_ended(struct thread *thread);

/* Once per process, at start: makes the key whose destructor is the DOWN signal. 0 or a negative
 * errno value: without the key no thread can be told from a living one, so nothing may begin. */
int thread_begin(thread_down *down);

/* In a forked child: all records are the parent's. */
void thread_forget(void);

#endif
