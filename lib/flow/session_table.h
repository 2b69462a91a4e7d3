#ifndef FLOW_SESSION_TABLE_H
#define FLOW_SESSION_TABLE_H

/*
 * session_table: a TLS library's session => what we know of it, by open addressing in shards with a
 * lock each. Sessions are told by their address alone. Any thread; a forked child has a copy.
 */

#include <stdbool.h>
#include <stdint.h>

/* What is known of a session. */
struct session {
    const void *key;
    uint64_t word; /* its connection's (flow/conn.h); 0: it is not followed */
    int fd;        /* that its connection is known by, too; -1: by none */
};

/* Fills `*session`; false if nothing is known. A table that can't be looked at knows of every
 * session that it is not followed. */
bool session_table_find(const void *key, struct session *session);

/* Keeps it, in the place of what was known before. False if there is no memory for it. */
bool session_table_put(const struct session *session);

/* Forgets it. */
void session_table_remove(const void *key);

#endif
