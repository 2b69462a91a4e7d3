#ifndef COLLECT_KEYMAP_H
#define COLLECT_KEYMAP_H

/*
 * keymap: a hash map from keys that strangers choose (hence SipHash with a random key) to entries
 * of the caller's, each of which begins with a struct keymap_entry. Entries keep their addresses.
 */

#include <stddef.h>

#include "base/bytes.h"
#include "base/siphash.h"

struct keymap_entry {
    struct bytes key; /* the map's own copy */
    uint64_t hash;
};

struct keymap {
    struct keymap_entry **slots; /* open addressing; a power of two, or none while empty */
    size_t size;
    size_t n; /* entries */
    size_t entry_bytes;
    struct siphash_key secret;
    void (*clear)(struct keymap_entry *entry); /* frees what an entry holds; may be NULL */
};

/* An empty map of entries of `entry_bytes`. Takes no memory. */
struct keymap keymap_of(size_t entry_bytes, void (*clear)(struct keymap_entry *entry));

/* Frees all entries and leaves the map empty. */
void keymap_clear(struct keymap *map);

/* The entry of `key`, or NULL. */
void *keymap_find(const struct keymap *map, struct bytes key);

/* A new, zeroed entry for `key`, which has none; NULL when out of memory, and the map is as before.
 */
void *keymap_add(struct keymap *map, struct bytes key);

/* Bytes of memory that an entry for `key` takes, about. */
size_t keymap_cost(const struct keymap *map, struct bytes key);

/*
 * All entries in `order` (as for qsort, given pointers to entry pointers; NULL is by key), NULL at
 * the end; to be given to free. NULL when out of memory.
 */
void *keymap_sorted(const struct keymap *map, int (*order)(const void *a, const void *b));

/* For an order of the caller's to end ties with: as memcmp, a shorter key first. */
int keymap_by_key(const void *a, const void *b);

#endif
