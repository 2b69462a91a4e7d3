#include "request/registry.h"

#include <ck_hs.h>
#include <errno.h>

#include "base/lock.h"
#include "base/keyed_hash.h"
#include "base/sys.h"

/*
 * Each shard is a ck_hs: one writer at a time (the shard's lock), any number of readers. A reader
 * may meet a worker that is being recycled: its memory stays a worker's (base/pool.h), its id is
 * read in atomic words, and the version tells whether what was read belongs together.
 *
 * A table that grows leaves its old arrays to readers that may still be in them. Those are never
 * given back: sizes double, so all old arrays together are smaller than the one in use.
 */

enum { SHARD_ENTRIES = 32 };

struct shard {
    struct lock lock;
    struct ck_hs set;
} __attribute__((aligned(64)));

static struct shard shards[REGISTRY_SHARDS];
static struct hash_key key;

/* What a look-up compares with. Look-ups and entries are both `struct worker` to ck_hs. Loads
 * acquire: see worker_set_id. */
static bool same_id(const void *a, const void *b)
{
    const struct worker *x = a, *y = b;
    uint32_t n = atomic_load_explicit(&x->id_bytes, memory_order_acquire);
    if (n != atomic_load_explicit(&y->id_bytes, memory_order_acquire))
        return false;
    for (uint32_t i = 0; i * 8 < n; i++)
        if (atomic_load_explicit(&x->id[i], memory_order_acquire) !=
            atomic_load_explicit(&y->id[i], memory_order_acquire))
            return false;
    return true;
}

static unsigned long hash_of(const void *object, unsigned long seed)
{
    const struct worker *worker = object;
    (void)seed;
    return keyed_hash(&key, worker->id,
                      atomic_load_explicit(&worker->id_bytes, memory_order_relaxed));
}

/* Small arrays share pages; nothing is given back, see above. */
static struct {
    struct lock lock;
    char *at;
    size_t left;
} arena;

static void *arena_take(size_t n)
{
    void *taken = NULL;
    n = (n + 63) & ~(size_t)63;
    if (!lock_take(&arena.lock))
        return NULL;
    if (n > arena.left) {
        size_t size = n > 65536 ? (n + 4095) & ~(size_t)4095 : 65536;
        char *pages = sys_pages(size);
        if (pages != NULL) {
            arena.at = pages;
            arena.left = size;
        }
    }
    if (n <= arena.left) {
        taken = arena.at;
        arena.at += n;
        arena.left -= n;
    }
    lock_release(&arena.lock);
    return taken;
}

static void arena_leave(void *at, size_t n, bool defer)
{
    (void)at;
    (void)n;
    (void)defer;
}

static struct ck_malloc allocator = {.malloc = arena_take, .free = arena_leave};

int registry_begin(void)
{
    sys_getrandom(&key, sizeof key);
    for (int i = 0; i < REGISTRY_SHARDS; i++)
        if (!ck_hs_init(&shards[i].set, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT | CK_HS_MODE_DELETE,
                        hash_of, same_id, &allocator, SHARD_ENTRIES, 0))
            return -ENOMEM;
    return 0;
}

/* The table uses the hash's low bits, the choice of the shard its high ones. */
static struct shard *shard_of(uint64_t hash)
{
    return &shards[hash >> 58];
}

void registry_add(struct worker *worker)
{
    worker->hash = hash_of(worker, 0);
    struct shard *shard = shard_of(worker->hash);
    if (shard->set.map == NULL || !lock_take(&shard->lock))
        return;
    struct worker *older = ck_hs_remove(&shard->set, worker->hash, worker);
    if (older != NULL)
        atomic_store_explicit(&older->registered, false, memory_order_relaxed);
    bool added = ck_hs_put_unique(&shard->set, worker->hash, worker);
    atomic_store_explicit(&worker->registered, added, memory_order_relaxed);
    lock_release(&shard->lock);
}

void registry_remove(struct worker *worker)
{
    if (!atomic_load_explicit(&worker->registered, memory_order_relaxed))
        return;
    struct shard *shard = shard_of(worker->hash);
    if (!lock_take(&shard->lock))
        return;
    if (atomic_load_explicit(&worker->registered, memory_order_relaxed))
        ck_hs_remove(&shard->set, worker->hash, worker);
    atomic_store_explicit(&worker->registered, false, memory_order_relaxed);
    lock_release(&shard->lock);
}

/* The worker's facts, if they belong to `wanted`'s id all the while. */
static int read_entry(struct worker *worker, const struct worker *wanted,
                      struct registry_entry *entry)
{
    uint32_t version = atomic_load_explicit(&worker->version, memory_order_acquire);
    struct thread *owner =
        thread_at(atomic_load_explicit(&worker->owner, memory_order_acquire) - 1);
    if (owner == NULL || !same_id(worker, wanted))
        return -ENOENT;
    entry->tid = owner->tid;
    entry->start_ns = atomic_load_explicit(&worker->start_ns, memory_order_acquire);
    return atomic_load_explicit(&worker->version, memory_order_relaxed) == version &&
                   version % 2 == 0
               ? 0
               : -ENOENT;
}

int registry_find(struct bytes id, struct registry_entry *entry)
{
    struct worker wanted = {.version = 0};
    worker_set_id(&wanted, id);
    wanted.hash = hash_of(&wanted, 0);
    struct worker *found = ck_hs_get(&shard_of(wanted.hash)->set, wanted.hash, &wanted);
    return found == NULL ? -ENOENT : read_entry(found, &wanted, entry);
}

size_t registry_count(void)
{
    size_t n = 0;
    for (int i = 0; i < REGISTRY_SHARDS; i++)
        n += ck_hs_count(&shards[i].set);
    return n;
}

void registry_forget(void)
{
    memset(shards, 0, sizeof shards);
    memset(&arena, 0, sizeof arena);
}
