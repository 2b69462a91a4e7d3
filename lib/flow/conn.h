#ifndef FLOW_CONN_H
#define FLOW_CONN_H

/*
 * conn: one accepted connection: its two parsers and its requests in order. Several fds may lead to
 * it (dup); it ends with the last one.
 *
 * An fd's slot word is the connection's address and, in the upper 16 bits, its generation: a word
 * that was looked up before a blocking call, and whose connection has ended and begun again as
 * another one since, is told by its generation. Memory is type-stable (base/pool.h).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/pool.h"
#include "proto/http1.h"
#include "request/worker.h"

/* Requests without response that a connection can hold; past it the connection is given up. */
#define CONN_PENDING_MOST 4096

struct conn {
    struct pool_link link;
    struct lock lock;
    _Atomic uint32_t missed; /* bytes went by that nobody could look at */
    uint32_t epoch;          /* process.epoch when it was made or adopted */
    uint16_t generation;
    uint16_t fds;        /* how many lead here */
    bool requests_over;  /* no request can be read any more */
    bool client_gone;    /* the client has closed, or reset */
    bool served;         /* at least one request came */
    uint32_t pending;
    struct worker *oldest, *newest; /* requests without a complete response, in order */
    struct worker *arriving;        /* its head is not complete */
    uint64_t began_ns;              /* first byte of the request that is arriving; 0: none */
    uint64_t wrote_ns;              /* last write of a body that lasts until close */
    struct http1_request request;
    struct http1_response response;
};

/* A connection of one fd, and its slot word; 0 without memory. */
uint64_t conn_make(void);

/*
 * Takes the connection's lock, if `word` still means it. NULL: it has ended, or is the parent's and
 * can't be gone on with, or its lock can't be had. Give it back with conn_leave.
 */
struct conn *conn_enter(uint64_t word);
void conn_leave(struct conn *conn);

/* Under the lock: the connection is over; its workers must be gone. Leaves, too. */
void conn_end(struct conn *conn);

/* Something went by unseen: whoever enters next gives the connection up. Any time, no lock. */
void conn_miss(uint64_t word);

#endif
