#include "request/id_table.h"

#include <errno.h>

#include "request/epoch.h"

/* A table that is a quarter full, left slots too, gets a new array with room for eight times what
 * lives. */
enum { SLOTS_LEAST = 64, FULL = 4, ROOMY = 8, ADDRESS_BITS = 48 };

enum { EMPTY = 0, LEFT = 1 };

struct id_slots {
    uint64_t mask;
    _Atomic uint64_t at[];
};

static inline uint64_t load(const struct id_slots *slots, uint64_t i)
{
    return atomic_load_explicit(&slots->at[i], memory_order_acquire);
}

/* Release: what the writer wrote to an id before is there for who finds it. */
static inline void store(struct id_slots *slots, uint64_t i, uint64_t entry)
{
    atomic_store_explicit(&slots->at[i], entry, memory_order_release);
}

/* The writer's view. */
static inline struct id_slots *slots_of(const struct id_table *table)
{
    return atomic_load_explicit(&table->slots, memory_order_relaxed);
}

static inline uint64_t entry_of(const struct request_id *id)
{
    return (uint64_t)(uintptr_t)id | id->hash >> ADDRESS_BITS << ADDRESS_BITS;
}

static inline struct request_id *id_of(uint64_t entry)
{
    return (struct request_id *)(uintptr_t)(entry & ((1ull << ADDRESS_BITS) - 1));
}

/* Is it an entry, and of the same 16 bits of hash? */
static inline bool may_be(uint64_t entry, const struct request_id *wanted)
{
    return ((entry ^ wanted->hash) >> ADDRESS_BITS) == 0 && entry > LEFT;
}

struct request_id *id_table_find(const struct id_table *table, const struct request_id *wanted,
                                 uint32_t *version)
{
    const struct id_slots *slots = atomic_load_explicit(&table->slots, memory_order_acquire);
    if (slots == NULL)
        return NULL;
    for (uint64_t i = wanted->hash & slots->mask;; i = (i + 1) & slots->mask) {
        uint64_t entry = load(slots, i);
        if (entry == EMPTY)
            return NULL;
        if (!may_be(entry, wanted))
            continue;
        *version = atomic_load_explicit(&id_of(entry)->version, memory_order_acquire);
        if (request_id_equal(id_of(entry), wanted))
            return id_of(entry);
    }
}

static struct id_slots *slots_make(uint64_t n)
{
    struct id_slots *slots = epoch_memory(sizeof *slots + n * sizeof slots->at[0]);
    if (slots != NULL)
        slots->mask = n - 1;
    return slots;
}

static void copy_entry(struct id_slots *to, uint64_t entry)
{
    uint64_t i = id_of(entry)->hash & to->mask;
    while (load(to, i) != EMPTY)
        i = (i + 1) & to->mask;
    store(to, i, entry);
}

/* A new array, without left slots, in place of the old one. */
static int renew(struct id_table *table)
{
    struct id_slots *old = slots_of(table), *slots;
    uint64_t n = SLOTS_LEAST;
    while (n < (uint64_t)table->live * ROOMY)
        n *= 2;
    slots = slots_make(n);
    if (slots == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; old != NULL && i <= old->mask; i++)
        if (load(old, i) > LEFT)
            copy_entry(slots, load(old, i));
    table->left = 0;
    atomic_store_explicit(&table->slots, slots, memory_order_release);
    if (old != NULL)
        epoch_retire(old);
    return 0;
}

/* Room for one more; an array that can't be renewed is used until it is nearly full. */
static int make_room(struct id_table *table)
{
    const struct id_slots *slots = slots_of(table);
    uint64_t used = (uint64_t)table->live + table->left + 1;
    if (__builtin_expect(slots != NULL && used * FULL <= slots->mask + 1, 1))
        return 0;
    if (renew(table) == 0)
        return 0;
    return slots != NULL && used <= slots->mask ? 0 : -ENOMEM;
}

int id_table_put(struct id_table *table, struct request_id *id, struct request_id **older)
{
    *older = NULL;
    int error = make_room(table);
    if (error < 0)
        return error;
    struct id_slots *slots = slots_of(table);
    uint64_t i = id->hash & slots->mask, place = UINT64_MAX;
    for (uint64_t entry; (entry = load(slots, i)) != EMPTY; i = (i + 1) & slots->mask) {
        if (entry == LEFT) {
            place = place == UINT64_MAX ? i : place;
        } else if (may_be(entry, id) && request_id_equal(id_of(entry), id)) {
            *older = id_of(entry);
            store(slots, i, entry_of(id));
            return 0;
        }
    }
    table->live++;
    table->left -= place != UINT64_MAX;
    store(slots, place != UINT64_MAX ? place : i, entry_of(id));
    return 0;
}

/* Where it stands; false if it does not: nothing may search for ever on a host's thread. */
static bool slot_of(const struct id_slots *slots, const struct request_id *id, uint64_t *at)
{
    uint64_t wanted = entry_of(id), entry;
    if (slots == NULL)
        return false;
    for (*at = id->hash & slots->mask; (entry = load(slots, *at)) != EMPTY;
         *at = (*at + 1) & slots->mask)
        if (entry == wanted)
            return true;
    return false;
}

void id_table_replace(struct id_table *table, struct request_id *id, struct request_id *by)
{
    struct id_slots *slots = slots_of(table);
    uint64_t i;
    if (slot_of(slots, id, &i))
        store(slots, i, entry_of(by));
}

void id_table_remove(struct id_table *table, struct request_id *id)
{
    struct id_slots *slots = slots_of(table);
    uint64_t i;
    if (!slot_of(slots, id, &i))
        return;
    table->live--;
    if (load(slots, (i + 1) & slots->mask) != EMPTY) {
        store(slots, i, LEFT);
        table->left++;
        return;
    }
    store(slots, i, EMPTY);
    for (i = (i - 1) & slots->mask; load(slots, i) == LEFT; i = (i - 1) & slots->mask) {
        store(slots, i, EMPTY);
        table->left--;
    }
}
