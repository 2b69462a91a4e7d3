#include "request/registry.h"

#include <errno.h>
#include <stddef.h>

#include "base/keyed_hash.h"
#include "base/lock.h"
#include "base/sys.h"
#include "request/epoch.h"
#include "request/id_table.h"

/*
 * Each shard is a table of ids: one writer at a time (the shard's lock), any number of readers. A
 * reader may meet a worker that is being recycled: its memory stays a worker's (base/pool.h), its
 * id is read in atomic words, and the version tells whether what was read belongs together.
 *
 * Of workers with one id the newest stands in the table, and the others behind it in a list,
 * `older` from there; a worker that is alone with its id (by far most are) is spared the list.
 *
 * What readers load stands apart from what writers change.
 */

enum { FIND_ATTEMPTS = 4 };

enum registered { NOT_REGISTERED, ALONE, IN_LIST };

static struct id_table tables[REGISTRY_SHARDS];
static struct shard {
    struct lock lock;
    struct id_usage usage;
} __attribute__((aligned(64))) shards[REGISTRY_SHARDS];
static struct hash_key key;

static struct worker *worker_of(struct request_id *id)
{
    return (struct worker *)(void *)((char *)id - offsetof(struct worker, id));
}

static inline uint64_t hash_id(const struct request_id *id)
{
    return keyed_hash(&key, id->word, atomic_load_explicit(&id->n, memory_order_relaxed));
}

void registry_begin(void)
{
    sys_getrandom(&key, sizeof key);
    epoch_begin();
}

/* A table uses the hash's low bits and its high ones. */
static inline size_t shard_of(uint64_t hash)
{
    return hash >> 32 & (REGISTRY_SHARDS - 1);
}

/* Puts it before one that has stood in the table. */
static void put_before(struct worker *worker, struct worker *older)
{
    worker->older = older;
    worker->newer = NULL;
    if (older->registered == ALONE) {
        older->registered = IN_LIST;
        older->older = NULL;
    }
    older->newer = worker;
}

__attribute__((noinline)) int registry_add(struct worker *worker)
{
    struct request_id *id = &worker->id, *older;
    uint64_t hash = id->hash = hash_id(id);
    size_t number = shard_of(hash);
    struct shard *shard = &shards[number];
    if (!lock_take(&shard->lock))
        return -EAGAIN;
    int error = id_table_put(&tables[number], &shard->usage, id, hash, &older);
    if (error == 0) {
        if (older != NULL)
            put_before(worker, worker_of(older));
        atomic_store_explicit(&worker->registered, older == NULL ? ALONE : IN_LIST,
                              memory_order_release);
    }
    lock_release(&shard->lock);
    return error;
}

/* The newest's place in the table is taken by the one before it. */
static void remove_from_list(struct id_table *table, struct id_usage *usage, struct worker *worker)
{
    if (worker->older != NULL)
        worker->older->newer = worker->newer;
    if (worker->newer != NULL)
        worker->newer->older = worker->older;
    else if (worker->older != NULL)
        id_table_replace(table, &worker->id, &worker->older->id);
    else
        id_table_remove(table, usage, &worker->id);
}

void registry_remove(struct worker *worker)
{
    if (!atomic_load_explicit(&worker->registered, memory_order_relaxed))
        return;
    size_t number = shard_of(worker->id.hash);
    struct shard *shard = &shards[number];
    if (!lock_take(&shard->lock))
        return;
    uint8_t as = atomic_load_explicit(&worker->registered, memory_order_relaxed);
    if (as == ALONE)
        id_table_remove(&tables[number], &shard->usage, &worker->id);
    else if (as == IN_LIST)
        remove_from_list(&tables[number], &shard->usage, worker);
    atomic_store_explicit(&worker->registered, NOT_REGISTERED, memory_order_release);
    lock_release(&shard->lock);
}

/* The worker that stands under an id at this moment, or NULL; it may be another's any time later,
 * and then its version is not the one that is told here. */
static struct worker *get(const struct request_id *wanted, uint64_t hash, struct thread *self,
                          uint32_t *version)
{
    ck_epoch_begin(self->reader, NULL);
    struct request_id *id = id_table_find(&tables[shard_of(hash)], wanted, hash, version);
    ck_epoch_end(self->reader, NULL);
    return id != NULL ? worker_of(id) : NULL;
}

/* Returns its hash. */
static uint64_t set_wanted(struct request_id *wanted, struct bytes id)
{
    request_id_make(wanted, id);
    return hash_id(wanted);
}

/* Found, it may be removed, recycled and be another's before its lock is taken: under the lock that
 * is told by its being registered under the version that was found. */
int registry_hold(struct bytes id, struct worker **worker)
{
    struct request_id wanted;
    struct thread *self = thread_self();
    if (self == NULL)
        return -ENOMEM;
    uint64_t hash = set_wanted(&wanted, id);
    for (int i = 0; i < FIND_ATTEMPTS; i++) {
        uint32_t version;
        struct worker *found = get(&wanted, hash, self, &version);
        if (found == NULL)
            return -ENOENT;
        if (!lock_take(&found->lock))
            return -EAGAIN;
        *worker = found;
        bool same = atomic_load_explicit(&found->registered, memory_order_acquire) &&
                    atomic_load_explicit(&found->id.version, memory_order_acquire) == version;
        if (same && worker_is_owned(found))
            return 0;
        lock_release(&found->lock);
        if (same)
            return -ENOENT;
    }
    return -ENOENT;
}

int registry_find(struct bytes id, struct registry_entry *entry)
{
    struct request_id wanted;
    struct thread *self = thread_self();
    uint32_t version;
    if (self == NULL)
        return -ENOMEM;
    uint64_t hash = set_wanted(&wanted, id);
    struct worker *worker = get(&wanted, hash, self, &version);
    if (worker == NULL || version % 2 != 0)
        return -ENOENT;
    uint32_t number = worker_owner(worker) - 1;
    struct thread *owner = number == self->link.number ? self : thread_at(number);
    if (owner == NULL)
        return -ENOENT;
    entry->tid = owner->tid;
    entry->start_ns = atomic_load_explicit(&worker->start_ns, memory_order_acquire);
    return atomic_load_explicit(&worker->id.version, memory_order_relaxed) == version ? 0 : -ENOENT;
}

size_t registry_count(void)
{
    size_t n = 0;
    for (int i = 0; i < REGISTRY_SHARDS; i++)
        n += shards[i].usage.live;
    return n;
}

void registry_forget(void)
{
    memset(tables, 0, sizeof tables);
    memset(shards, 0, sizeof shards);
    epoch_forget();
}
