#include "request/id_table.h"

#include <errno.h>

#include "request/epoch.h"

/* A table that is half full, left slots too, gets a new array with room for four times what lives:
 * fuller ones are searched longer, emptier ones take more of the caches. */
enum { LENGTH_LEAST = 6, FULL = 2, ROOMY = 4, ADDRESS_BITS = 48 };

enum { EMPTY = 0, LEFT = 1 };

/* An array, as the table holds it: arrays begin at a cache line, so their address has room for the
 * binary logarithm of their length. */
struct id_slots {
    _Atomic uint64_t *at;
    uint64_t mask;
};

enum { LENGTH_BITS = 6 };

static inline struct id_slots slots_at(uintptr_t word)
{
    uintptr_t length = word & ((1u << LENGTH_BITS) - 1);
    return (struct id_slots){(_Atomic uint64_t *)(word - length), (1ull << length) - 1};
}

static inline uint64_t load(struct id_slots slots, uint64_t i)
{
    return atomic_load_explicit(&slots.at[i], memory_order_acquire);
}

/* Release: what the writer wrote to an id before is there for who finds it. */
static inline void store(struct id_slots slots, uint64_t i, uint64_t entry)
{
    atomic_store_explicit(&slots.at[i], entry, memory_order_release);
}

/* The writer's view. */
static inline uintptr_t word_of(const struct id_table *table)
{
    return atomic_load_explicit(&table->slots, memory_order_relaxed);
}

static inline uint64_t entry_of(const struct request_id *id, uint64_t hash)
{
    return (uint64_t)(uintptr_t)id | hash >> ADDRESS_BITS << ADDRESS_BITS;
}

static inline struct request_id *id_of(uint64_t entry)
{
    return (struct request_id *)(uintptr_t)(entry & ((1ull << ADDRESS_BITS) - 1));
}

/* Is it an entry, and of the same 16 bits of hash? */
static inline bool may_be(uint64_t entry, uint64_t hash)
{
    return (entry ^ hash) >> ADDRESS_BITS == 0 && entry > LEFT;
}

struct request_id *id_table_find(const struct id_table *table, const struct request_id *wanted,
                                 uint64_t hash, uint32_t *version)
{
    uintptr_t word = atomic_load_explicit(&table->slots, memory_order_acquire);
    if (word == 0)
        return NULL;
    struct id_slots slots = slots_at(word);
    for (uint64_t i = hash & slots.mask;; i = (i + 1) & slots.mask) {
        uint64_t entry = load(slots, i);
        if (entry == EMPTY)
            return NULL;
        if (!may_be(entry, hash))
            continue;
        *version = atomic_load_explicit(&id_of(entry)->version, memory_order_acquire);
        if (request_id_equal(id_of(entry), wanted))
            return id_of(entry);
    }
}

static void copy_entry(struct id_slots to, uint64_t entry)
{
    uint64_t i = id_of(entry)->hash & to.mask;
    while (load(to, i) != EMPTY)
        i = (i + 1) & to.mask;
    store(to, i, entry);
}

static void copy_entries(struct id_slots to, struct id_slots from)
{
    for (uint64_t i = 0; i <= from.mask; i++)
        if (load(from, i) > LEFT)
            copy_entry(to, load(from, i));
}

/* A new array, without left slots, in place of the old one. */
static int renew(struct id_table *table, struct id_usage *usage)
{
    uintptr_t old = word_of(table);
    unsigned length = LENGTH_LEAST;
    while (1ull << length < (uint64_t)usage->live * ROOMY)
        length++;
    void *memory = epoch_memory(sizeof(uint64_t) << length);
    if (memory == NULL)
        return -ENOMEM;
    uintptr_t word = (uintptr_t)memory | length;
    if (old != 0)
        copy_entries(slots_at(word), slots_at(old));
    usage->left = 0;
    atomic_store_explicit(&table->slots, word, memory_order_release);
    if (old != 0)
        epoch_retire(slots_at(old).at);
    return 0;
}

static uint64_t used_with_one_more(const struct id_usage *usage)
{
    return (uint64_t)usage->live + usage->left + 1;
}

static inline bool has_room(uintptr_t word, const struct id_usage *usage)
{
    return word != 0 && used_with_one_more(usage) * FULL <= slots_at(word).mask + 1;
}

/* An array that can't be renewed is used until it is nearly full. */
static __attribute__((noinline)) int make_room(struct id_table *table, struct id_usage *usage)
{
    uintptr_t word = word_of(table);
    if (renew(table, usage) == 0)
        return 0;
    return word != 0 && used_with_one_more(usage) <= slots_at(word).mask ? 0 : -ENOMEM;
}

int id_table_put(struct id_table *table, struct id_usage *usage, struct request_id *id,
                 uint64_t hash, struct request_id **older)
{
    uintptr_t word = word_of(table);
    *older = NULL;
    if (__builtin_expect(!has_room(word, usage), 0)) {
        int error = make_room(table, usage);
        if (error < 0)
            return error;
        word = word_of(table);
    }
    struct id_slots slots = slots_at(word);
    uint64_t i = hash & slots.mask, place = UINT64_MAX;
    for (uint64_t entry; (entry = load(slots, i)) != EMPTY; i = (i + 1) & slots.mask) {
        if (entry == LEFT) {
            place = place == UINT64_MAX ? i : place;
        } else if (may_be(entry, hash) && request_id_equal(id_of(entry), id)) {
            *older = id_of(entry);
            store(slots, i, entry_of(id, hash));
            return 0;
        }
    }
    usage->live++;
    usage->left -= place != UINT64_MAX;
    store(slots, place != UINT64_MAX ? place : i, entry_of(id, hash));
    return 0;
}

/* Where it stands; false if it does not: nothing may search for ever on a host's thread. */
static bool slot_of(struct id_slots slots, const struct request_id *id, uint64_t *at)
{
    uint64_t hash = id->hash, wanted = entry_of(id, hash), entry;
    if (slots.at == NULL)
        return false;
    for (*at = hash & slots.mask; (entry = load(slots, *at)) != EMPTY; *at = (*at + 1) & slots.mask)
        if (entry == wanted)
            return true;
    return false;
}

void id_table_replace(struct id_table *table, struct request_id *id, struct request_id *by)
{
    struct id_slots slots = slots_at(word_of(table));
    uint64_t i;
    if (slot_of(slots, id, &i))
        store(slots, i, entry_of(by, by->hash));
}

void id_table_remove(struct id_table *table, struct id_usage *usage, struct request_id *id)
{
    struct id_slots slots = slots_at(word_of(table));
    uint64_t i;
    if (!slot_of(slots, id, &i))
        return;
    usage->live--;
    if (load(slots, (i + 1) & slots.mask) != EMPTY) {
        store(slots, i, LEFT);
        usage->left++;
        return;
    }
    store(slots, i, EMPTY);
    for (i = (i - 1) & slots.mask; load(slots, i) == LEFT; i = (i - 1) & slots.mask) {
        store(slots, i, EMPTY);
        usage->left--;
    }
}
