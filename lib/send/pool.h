#ifndef SEND_POOL_H
#define SEND_POOL_H

/*
 * pool: the endpoints, and the sending of many datagrams by one system call. Batches go to the
 * endpoints in turn; one that fails does not stop the others. UDP datagrams of one size, the last
 * of which may be smaller, go down to the kernel as one large one that it cuts (UDP_SEGMENT, from
 * Linux 4.18 on), which takes it a third of the time. Only for who has the sender's place.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "send/endpoint.h"

#define SEND_POOL_MOST   64            /* endpoints */
#define SEND_POOL_ANY    UINT32_MAX    /* the one whose turn it is */
#define SEND_DATAGRAMS   32            /* datagrams per system call */
#define SEND_PATIENCE_NS 1000000000ull /* how long a full receiver is waited for */

struct send_pool {
    struct endpoint endpoint[SEND_POOL_MOST];
    uint32_t n, turn;
    _Atomic uint64_t
        give_up_ns;        /* the moment past which nobody is waited for; 0: none; any thread */
    bool (*hurried)(void); /* a full receiver is not waited for just now; NULL: never so */
    uint64_t errors;       /* datagrams that could not be sent, ever */
    int error;             /* why the last of them could not: a negative errno value */
};

void send_pool_begin(struct send_pool *pool, struct bytes host, uint32_t port, uint32_t n);

/* Whether the receiver is to be looked up by name. */
bool send_pool_looks_up(const struct send_pool *pool);

/* Makes an endpoint's socket, or the next one's, which may take as long as the resolver does. 0, or
 * a negative errno value. */
int send_pool_ready(struct send_pool *pool, uint32_t which);

/*
 * Sends `n` datagrams, at most SEND_DATAGRAMS, by one endpoint or the next. Waits for a receiver's
 * full buffer as long as SEND_PATIENCE_NS, and not past `give_up_ns`. Returns how many went out;
 * the others are counted in `errors`, as are those that an ICMP error of an earlier datagram spoke
 * of ("port closed"). But if it had to wait while it was `hurried`, `error` is -ECANCELED, and the
 * others are the caller's still.
 */
uint32_t send_pool_send(struct send_pool *pool, uint32_t which, const struct bytes *datagram,
                        uint32_t n);

/* What takes long is to be put off. */
static inline bool send_pool_hurried(const struct send_pool *pool)
{
    return pool->hurried != NULL && pool->hurried();
}

/* For each endpoint; the first error. See send/endpoint.h. */
int send_pool_lend(struct send_pool *pool);
void send_pool_give_back(struct send_pool *pool);

/* Closes the sockets; they are made anew when they are needed. */
void send_pool_end(struct send_pool *pool);

#endif
