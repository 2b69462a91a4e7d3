#ifndef REQUEST_NOTES_H
#define REQUEST_NOTES_H

/* notes: what others add to a request, in a block of its own: few requests need one. Under the
 * worker's lock. */

#include "request/alog.h"
#include "request/timers.h"

struct notes {
    bool reported;
    uint64_t reported_ns; /* the request's time that was reported */
    struct alog alog;
    struct timers timers;
};

/* Empty ones; NULL without memory. */
struct notes *notes_make(void);

void notes_free(struct notes *notes);

#endif
