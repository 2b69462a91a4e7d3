#ifndef REQUEST_NAMES_H
#define REQUEST_NAMES_H

/* names: the process's labels, actions and timer labels, each under a number (see metric/label.h),
 * and its upstream prefixes. */

#include "base/config.h"
#include "metric/label.h"
#include "request/upstream.h"

struct names {
    struct label_table labels, actions, timers;
    uint16_t get;              /* the action of most requests */
    struct upstream_rule rule; /* the process's own upstream prefixes */
};

extern struct names names;

/* Reads the routes; rules that can't be used are told in a diagnostic. `config` must stay. */
void names_read_routes(const struct config *config);

/* Makes room for MAX_LABELS of each kind. 0 or -ENOMEM. */
int names_begin(const struct config *config);

/* The label of a request target, by the user's routes first. Any thread. */
uint16_t names_label(struct bytes target);

/* The action of a request method. Any thread. */
static inline uint16_t names_action(struct bytes method)
{
    if (__builtin_expect(method.n == 3 && memcmp(method.at, "GET", 3) == 0, 1))
        return names.get;
    return label_number(&names.actions, method);
}

#endif
