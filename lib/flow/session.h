#ifndef FLOW_SESSION_H
#define FLOW_SESSION_H

/*
 * session: the reception desk of TLS. What a server reads from and writes to a session is
 * plaintext, and followed as the bytes of a connection are (flow/flow.h); the ciphertext at its fd,
 * if it has one that we know, is not looked at. A session is told by the address that its library
 * gave it.
 *
 * Only a server's sessions are followed. One whose fd is known shares that connection: it was
 * accepted on a wanted port, and its end is the session's. The fd is known because the library says
 * so, or because its ciphertext, and no other's, passed within the call that the session begins in.
 * One without (memory BIOs, a fd that came from elsewhere) has a connection of its own; where
 * LISTEN_PORTS is set it is not followed, unless its fd is on such a port.
 *
 * Reports are made after the real call, on the thread that made it, with the guard up; those of a
 * session's end before it. Not async-signal-safe: the guard keeps handlers out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "flow/passing.h"
#include "flow/session_table.h"

/* The host made a session: if another one is known at that address, its end was not seen. */
void session_made(const void *key);

/* The session is a client's. */
void session_pass(const void *key);

/* A call on a session is about to be made. */
static inline void session_call(void)
{
    passing_begin();
}

/* What is known of a session, for the functions below; false: nothing yet. */
static inline bool session_find(const void *key, struct session *session)
{
    return session_table_find(key, session);
}

/* The session is a server's, or not; its ciphertext passes through `fd` (-1: the library does not
 * know). To be told once a handshake is over or plaintext has passed: before, a library may not
 * know a session's side. Fills `*session`. */
void session_begin(const void *key, bool server, int fd, struct session *session);

/* The host read these bytes of plaintext from the session, or wrote them to it; n > 0. */
void session_read(const struct session *session, const void *at, size_t n);
void session_wrote(const struct session *session, const void *at, size_t n);

/* The host sent `n` > 0 bytes of plaintext that did not pass through its memory. */
void session_wrote_unseen(const struct session *session, size_t n);

/* A request waits for its response, and nobody knows of the client that it is gone. */
bool session_waits(const struct session *session);

/* The client has ended the session, or is gone. */
void session_client_gone(const struct session *session);

/* The host is about to end its side of the session; the rest of it is not followed. */
void session_over(const void *key);

/* One more refers to the session: it is not over before each of them has freed it. */
void session_held(const void *key);

/* One that refers to the session is about to free it: the last one's end is the session's, and it
 * is forgotten. */
void session_freed(const void *key);

/* The session is about to begin anew. */
void session_cleared(const void *key);

#endif
