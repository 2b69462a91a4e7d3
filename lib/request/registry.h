#ifndef REQUEST_REGISTRY_H
#define REQUEST_REGISTRY_H

/*
 * registry: request id => worker => thread, for every live request of the process. Readers take no
 * lock. Writers lock one of REGISTRY_SHARDS shards for the length of an insertion or removal.
 * Request ids come from clients, so they are hashed with a random key of the process.
 */

#include "request/worker.h"

#define REGISTRY_SHARDS 64

/* Once per process, and after registry_forget. 0, or -ENOMEM. */
int registry_begin(void);

/*
 * Adds `worker` under its id. Of two requests with one id the newer one is found, and each end
 * removes only its own entry. Without memory the request is not found by look-ups, nothing else.
 */
void registry_add(struct worker *worker);

/* Removes `worker` if it stands there; costs a load and a branch if not. */
void registry_remove(struct worker *worker);

/* What a look-up tells of a live request. */
struct registry_entry {
    pid_t tid; /* of the owning thread */
    uint64_t start_ns;
};

/* Looks a request up. 0, or -ENOENT. Any thread. */
int registry_find(struct bytes id, struct registry_entry *entry);

/* Live entries, while nobody changes them. */
size_t registry_count(void);

/* In a forked child: all entries are the parent's. */
void registry_forget(void);

#endif
