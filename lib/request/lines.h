#ifndef REQUEST_LINES_H
#define REQUEST_LINES_H

/*
 * lines: requests turned into metric lines, in the original's order: counters, the request's own
 * times, its upstream times by prefix, by label, and by prefix under its type. Inside a group lines
 * are sorted by label. Only for the sender's thread. Lines that find no room are left out whole,
 * and `full` of the writer is set.
 */

#include "base/config.h"
#include "metric/codec.h"
#include "request/event.h"
#include "request/scope.h"
#include "request/upstream.h"

/* What all lines of a process share, or those of one scope. */
struct lines {
    const struct codec *codec;
    bool in_ms; /* else in us */
    struct upstream_rule rule;
    size_t app_bytes, host_bytes;
    char app[128], host[128];
};

void lines_begin(struct lines *lines, const struct config *config);

/* The same for requests of another scope; the rest is as in the process's own. */
void lines_begin_scope(struct lines *lines, const struct lines *of_process, struct scope scope);

/* `count` requests of one label and action began. */
void lines_started(const struct lines *lines, struct writer *w, uint16_t label, uint16_t action,
                   uint64_t count);

/* `count` requests ended with this status. */
void lines_status(const struct lines *lines, struct writer *w, int status, uint64_t count);

/* All lines of a request: its start, its end's status, its times. As the three others in turn, but
 * the counts of what comes again and again are found at once. */
void lines_whole(const struct lines *lines, struct writer *w, const struct event *event);

/* The times of a request that ended. */
void lines_times(const struct lines *lines, struct writer *w, const struct event *event);

/* The same lines of a request without upstream times, `whole` or its times alone, where they stand:
 * one copy less. A view until the next call here; empty if they are too long to be kept. */
struct bytes lines_kept(const struct lines *lines, const struct event *event, bool whole);

/* One of the shim's own figures: APP.stats_hero.NAME. */
void lines_own(const struct lines *lines, struct writer *w, const char *name, uint64_t count);

#endif
