#ifndef REQUEST_ID_TABLE_H
#define REQUEST_ID_TABLE_H

/*
 * id_table: a set of request ids by open addressing. One writer at a time, the caller's lock; any
 * number of readers, without one.
 *
 * Why not CK's ck_hs, which can do the same: with it an insertion, a look-up and a removal of a
 * 16-byte id took the registry 760 instructions, 500 of them its own; with this they take 310. What
 * is CK's here is the reclamation of outgrown arrays, ck_epoch (request/epoch.h).
 *
 * A slot is empty, left, or an entry: the address of an id with 16 bits of its hash in the half
 * that addresses leave free, so that an entry of another hash is passed over without a look at its
 * memory. Entries never move. A removed entry's slot is left; it becomes empty, and with it those
 * left before it, when the next one is empty: nothing behind it could be missed then. At the low
 * load that is kept that is nearly always. A reader goes on to the first empty slot; what it finds
 * may be recycled at any time, and it is for the caller to look at the id's version.
 */

#include "request/id.h"

/* What readers load, kept apart from what writers change at each step: the address of the array of
 * slots, and in its low bits how many there are. */
struct id_table {
    _Atomic uintptr_t slots; /* 0: none yet */
};

/* The writer's account of a table. */
struct id_usage {
    uint32_t live, left;
};

/* Readers, inside a section of their epoch record: the id that equals `wanted`, whose hash is
 * `hash`, or NULL. What was compared is `*version` of it: another one later is another id. */
struct request_id *id_table_find(const struct id_table *table, const struct request_id *wanted,
                                 uint64_t hash, uint32_t *version);

/* Writer: puts `id`, whose hash is `hash`, where an equal one stands, which is returned in
 * `*older`, or adds it (NULL). 0 or -ENOMEM. */
int id_table_put(struct id_table *table, struct id_usage *usage, struct request_id *id,
                 uint64_t hash, struct request_id **older);

/* Writer: `by` takes the place of `id`, which is equal and stands in the table. */
void id_table_replace(struct id_table *table, struct request_id *id, struct request_id *by);

/* Writer: removes `id`, which stands in the table. */
void id_table_remove(struct id_table *table, struct id_usage *usage, struct request_id *id);

#endif
