#ifndef FLOW_CALL_H
#define FLOW_CALL_H

/* call: calls of a host's functions as requests, on the thread that makes them. With the guard up;
 * not from a signal handler that interrupted one of these. monitor_ready must have said yes. */

#include <stdbool.h>

#include "request/worker.h"

/* Whether the calling thread owns requests that have not ended: a call is part of one then. */
bool call_in_request(void);

/* The call is a request of these names; an empty id counts as none. NULL without memory, which is
 * counted. */
struct worker *call_begins(struct bytes id, struct bytes label, struct bytes action);

/* It has returned, or `done` is false: an exception passed, or it was found to be gone. */
void call_ends(struct worker *worker, int status, bool done);

/* Its thread is ending within the call: the request is left to that end. */
void call_left(struct worker *worker);

#endif
