#ifndef REQUEST_THREAD_H
#define REQUEST_THREAD_H

/*
 * thread: what we keep of each of the host's threads that has served a request: its queue to the
 * sender, its supply of request ids, how many live requests it owns. Made at the thread's first
 * request; when the thread ends, a new thread goes on with its queue, or the sender drains it and
 * frees the record: memory follows the number of live threads, even if the sender is slow.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/pool.h"
#include "base/ring.h"

#define THREAD_ID_BYTES 32

enum thread_state { THREAD_FREE, THREAD_LIVE, THREAD_ENDED };

struct thread {
    struct pool_link link;
    _Atomic uint32_t state;
    _Atomic uint32_t owned; /* live requests of this thread */
    _Atomic pid_t tid;
    char id[THREAD_ID_BYTES]; /* the last request id that was made */
    struct ring ring;
};

extern __thread struct thread *thread_current __attribute__((tls_model("initial-exec")));

/* Makes the calling thread's record; NULL without memory. */
__attribute__((cold)) struct thread *thread_make(void);

/* The calling thread's record, made when it is new; NULL without memory. */
static inline struct thread *thread_self(void)
{
    struct thread *thread = thread_current;
    return __builtin_expect(thread != NULL, 1) ? thread : thread_make();
}

/* A new request id: 128 bits in hexadecimal, unique across threads, processes and forks. The view
 * is valid until the next one is made. */
struct bytes thread_next_id(struct thread *thread);

/* How many live threads have a record. */
uint32_t thread_count(void);

/* By number, for the sender and for look-ups; NULL past the last. Numbers of ended threads are used
 * again. */
struct thread *thread_at(uint32_t number);

/* The sender has drained an ended thread's queue. Does nothing if another thread took it over. */
void thread_release(struct thread *thread);

/* Told on a thread that ends: the DOWN signal. It must call thread_ended, after which the record is
 * the sender's or another thread's. */
typedef void thread_down(struct thread *thread);
void thread_ended(struct thread *thread);

/* Once per process, at start: makes the key whose destructor is the DOWN signal. 0 or a negative
 * errno value: without the key no thread can be told from a living one, so nothing may begin. */
int thread_begin(thread_down *down);

/* In a forked child: all records are the parent's. */
void thread_forget(void);

#endif
