#ifndef COLLECT_SERIES_H
#define COLLECT_SERIES_H

/*
 * series: what arrived, summed up: counters and timers by key, and the view of them as requests for
 * the keys that the shim sends (name.h). One thread at a time.
 *
 * Memory is bounded: past SERIES_KEYS keys of a kind, or past SERIES_BYTES in all, what has no
 * place of its own is counted under the key `other`.
 *
 * Whether a request failed (status 0, or 500 and above) is known per status always, and per label
 * and action where its status and its time stand together, as they do when the sender does not
 * aggregate: inside one datagram `byStatusCode.S:1|m` belongs to the next byRequestType timer. A
 * sender with STATS_HERO_AGGREGATE_MS above 0 sums the statuses of many requests: these requests
 * count as of unknown status in their type, never as errors of another one's.
 *
 * An upstream name is counted once a request: where a label is a prefix of its own the sender
 * spells the same key twice, as the prefix's sum and as the label's.
 */

#include "base/config.h"
#include "collect/histogram.h"
#include "collect/keymap.h"
#include "collect/line.h"

#define SERIES_KEYS  ((size_t)100000)
#define SERIES_BYTES ((size_t)256 << 20)

struct series;

struct series_counter {
    struct keymap_entry entry;
    double sum;
    bool foreign; /* not a key that the shim sends */
};

struct series_timer {
    struct keymap_entry entry;
    struct histogram us;
    bool foreign;
};

/* Requests of one label and action; the key is `L.A`. */
struct series_type {
    struct series_timer timer; /* of those that ended */
    double started;
    uint64_t errors;
    uint64_t unknown; /* ended, and their status is not known */
};

struct series_upstream {
    struct keymap_entry entry;
    uint64_t count; /* requests that called it */
    double time_us;
    uint64_t group;
};

/* All of it at one moment. The lists end with NULL; their entries belong to the series. */
struct series_view {
    struct series_counter **counters;   /* by key */
    struct series_timer **timers;       /* by key */
    struct series_counter **statuses;   /* by code */
    struct series_type **types;         /* most requests first */
    struct series_upstream **upstreams; /* most time first */
    double total;                       /* requests that started */
    double seconds;                     /* from the first request to the last, at least 1 */
    double rate;                        /* total / seconds */
    uint64_t ended;                     /* requests whose time is known */
    double errors;                      /* by status */
    double dropped, send_errors, down;  /* the shim's own counters */
    uint64_t ignored;                   /* values of kinds that are not aggregated */
};

/*
 * An empty series for timers in `unit`, to be given to series_free; `keys` bounds the keys of each
 * kind (SERIES_KEYS). 0 or -ENOMEM.
 */
int series_new(struct series **series, enum time_unit unit, size_t keys);
void series_free(struct series *series);

/* Says that the lines to come are of one datagram, which arrived at `now_ns` (monotonic). */
void series_datagram(struct series *series, uint64_t now_ns);

/* Adds one value; a line_sink whose context is the series. A negative time counts as 0. */
void series_add(void *series, const struct line *line);

/* Fills `*view`, to be given to series_view_free before the next series_add. 0 or -ENOMEM. */
int series_view(const struct series *series, struct series_view *view);
void series_view_free(struct series_view *view);

#endif
