#ifndef FLOW_JOIN_H
#define FLOW_JOIN_H

/*
 * join: what the parsers see on a connection, turned into workers' lives. Every function is called
 * with the connection entered (flow/conn.h), on the thread that reads or writes. Those that return
 * bool say whether the connection is worth following any longer; after false call join_abandon.
 */

#include "base/config.h"
#include "flow/conn.h"

/* Once, before the rest: the name of the request id's header. */
void join_begin(const struct config *config);

/* TLS sessions of this process are followed: from now on a connection that begins as TLS is not one
 * that is not HTTP, but sealed (CONN_SEALED), and worth following. Any time. */
void join_expect_tls(void);

/* The host read these bytes of the client's. */
bool join_read(struct conn *conn, const char *at, size_t n);

/* The host moved `n` bytes of the client's that nobody saw. */
bool join_read_unseen(struct conn *conn, uint64_t n);

/* The client will send no more: it closed or reset the connection. */
bool join_client_gone(struct conn *conn);

/* The host wrote these bytes to the client. */
bool join_wrote(struct conn *conn, const char *at, size_t n);

/* The host sent `n` bytes to the client that nobody saw. */
bool join_wrote_unseen(struct conn *conn, uint64_t n);

/* A request waits for the first byte of its response. */
bool join_unanswered(const struct conn *conn);

/* The host will write no more: what is open ends as it is. */
void join_over(struct conn *conn);

/* The connection is not followed any more although the host goes on with it: what is open ends with
 * the status it has, 0 without one. */
void join_abandon(struct conn *conn);

#endif
