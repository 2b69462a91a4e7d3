#ifndef SEND_SENDER_H
#define SEND_SENDER_H

/*
 * sender: the background thread that everything leaves the process by. It sleeps until there is
 * work; then it gathers for FLUSH_MS, or until a producer says that much is waiting, spells what is
 * there, sends it and looks again. It blocks every signal, is named "stats-hero", and has a small
 * stack. It has a table of fds of its own (send/apart.h). One per process. While it sleeps, a
 * thread that ends the process does its work (send/place.h).
 *
 * libc does not know it (base/bare_thread.h), but where the receiver has to be looked up by name,
 * and where there are no such threads. So it is retired (send/shift.h) where the host changes what
 * libc has each thread change, and another one goes on with what it left.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "send/batch.h"
#include "send/place.h"

struct sender_source {
    /* Spells what waits into `batch`, all of it or until batch_part_done; true if anything did.
     * `last`: the process ends, leave nothing behind. Called in the sender's place only
     * (send/place.h). */
    bool (*drain)(struct batch *batch, bool last);
    /* Nanoseconds until drain wants to be called although no producer woke us; UINT64_MAX: never.
     */
    uint64_t (*due_ns)(void);
    /* There is work that does not wait until lines have come together; may be NULL. */
    bool (*urgent)(void);
    /* Called first on the new thread. */
    void (*enter)(void);
    /* The one fd of the process that drain needs, -1 for none; asked once, when the thread begins.
     */
    int (*kept_fd)(void);
    /* One thread hands over, and no other: while the sender has its processor, its host stands
     * still. NULL: never so. */
    bool (*one_producer)(void);
};

struct sender_options {
    struct bytes host;
    uint32_t port, pool_size, datagram_bytes, flush_ms;
    batch_head *head;
    bool fill; /* see batch_begin */
    struct sender_source source;
};

/* Before anything else; starts nothing. `options` is copied; its views must stay. */
void sender_begin(const struct sender_options *options);

/* Starts the thread unless it runs; after a failure it is tried again a second later at the
 * earliest. May be called by any thread; in signal handlers where the thread is one that libc does
 * not know. */
__attribute__((cold, noinline)) void sender_start(void);

/* For work of the source's that is urgent: it was stored before this call, in sequentially
 * consistent order, and will be seen. */
__attribute__((cold, noinline)) void sender_call(void);

/* A producer has handed something over; `many`: the sender should come now. Costs a load and a
 * branch when the thread is awake. */
static inline __attribute__((always_inline)) void sender_notify(bool many)
{
    uint32_t state = atomic_load_explicit(&sender_state, memory_order_relaxed);
    if (__builtin_expect(state >= SENDER_CALLED || (state == SENDER_GATHERING && !many), 1))
        return;
    sender_call();
}

/*
 * Sends a payload of lines in datagrams of its own, by one of the pool's senders (SEND_POOL_ANY:
 * the next), and waits for it SENDER_SEND_NS at most. Returns as outbox_send does, -EINVAL also for
 * a sender that is not there, -EAGAIN also if the thread can't be started or has ended. Not on that
 * thread.
 */
#define SENDER_SEND_NS 1000000000ull
int sender_send(struct bytes payload, uint32_t which);

/* The thread could not be started when that was tried last. */
bool sender_unable(void);

/* The thread is there. */
bool sender_running(void);

/* It is, or was and another one may follow. */
bool sender_used(void);

/* Datagrams that could not be sent, ever. */
uint64_t sender_errors(void);

/* Has everything sent that waits, then stops the thread; waits at most `patience_ns`. The calling
 * thread sends it, unless the sender's is at work, or has what is not to be had any more: the
 * receiver's address, a way to it, an fd. */
void sender_stop(uint64_t patience_ns);

/* The same, but the thread goes on (before exec, which may fail). Does nothing unless sender_used.
 */
void sender_flush(uint64_t patience_ns);

/* The thread is there, and libc does not know it. */
bool sender_is_bare(void);

/*
 * Ends the thread, and waits for that `patience_ns` at most (send/shift.h). What waits stays: true
 * asks the caller for sender_start, which makes another thread that takes it over; false: nothing
 * has to be done. Any thread, signal handlers included.
 */
bool sender_retire(uint64_t patience_ns);

/* In a forked child: there is no thread, and the sockets are the parent's. */
void sender_forget(void);

#endif
