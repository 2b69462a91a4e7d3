#ifndef REQUEST_ALOG_H
#define REQUEST_ALOG_H

/*
 * alog: the append logs of one request: text per label, in the order in which it was appended. One
 * thread at a time: the worker's lock.
 */

#include "base/bytes.h"
#include "request/block.h"

#define ALOG_BYTES    65536 /* of all logs of a request */
#define ALOG_MESSAGES 16384 /* so many may be short or empty */

struct alog {
    struct block *first, *last;
    uint32_t bytes; /* of all messages */
    uint32_t messages;
    uint32_t last_bytes; /* used in the last block */
};

/* Appends to the label's log; `label` is LABEL_BYTES at most. 0; -ENOSPC: over ALOG_BYTES or
 * ALOG_MESSAGES; -ENOMEM.
 * On error nothing is appended. */
int alog_append(struct alog *alog, struct bytes label, struct bytes message);

/* Whether something was appended under the label, empty messages too. */
bool alog_has(const struct alog *alog, struct bytes label);

/* Writes the label's log to `w`, as far as it fits, and returns its size. */
size_t alog_read(const struct alog *alog, struct bytes label, struct writer *w);

/* There are none any more. */
void alog_clear(struct alog *alog);

#endif
