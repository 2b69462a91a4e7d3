#ifndef REQUEST_NAMES_H
#define REQUEST_NAMES_H

/* names: the process's labels, actions and timer labels, each under a number (see metric/label.h),
 * and its upstream prefixes. */

#include "base/config.h"
#include "metric/label.h"
#include "request/upstream.h"

struct names {
    uint16_t get; /* the action of most requests */
    bool routed;  /* the user has given routes */
    struct label_table labels, actions, timers;
    struct upstream_rule rule; /* the process's own upstream prefixes */
};

extern struct names names;

/* Reads the routes; rules that can't be used are told in a diagnostic. `config` must stay. */
void names_read_routes(const struct config *config);

/* Makes room for MAX_LABELS of each kind. 0 or -ENOMEM. */
int names_begin(const struct config *config);

/* A thread's memory of path segments that it has met lately, up to 16 bytes each, and of their
 * labels: what comes again is not looked at any closer. Zero it to begin. */
#define NAMES_REMEMBERED 64

struct names_memory {
    struct name_memory {
        _Alignas(32) struct bytes_16 segment; /* so that two of these are a cache line */
        uint16_t label;
        uint16_t bytes; /* the segment's and one more; 0: none */
    } of[NAMES_REMEMBERED];
};

/* The label of a request target, by the user's routes first. `memory` is the calling thread's. */
uint16_t names_label(struct names_memory *memory, struct bytes target);

/* The action of a request method. Any thread. */
static inline uint16_t names_action(struct bytes method)
{
    if (__builtin_expect(method.n == 3 && memcmp(method.at, "GET", 3) == 0, 1))
        return names.get;
    return label_number(&names.actions, method);
}

#endif
