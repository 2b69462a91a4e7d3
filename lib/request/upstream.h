#ifndef REQUEST_UPSTREAM_H
#define REQUEST_UPSTREAM_H

/* upstream: a request's timers, gathered under upstream prefixes. */

#include "request/timers.h"

struct upstream_rule {
    struct bytes prefixes; /* separated by commas; the first that a label begins with takes it */
    bool first_parts;      /* each label counts under its first part instead */
};

/* A timer under its prefix, or the sum of a prefix's timers. */
struct upstream {
    struct bytes prefix, label;
    uint64_t time_us, count;
};

/* The timers that a prefix takes, sorted by prefix and label: how many of the `n`. */
size_t upstream_list(const struct upstream_rule *rule, const struct timer *timer, size_t n,
                     struct upstream *list);

/* Sums up the prefix that stands at `*at` and moves past it; false at the end. */
bool upstream_sum(const struct upstream *list, size_t n, size_t *at, struct upstream *sum);

#endif
