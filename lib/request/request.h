#ifndef REQUEST_REQUEST_H
#define REQUEST_REQUEST_H

/*
 * request: what a program may do with requests by their ids, its own and those that the shim saw on
 * its connections: the original's functions. Any thread; not from a signal handler that interrupted
 * one of them. Unless said otherwise each returns 0 or
 *
 *   -ENOENT  no live request has this id
 *   -EAGAIN  a lock was held for a quarter of a second
 *   -ENOMEM  no memory
 *
 * monitor_ready must have said yes.
 */

#include <sys/types.h>

#include "request/snapshot.h"

struct request_start {
    struct bytes app, label, action, id, prefixes;
    pid_t parent; /* the owner; 0: the calling thread */
};

/* -EINVAL: an empty id; -ENAMETOOLONG: id, app and prefixes; -ENOSPC: as scope_number, or too many
 * live requests; -ESRCH: the parent is no thread of this process. */
int request_start(const struct request_start *start);

/* -EINVAL: the label is a log's. */
int request_add_time(struct bytes id, struct bytes label, uint64_t time_us);

/* -EINVAL: the label is a timer's; -ENOSPC: over ALOG_BYTES. */
int request_append(struct bytes id, struct bytes label, struct bytes message);

/* Writes the log to `w`, as far as it fits; returns its size, or a negative errno value. */
ssize_t request_read_log(struct bytes id, struct bytes label, struct writer *w);

int request_snapshot(struct bytes id, struct snapshot *snapshot);

/* -EPERM: the shim reports this request, and ends it. */
int request_report(struct bytes id, int status);
int request_stop(struct bytes id);

/* `tid` 0: the calling thread. -ESRCH: no thread of this process. */
int request_reparent(struct bytes id, pid_t tid);

/* All that the thread owns is stopped; what the shim saw can't be found any more. */
int request_clean(pid_t tid);

/* The thread's end is watched from now on. -ESRCH. */
int request_watch(pid_t tid);

/* How many requests are live. */
size_t request_count(void);

#endif
