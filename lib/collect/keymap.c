#include "collect/keymap.h"

#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_SIZE = 64 };

struct keymap keymap_of(size_t entry_bytes, void (*clear)(struct keymap_entry *entry))
{
    struct keymap map = {.entry_bytes = entry_bytes, .clear = clear};
    /* Without entropy the map works all the same; its collisions can then be foreseen. */
    if (getrandom(&map.secret, sizeof map.secret, GRND_NONBLOCK) < 0)
        map.secret = (struct siphash_key){1, 2};
    return map;
}

static void free_entry(const struct keymap *map, struct keymap_entry *entry)
{
    if (entry == NULL)
        return;
    if (map->clear != NULL)
        map->clear(entry);
    free(entry);
}

void keymap_clear(struct keymap *map)
{
    for (size_t i = 0; i < map->size; i++)
        free_entry(map, map->slots[i]);
    free(map->slots);
    map->slots = NULL;
    map->size = map->n = 0;
}

/* The slot that holds `key`, or the free one where it belongs: at most half of the slots are taken.
 */
static struct keymap_entry **slot_of(const struct keymap *map, struct bytes key, uint64_t hash)
{
    size_t i = hash & (map->size - 1);
    while (map->slots[i] != NULL &&
           (map->slots[i]->hash != hash || !bytes_equal(map->slots[i]->key, key)))
        i = (i + 1) & (map->size - 1);
    return &map->slots[i];
}

void *keymap_find(const struct keymap *map, struct bytes key)
{
    if (map->n == 0)
        return NULL;
    return *slot_of(map, key, siphash(&map->secret, key.at, key.n));
}

static bool grow(struct keymap *map)
{
    struct keymap larger = *map;
    larger.size = map->size == 0 ? FIRST_SIZE : map->size * 2;
    larger.slots = calloc(larger.size, sizeof(struct keymap_entry *));
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i] != NULL)
            *slot_of(&larger, map->slots[i]->key, map->slots[i]->hash) = map->slots[i];
    free(map->slots);
    *map = larger;
    return true;
}

void *keymap_add(struct keymap *map, struct bytes key)
{
    if (2 * map->n >= map->size && !grow(map))
        return NULL;
    struct keymap_entry *entry = calloc(1, map->entry_bytes + key.n);
    if (entry == NULL)
        return NULL;
    char *copy = (char *)entry + map->entry_bytes;
    memcpy(copy, key.at, key.n);
    entry->key = (struct bytes){copy, key.n};
    entry->hash = siphash(&map->secret, key.at, key.n);
    *slot_of(map, entry->key, entry->hash) = entry;
    map->n++;
    return entry;
}

size_t keymap_cost(const struct keymap *map, struct bytes key)
{
    return map->entry_bytes + key.n + 4 * sizeof(struct keymap_entry *);
}

int keymap_by_key(const void *a, const void *b)
{
    struct bytes x = (*(struct keymap_entry *const *)a)->key;
    struct bytes y = (*(struct keymap_entry *const *)b)->key;
    int order = memcmp(x.at, y.at, x.n < y.n ? x.n : y.n);
    return order != 0 ? order : (x.n > y.n) - (x.n < y.n);
}

void *keymap_sorted(const struct keymap *map, int (*order)(const void *a, const void *b))
{
    struct keymap_entry **all = calloc(map->n + 1, sizeof *all);
    size_t n = 0;
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i] != NULL)
            all[n++] = map->slots[i];
    qsort(all, n, sizeof(void *), order != NULL ? order : keymap_by_key);
    return all;
}
