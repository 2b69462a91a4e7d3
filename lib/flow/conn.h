#ifndef FLOW_CONN_H
#define FLOW_CONN_H

/*
 * conn: one accepted connection: its two parsers and its requests in order. Several fds may lead to
 * it (dup); it ends with the last one. Where a TLS session's plaintext is what is followed
 * (flow/session.h), the session leads to it too: to one of its own, or to the one of the fd that
 * its ciphertext passes through.
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

/* In conn.apart. */
#define CONN_MISSED 1u /* bytes went by that nobody could look at */
#define CONN_SEALED 2u /* what passes its fds is ciphertext, and not looked at */
#define CONN_TAPPED 4u /* a TLS session leads here, and its plaintext is looked at */

struct conn {
    struct pool_link link;
    struct lock lock;
    _Atomic uint32_t apart; /* CONN_ bits; 0: every byte at its fds is looked at */
    uint32_t epoch;         /* process.epoch when it was made or adopted */
    uint16_t generation;
    uint16_t fds;       /* how many lead here; 1 for a session's own */
    bool requests_over; /* no request can be read any more */
    bool client_gone;   /* the client has closed, or reset */
    bool served;        /* at least one request came */
    bool given;         /* another process opened it, and perhaps as a client */
    uint32_t pending;
    struct worker *oldest, *newest; /* requests without a complete response, in order */
    struct worker *arriving;        /* its head is not complete */
    struct worker *spare;           /* for the next request; NULL: none */
    uint64_t began_ns;              /* first byte of the request that is arriving; 0: none */
    uint64_t wrote_ns;              /* last write of a body that lasts until close */
    struct http1_response response;
    struct http1_request request; /* last: the line that it keeps is long, and seldom needed */
};

/* A connection of one fd, and its slot word; 0 without memory. */
uint64_t conn_make(void);

/*
 * Takes the connection's lock, if `word` still means it. NULL: it has ended, or is the parent's and
 * can't be gone on with, or its lock can't be had. Give it back with conn_leave.
 */
static inline struct conn *conn_enter(uint64_t word);
static inline void conn_leave(struct conn *conn);

/* Under the lock: everything begins anew but the identity, with these CONN_ bits; its workers must
 * be gone, but for the spare one. */
void conn_renew(struct conn *conn, uint32_t apart);

/* Under the lock: what is in conn.apart, and more of it. */
static inline bool conn_is(const struct conn *conn, uint32_t bits);
static inline void conn_set_apart(struct conn *conn, uint32_t bits);

/* Under the lock: the connection is over; its workers must be gone, but for the spare one. Leaves,
 * too. */
void conn_end(struct conn *conn);

/* Of conn_enter: it is the parent's, under the lock; and the ways to end without it. */
__attribute__((noinline)) void conn_adopt(struct conn *conn);
__attribute__((noinline)) struct conn *conn_refuse(uint64_t word, struct conn *conn, bool locked);

/* Something went by unseen: whoever enters next gives the connection up. Any time, no lock. */
void conn_miss(uint64_t word);

#define CONN_ADDRESS_BITS 48

static inline bool conn_is(const struct conn *conn, uint32_t bits)
{
    return atomic_load_explicit(&conn->apart, memory_order_relaxed) & bits;
}

static inline void conn_set_apart(struct conn *conn, uint32_t bits)
{
    atomic_fetch_or_explicit(&conn->apart, bits, memory_order_relaxed);
}

static inline struct conn *conn_of(uint64_t word)
{
    return (struct conn *)(uintptr_t)(word & ((1ull << CONN_ADDRESS_BITS) - 1));
}

static inline __attribute__((always_inline)) struct conn *conn_enter(uint64_t word)
{
    struct conn *conn = conn_of(word);
    if (__builtin_expect(!lock_take(&conn->lock), 0))
        return conn_refuse(word, conn, false);
    if (__builtin_expect(conn->generation != (uint16_t)(word >> CONN_ADDRESS_BITS), 0))
        return conn_refuse(word, conn, true);
    if (__builtin_expect(conn->epoch != process.epoch, 0))
        conn_adopt(conn);
    return conn;
}

static inline void conn_leave(struct conn *conn)
{
    lock_release(&conn->lock);
}

#endif
