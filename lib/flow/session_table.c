#include "flow/session_table.h"

#include <stddef.h>

#include "base/hot.h"
#include "base/lock.h"
#include "base/sys.h"

enum { SHARD_BITS = 4, PAGE_BYTES = 4096 };

/* Of an entry that says nothing but who holds the session. */
enum { FD_UNASKED = -2 };

/*
 * An array of slots; at most half of them are used, so every search ends. A child that was forked
 * while another thread changed a shard may find a session twice in it, never less than an array and
 * its own mask: removal takes out both.
 */
struct slots {
    uint32_t mask; /* slots less one */
    uint32_t used;
    struct session slot[];
};

enum { SLOTS_FIRST = 128 };

static struct shard {
    struct lock lock;
    struct slots *slots; /* NULL: none yet */
} __attribute__((aligned(64))) shards[1 << SHARD_BITS];

/* Allocators give addresses in steps: the upper bits of the product depend on all of them. */
static uint64_t hash_of(const void *key)
{
    return (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
}

static struct shard *shard_of(const void *key)
{
    return &shards[hash_of(key) >> (64 - SHARD_BITS)];
}

static uint32_t home_of(const struct slots *slots, const void *key)
{
    return (uint32_t)(hash_of(key) >> 28) & slots->mask;
}

/* Where it stands, or the empty slot where it would. */
static struct session *seek(struct slots *slots, const void *key)
{
    uint32_t at = home_of(slots, key);
    while (slots->slot[at].key != NULL && slots->slot[at].key != key)
        at = (at + 1) & slots->mask;
    return &slots->slot[at];
}

static size_t bytes_of_slots(uint32_t n)
{
    return (offsetof(struct slots, slot) + n * sizeof(struct session) + PAGE_BYTES - 1) &
           ~(size_t)(PAGE_BYTES - 1);
}

static struct slots *make(uint32_t n)
{
    struct slots *slots = sys_pages(bytes_of_slots(n));
    if (slots != NULL)
        slots->mask = n - 1;
    return slots;
}

static void add(struct slots *slots, const struct session *session)
{
    struct session *slot = seek(slots, session->key);
    if (slot->key == NULL)
        slots->used++;
    *slot = *session;
}

/* In the place of what was known; who held the session does so still. */
static void keep(struct slots *slots, const struct session *session)
{
    struct session *slot = seek(slots, session->key);
    uint32_t held = slot->key != NULL ? slot->held : 0;
    add(slots, session);
    slot->held = held;
}

static struct slots *grown(const struct slots *old)
{
    struct slots *slots = make((old->mask + 1) * 2);
    for (uint32_t i = 0; slots != NULL && i <= old->mask; i++)
        if (old->slot[i].key != NULL)
            add(slots, &old->slot[i]);
    return slots;
}

/* There is room for one more. */
static bool has_room(struct shard *shard)
{
    struct slots *old = shard->slots;
    if (old != NULL && old->used < (old->mask + 1) / 2)
        return true;
    struct slots *slots = old == NULL ? make(SLOTS_FIRST) : grown(old);
    if (slots == NULL)
        return false;
    shard->slots = slots;
    if (old != NULL)
        sys_pages_free(old, bytes_of_slots(old->mask + 1));
    return true;
}

HOT bool session_table_find(const void *key, struct session *session)
{
    struct shard *shard = shard_of(key);
    *session = (struct session){key, 0, -1, 0};
    if (!lock_take(&shard->lock))
        return true;
    struct session *slot = shard->slots != NULL ? seek(shard->slots, key) : NULL;
    bool known = slot != NULL && slot->key != NULL && slot->fd != FD_UNASKED;
    if (known)
        *session = *slot;
    lock_release(&shard->lock);
    return known;
}

bool session_table_put(const struct session *session)
{
    struct shard *shard = shard_of(session->key);
    if (!lock_take(&shard->lock))
        return false;
    bool room = has_room(shard);
    if (room)
        keep(shard->slots, session);
    lock_release(&shard->lock);
    return room;
}

void session_table_hold(const void *key)
{
    struct shard *shard = shard_of(key);
    if (!lock_take(&shard->lock))
        return;
    if (has_room(shard)) {
        if (seek(shard->slots, key)->key == NULL)
            add(shard->slots, &(struct session){key, 0, FD_UNASKED, 0});
        seek(shard->slots, key)->held++;
    }
    lock_release(&shard->lock);
}

/* The entry, if somebody besides the first holds the session. Under the lock. */
static struct session *held(struct shard *shard, const void *key)
{
    struct session *slot = shard->slots != NULL ? seek(shard->slots, key) : NULL;
    return slot != NULL && slot->key != NULL && slot->held > 0 ? slot : NULL;
}

bool session_table_let_go(const void *key)
{
    struct shard *shard = shard_of(key);
    if (!lock_take(&shard->lock))
        return false;
    struct session *slot = held(shard, key);
    if (slot != NULL)
        slot->held--;
    lock_release(&shard->lock);
    return slot != NULL;
}

/* Whether an entry whose home is `home` may move from `at` back to `hole`: the hole is on its way.
 */
static bool may_fill(const struct slots *slots, uint32_t home, uint32_t hole, uint32_t at)
{
    return ((at - home) & slots->mask) >= ((at - hole) & slots->mask);
}

static void take_out(struct slots *slots, struct session *slot)
{
    uint32_t hole = (uint32_t)(slot - slots->slot);
    for (uint32_t at = (hole + 1) & slots->mask; slots->slot[at].key != NULL;
         at = (at + 1) & slots->mask)
        if (may_fill(slots, home_of(slots, slots->slot[at].key), hole, at)) {
            slots->slot[hole] = slots->slot[at];
            hole = at;
        }
    slots->slot[hole].key = NULL;
    slots->used--;
}

static void remove_all(struct shard *shard, const void *key)
{
    if (shard->slots != NULL)
        for (struct session *slot; (slot = seek(shard->slots, key))->key != NULL;)
            take_out(shard->slots, slot);
}

void session_table_clear(const void *key)
{
    struct shard *shard = shard_of(key);
    if (!lock_take(&shard->lock))
        return;
    struct session *slot = held(shard, key);
    if (slot != NULL)
        *slot = (struct session){key, 0, FD_UNASKED, slot->held};
    else
        remove_all(shard, key);
    lock_release(&shard->lock);
}

void session_table_remove(const void *key)
{
    struct shard *shard = shard_of(key);
    if (!lock_take(&shard->lock))
        return;
    remove_all(shard, key);
    lock_release(&shard->lock);
}
