#ifndef FLOW_AHEAD_H
#define FLOW_AHEAD_H

/*
 * ahead: asks the processor for a connection's memory before the real call, whose time it has to
 * come. A server with many connections finds each of them cold when its next request comes, and the
 * lock that is taken first waits for it, with all that follows.
 */

#include <stddef.h>

#include "flow/conn.h"

/* For a call that may bring a request; `word` is flow_look's, not 0. Any time. */
static inline __attribute__((always_inline)) void flow_ahead(uint64_t word)
{
    const char *conn = (const char *)conn_of(word);
    __builtin_prefetch(conn, 1);
    __builtin_prefetch(conn + 64, 1);
    __builtin_prefetch(conn + offsetof(struct conn, request), 1);
}

#endif
