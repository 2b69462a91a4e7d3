#ifndef REQUEST_REGISTRY_H
#define REQUEST_REGISTRY_H

/*
 * registry: request id => worker => thread, for every live request that can be known by an id.
 * Readers take no lock. Writers lock one of REGISTRY_SHARDS shards for the length of an insertion
 * or removal. Request ids come from clients, so they are hashed with a random key of the process.
 */

#include "request/worker.h"

/* Their locks and small tables stay in the first caches; a table that grows is copied under its
 * lock, which with 100,000 live ids takes some 0.1 ms now and then. */
#define REGISTRY_SHARDS 32

/* Once per process, and after registry_forget. */
void registry_begin(void);

/*
 * Adds `worker` under its id. Of live requests with one id the newest is found, and when it is
 * removed the one before it. 0; on error it is not found by look-ups, and nothing else: -ENOMEM, or
 * -EAGAIN (a lock).
 */
int registry_add(struct worker *worker);

/* Removes `worker` if it stands there; costs a load and a branch if not. */
void registry_remove(struct worker *worker);

/*
 * Finds a live request and takes its worker's lock, which the caller releases: until then it stays
 * registered. 0, -ENOENT (one whose owner has ended is there no more), -ENOMEM (no record for the
 * calling thread), -EAGAIN (the lock). Any thread.
 */
int registry_hold(struct bytes id, struct worker **worker);

/* What a look-up tells of a live request. */
struct registry_entry {
    pid_t tid; /* of the owning thread */
    uint64_t start_ns;
};

/* Looks a request up, without any lock. 0, -ENOENT or -ENOMEM. Any thread. */
int registry_find(struct bytes id, struct registry_entry *entry);

/* Live ids, while nobody changes them. */
size_t registry_count(void);

/* In a forked child: all entries are the parent's. */
void registry_forget(void);

#endif
