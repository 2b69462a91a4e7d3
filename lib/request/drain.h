#ifndef REQUEST_DRAIN_H
#define REQUEST_DRAIN_H

/* drain: what the sender does with the events of all threads: lines, sums, the request log. */

#include "base/config.h"
#include "send/sender.h"

/* Before the sender starts, and in a forked child before its own starts. */
void drain_begin(const struct config *config);

/* The process ends: requests that are still open are counted as DOWN by the last drain. */
void drain_at_end(void);

/* For struct sender_source. Of a batch in parts (batch_begin_part) it leaves queues for the next
 * call once a part is done, and figures too, if they were told less than a flush time ago. */
bool drain_all(struct batch *batch, bool last);
uint64_t drain_due_ns(void);

#endif
