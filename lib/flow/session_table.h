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
    uint32_t held; /* references to it besides the first */
};

/* Fills `*session`; false if nothing is known. A table that can't be looked at knows of every
 * session that it is not followed. */
bool session_table_find(const void *key, struct session *session);

/* Keeps it, in the place of what was known before, but for who holds it. False if there is no
 * memory for it. */
bool session_table_put(const struct session *session);

/* One more holds the session, of which nothing else need be known. */
void session_table_hold(const void *key);

/* One that held it does so no more; false: there was none but the first. */
bool session_table_let_go(const void *key);

/* Forgets what is known of it, but for who holds it; or that, too. */
void session_table_clear(const void *key);
void session_table_remove(const void *key);

#endif
