#ifndef REQUEST_JOURNAL_H
#define REQUEST_JOURNAL_H

/*
 * journal: the request log, one JSON line per request that ended. A server's processes share the
 * file: it is opened for appending and written in whole lines. When it was moved away a new one is
 * made at its path. Except for journal_begin, only for the sender's thread.
 */

#include "base/config.h"
#include "request/event.h"

/* Opens the file while the process may still have the rights to: servers give them up later. An
 * empty path means no request log. What goes wrong is told in one diagnostic. */
void journal_begin(struct bytes path);

bool journal_wanted(void);

/* The file's fd while it is open, else -1. */
int journal_fd(void);

/* Adds one line. `app` and `host` are as in keys. */
void journal_add(const struct event *event, struct bytes app, struct bytes host);

/* Writes what was added. */
void journal_flush(void);

/* In a forked child: what was added is the parent's to write; the file is shared. */
void journal_forget(void);

#endif
