#ifndef METRIC_LABEL_H
#define METRIC_LABEL_H

/*
 * label: key parts that strangers choose, made harmless and few. Every byte outside A-Z a-z 0-9 _ -
 * becomes `_`, so that no path or method can forge a key level or a line; and a table keeps each
 * distinct one under a number, up to a limit past which all are `other`.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/lock.h"
#include "metric/metric.h"

/* In a name that the user gives (an app, an upstream) a `.` stays, as it makes levels. Writes at
 * most `size` bytes and returns how many; an empty name becomes `_`. */
size_t label_clean_name(char *out, size_t size, struct bytes name);

#define LABEL_OTHER 0 /* the number of `other`, in every table */

struct label {
    uint32_t hash;
    uint8_t n;
    uint64_t word[LABEL_BYTES / 8]; /* the text; the last word's unused bytes are 0 */
};

/* Zero it, then label_table_begin. Numbers are valid for the life of the table. */
struct label_table {
    struct label *label;    /* by number */
    uint32_t most;          /* numbers 1 to `most` are for labels */
    uint32_t slots;         /* a power of two */
    bool dots;              /* a `.` stays: the labels are names that the user gives */
    _Atomic uint16_t *slot; /* by hash: a number, 0 where free */
    uint32_t n;             /* numbers given; who adds has the lock */
    struct lock adding;
    _Atomic bool full;
};

/* Room for `most` labels besides `other`, 1 to 10,000. 0 or -ENOMEM. Before anybody uses it. */
int label_table_begin(struct label_table *table, uint32_t most);

/*
 * The number of `text` once it is cleaned and cut to LABEL_BYTES, a new one the first time it
 * comes. LABEL_OTHER past the limit. Any thread; lock-free once a label is known.
 */
uint16_t label_number(struct label_table *table, struct bytes text);

/* Whether all numbers are given: what has LABEL_OTHER then keeps it for ever. Any thread. */
bool label_table_full(const struct label_table *table);

/* The label's text. */
struct bytes label_text(const struct label_table *table, uint16_t number);

#endif
