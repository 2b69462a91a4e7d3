#ifndef COLLECT_NAME_H
#define COLLECT_NAME_H

/*
 * name: what a metric's key says, for the keys that the shim sends. Pure.
 *
 * An app's name may contain dots, so keys are found by their anchors, not by counting levels.
 */

#include "base/bytes.h"

enum name_kind {
    NAME_FOREIGN,       /* nothing that the shim sends */
    NAME_ALL,           /* APP.application.allRequests */
    NAME_HOST_ALL,      /* APP.H.allRequests */
    NAME_STATUS,        /* APP.application.byStatusCode.S */
    NAME_HOST_STATUS,   /* APP.H.byStatusCode.S */
    NAME_TYPE,          /* APP.application.byRequestType.L.A */
    NAME_TYPE_UPSTREAM, /* APP.application.byRequestType.L.A.upstreamRequests.U */
    NAME_UPSTREAM,      /* APP.upstreamRequests.U */
    NAME_DROPPED,       /* APP.stats_hero.dropped */
    NAME_SEND_ERRORS,   /* APP.stats_hero.send_errors */
    NAME_DOWN           /* APP.stats_hero.down */
};

struct name {
    enum name_kind kind;
    struct bytes part; /* S, L.A or U: points into the key */
};

/* Says what `key` is. */
struct name name_read(struct bytes key);

/* Splits a part `L.A`: returns L, and A in `*action`. */
struct bytes name_label(struct bytes part, struct bytes *action);

#endif
