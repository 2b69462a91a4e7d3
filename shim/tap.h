#ifndef SHIM_TAP_H
#define SHIM_TAP_H

/*
 * tap: from a TLS call's result to the desk for sessions (flow/session.h), with the guard up. errno
 * is left alone.
 *
 * A library's function may call another one that the shim stands before as well
 * (SSL_read_early_data calls SSL_read_ex, gnutls_record_send goes on to gnutls_record_send2), in
 * one version and not in the next. What passes is reported where it is seen first, which is the
 * innermost call; the tap of the outer one finds that its session was the last to be reported.
 */

#include <stdbool.h>
#include <stddef.h>

/* Asks the library for a session's side and fd (-1: unknown), not before tap_ready. Leaves
 * errno and the library's errors alone. */
typedef void tap_ask(const void *functions, const void *session, bool *server, int *fd);

/* A call that is being made. */
struct tap {
    const void *session;
    const void *functions; /* the library's */
    tap_ask *ask;
};

/* Before the real call. */
struct tap tap_on(const void *session, const void *functions, tap_ask *ask);

/* A handshake was completed. */
void tap_ready(const struct tap *tap);

/* `n` bytes of plaintext were read or written; nothing happens if it is 0. */
void tap_read(const struct tap *tap, const void *at, size_t n);
void tap_wrote(const struct tap *tap, const void *at, size_t n);
void tap_wrote_unseen(const struct tap *tap, size_t n);

/* Whether it matters that a call found the client gone; and then, that it did. */
bool tap_waits(const struct tap *tap);
void tap_client_gone(const struct tap *tap);

/* A session was made; it is a client's. */
void tap_made(const void *session);
void tap_pass(const void *session);

/* One more refers to a session. */
void tap_held(const void *session);

/* Before the real calls: a session's side is ended, one that refers to a session frees it, or it is
 * to begin anew. */
void tap_over(const void *session);
void tap_freed(const void *session);
void tap_cleared(const void *session);

#endif
