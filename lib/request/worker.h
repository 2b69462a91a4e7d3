#ifndef REQUEST_WORKER_H
#define REQUEST_WORKER_H

/*
 * worker: the record of one request, from its first byte to the end of its response. It is owned by
 * a thread, the one that served it last; its end, or its owner's, is told to the sender once.
 *
 * Whoever made a worker holds it until worker_free, and only that holder (under a lock of its own,
 * such as the connection's) may call the functions here; look-ups and a dying owner touch nothing
 * but `owner`, `version` and the id. Memory is type-stable (base/pool.h): who has a stale pointer
 * reads another request's record, and notices by the version.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/pool.h"
#include "request/event.h"
#include "request/thread.h"

#define WORKER_ID_WORDS (REQUEST_ID_BYTES / 8)

struct worker {
    struct pool_link link;
    _Atomic uint32_t version; /* odd while the id changes */
    _Atomic uint32_t owner;   /* the owning thread's number + 1; 0: not begun, ended or DOWN; else
                               * its DOWN is under way */
    struct worker *next;      /* for its holder's queue */
    _Atomic uint64_t names;   /* label | action << 16 */
    _Atomic uint64_t start_ns;
    _Atomic bool registered; /* stands in the registry; changed under its shard's lock */
    uint8_t method;          /* for its holder */
    _Atomic uint32_t id_bytes;
    uint64_t hash; /* of the id */
    _Atomic uint64_t id[WORKER_ID_WORDS];
};

/* Live workers at most, per process; past it requests are dropped and counted. */
#define WORKERS_MOST 1048576

/* A worker whose first byte came at `start_ns`; NULL without memory. It is not seen by anybody
 * else until worker_begin. */
struct worker *worker_make(uint64_t start_ns);

void worker_name(struct worker *worker, uint16_t label, uint16_t action);

/* Cut to REQUEST_ID_BYTES; an empty id counts as none. */
void worker_set_id(struct worker *worker, struct bytes id);

/* The request is known: `thread` owns it, it can be looked up by its id, and its start is told. */
void worker_begin(struct worker *worker, struct thread *thread);

/* `thread`, not its owner until now, goes on with it. */
__attribute__((cold)) void worker_reparent(struct worker *worker, struct thread *thread);

static inline void worker_served_by(struct worker *worker, struct thread *thread)
{
    uint32_t owner = atomic_load_explicit(&worker->owner, memory_order_relaxed);
    if (__builtin_expect(owner != thread->link.number + 1 && owner != 0, 0))
        worker_reparent(worker, thread);
}

/* The response is over at `now_ns`: the end is told by `thread`, unless its owner's DOWN came
 * first. Without a thread (no memory for one) nothing is told. */
void worker_end(struct worker *worker, struct thread *thread, int status, enum outcome outcome,
                uint64_t now_ns);

/* Gives the record back; one that has begun must have ended. */
void worker_free(struct worker *worker);

/* `thread` ends: its workers leave the registry, and each is told as DOWN. */
void worker_down(struct thread *thread);

/* Whether ends carry the request id (a request log is wanted). */
void worker_tell_ids(bool tell);

/* In a forked child: all workers are the parent's. */
void worker_forget(void);

#endif
