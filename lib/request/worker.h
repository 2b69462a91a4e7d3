#ifndef REQUEST_WORKER_H
#define REQUEST_WORKER_H

/*
 * worker: the record of one request, from its first byte to the end of its response, or from its
 * start to its stop by calls. It is owned by a thread, the one that served it last; its end, or its
 * owner's, is told to the sender once.
 *
 * Whoever made a worker holds it until worker_free, and only that holder (under a lock of its own,
 * such as the connection's) may call the functions here. Others reach it by its id, while it stands
 * in the registry: then they hold its lock, under which alone it leaves the registry. Memory is
 * type-stable (base/pool.h): who has a stale pointer finds, under the lock, that it is registered
 * no more or has another version of an id.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/lock.h"
#include "base/pool.h"
#include "request/event.h"
#include "request/id.h"
#include "request/notes.h"
#include "request/thread.h"

/* All that the registry needs of one, its id up to 16 bytes too, stands in its first cache line; a
 * usual request needs one more. */
struct worker {
    struct pool_link link;
    _Atomic uint64_t hold; /* who owns it, whether its start is told, whose turn it is */
    _Atomic uint64_t start_ns;
    struct lock lock;           /* for what others may do: `notes`, `registered` going to 0 */
    _Atomic uint8_t registered; /* not 0: can be found by its id; changed under its shard's lock */
    bool by_calls;              /* no holder but who finds it by its id */
    _Atomic bool noted;         /* there are notes; changed under the lock */
    uint8_t method : 7;         /* for its holder */
    uint8_t stuck : 1;          /* somebody may hold its lock for ever: it is not used again */
    _Alignas(8) struct request_id id;
    _Atomic uint64_t names;       /* scope, label and action, as event_names has them */
    struct worker *next;          /* for its holder's queue */
    struct worker *older, *newer; /* live ones with the same id: the registry's */
    struct notes *notes;          /* if `noted` */
    char apart[64]; /* an odd number of lines each: the first lines, which the registry
                     * looks at, are spread over all of the caches' sets */
} __attribute__((aligned(64)));

/* Workers at most, per process: those of live requests, and one that each open connection keeps for
 * its next one; past it requests are dropped and counted. */
#define WORKERS_MOST 1048576

/* A worker whose first byte came at `start_ns`; NULL without memory. It is not seen by anybody
 * else until worker_begin. */
__attribute__((noinline)) struct worker *worker_make(uint64_t start_ns);

/* The owning thread's number + 1; 0: not begun, ended or DOWN; else its DOWN is under way. */
static inline uint32_t worker_owner(const struct worker *worker)
{
    return (uint32_t)atomic_load_explicit(&worker->hold, memory_order_acquire);
}

/* One that has ended and that nobody but its holder can reach: it may be renewed. */
static inline bool worker_is_unused(const struct worker *worker)
{
    return worker_owner(worker) == 0 &&
           !atomic_load_explicit(&worker->registered, memory_order_relaxed) &&
           !atomic_load_explicit(&worker->noted, memory_order_relaxed) && !worker->stuck;
}

/* Makes an unused worker another request's, as worker_make does. */
static inline void worker_renew(struct worker *worker, uint64_t start_ns)
{
    atomic_store_explicit(&worker->start_ns, start_ns, memory_order_release);
    request_id_clear(&worker->id);
    worker->next = NULL;
    worker->by_calls = false;
}

/* The time of a request until now; never negative. */
static inline uint64_t worker_time_ns(uint64_t start_ns, uint64_t now_ns)
{
    return now_ns > start_ns ? now_ns - start_ns : 0;
}

/* The scope is the process's own until worker_scope. */
void worker_name(struct worker *worker, uint16_t label, uint16_t action);
void worker_scope(struct worker *worker, uint8_t scope);
uint8_t worker_scope_of(const struct worker *worker);

/* Cut to REQUEST_ID_BYTES; an empty id counts as none. */
__attribute__((noinline)) void worker_set_id(struct worker *worker, struct bytes id);

/* The request is known: `thread`, the calling one, owns it, and it can be looked up by its id. Its
 * start is told with its end, or by worker_tell_starts. */
void worker_begin(struct worker *worker, struct thread *thread);

/* One that calls have made begins, for an owner on which thread_own has been called; `self` tells
 * its start at once. 0; it must be found by its id, and does not begin on an error: -ENOMEM, or
 * -EAGAIN (a lock). */
int worker_begin_for(struct worker *worker, struct thread *owner, struct thread *self);

/* Takes the worker over from its owner, whoever that is. `thread` must have been given it by
 * thread_own; if the worker has ended meanwhile, or its owner has, that is undone: false. */
__attribute__((cold, noinline)) bool worker_reparent(struct worker *worker, struct thread *thread);

/* Whether the worker has begun and its owner is alive. */
bool worker_is_owned(const struct worker *worker);

/* The calling thread, not its owner until now, goes on with it. */
__attribute__((cold, noinline)) void worker_move_here(struct worker *worker, struct thread *thread);

static inline __attribute__((always_inline)) void worker_served_by(struct worker *worker,
                                                                   struct thread *thread)
{
    uint32_t owner = worker_owner(worker);
    if (__builtin_expect(owner != thread->link.number + 1, 0) && owner != 0)
        worker_move_here(worker, thread);
}

/* The response is over at `now_ns`: the end is told by `thread`, the calling one (NULL: it may have
 * no record yet), or that the worker is DOWN where another thread owned it and has ended. Without
 * memory for a record nothing is told. True: it is unused now for certain (worker_is_unused). */
bool worker_end(struct worker *worker, struct thread *thread, int status, enum outcome outcome,
                uint64_t now_ns);

/* Gives the record back; one that has begun must have ended. */
__attribute__((noinline)) void worker_free(struct worker *worker);

/* Its holder leaves: its owner's DOWN gives the record back, and `thread`, the calling one, tells
 * its start. False if it has ended already: then it is for the holder to free. */
bool worker_leave(struct worker *worker, struct thread *thread);

/* Under the worker's lock: its notes, made if there are none; NULL without memory. */
struct notes *worker_take_notes(struct worker *worker);

/* Under the worker's lock: its end is told by `thread` as it is now, and it goes on. 0 or -ENOMEM.
 */
int worker_report(struct worker *worker, struct thread *thread, int status, uint64_t now_ns);

/* Under the lock of a worker that calls have made: it has ended, untold. False: its owner's DOWN
 * came first. After true, release the lock, then worker_free. */
bool worker_drop(struct worker *worker);

/* Whether the worker's owner is lost. */
typedef bool worker_is_lost(const struct thread *owner);

/* Each worker with a lost owner leaves the registry, and is told to `tell` as DOWN. `ids` is for
 * those that have none. */
void worker_sweep(worker_is_lost *lost, void (*tell)(const struct event_facts *facts),
                  struct id_supply *ids);

/* Those that have begun and whose start is not told are told to `tell`, by scope, label and action.
 * How many there were. */
typedef void worker_tell_start(uint8_t scope, uint16_t label, uint16_t action);
uint32_t worker_tell_starts(worker_tell_start *tell);

/* The same, of those that `thread`, the calling one, owns: it tells them itself. */
void worker_tell_own_starts(struct thread *thread);

/* Each worker that the thread owns: calls have made it and it is dropped, or it can't be looked up
 * any more. How many there were. */
uint32_t worker_clean(struct thread *thread);

/* Whether ends carry the request id (a request log is wanted). */
void worker_tell_ids(bool tell);

/* In a forked child: all workers are the parent's. */
void worker_forget(void);

#endif
