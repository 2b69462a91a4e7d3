#ifndef REQUEST_SNAPSHOT_H
#define REQUEST_SNAPSHOT_H

/* snapshot: a request's metrics as they are at one moment. */

#include "request/upstream.h"

enum snapshot_detail { SNAPSHOT_AGG, SNAPSHOT_NO_AGG, SNAPSHOT_ALL };

struct snapshot {
    struct upstream_rule rule;
    uint64_t request_us;
    uint32_t timers;
    struct timer timer[TIMERS_MOST];
};

/* Told of each entry in turn: "req_time" first (with a count of 0), then labels, then prefixes. */
typedef void snapshot_entry(void *context, struct bytes name, uint64_t time_us, uint64_t count);

void snapshot_tell(const struct snapshot *snapshot, enum snapshot_detail detail,
                   snapshot_entry *entry, void *context);

#endif
