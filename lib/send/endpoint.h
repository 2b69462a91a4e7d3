#ifndef SEND_ENDPOINT_H
#define SEND_ENDPOINT_H

/*
 * endpoint: one datagram socket to the receiver. Made when it is first needed, kept out of the way
 * of the host's fd numbers, checked before each use (hosts close fds that they don't know, and may
 * have been given our number since), made anew when it is gone. Only for the sender's thread, but
 * for its beginning, and for another thread's that it is lent to.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/bytes.h"
#include "base/owned_fd.h"

/* Names are looked up again after this time, and when sending fails. As long as that fails the
 * address of before stays in use. */
#define ENDPOINT_RESOLVE_NS 60000000000ull

struct endpoint {
    struct bytes host; /* as STATS_HERO_ESTATSD_HOST; must stay */
    uint32_t port;
    struct owned_fd socket;
    struct owned_fd kept; /* while it is lent: the sender's */
    uint64_t resolved_ns, retry_ns;
    int error;         /* until `retry_ns` */
    int address_error; /* the address can't be used, ever: a negative errno value */
    uint32_t address_bytes;
    bool is_name;   /* not an address: looked up again in time */
    bool lent;      /* another thread has it */
    bool segmented; /* its socket cuts large sends into datagrams, until one fails */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage room;
    } address;
};

/* An address, or a path, is read here; a name is looked up by endpoint_fd. */
void endpoint_begin(struct endpoint *endpoint, struct bytes host, uint32_t port);

/*
 * The socket, connected, or a negative errno value: the name can't be resolved (-EHOSTUNREACH), or
 * what socket or connect returned. After a failure it returns the same for a second without trying.
 * A name's look-up may take as long as the resolver does.
 */
int endpoint_fd(struct endpoint *endpoint, uint64_t now_ns);

/* Sending failed for good, with `error`: after a second endpoint_fd makes the socket anew. */
void endpoint_failed(struct endpoint *endpoint, int error, uint64_t now_ns);

/*
 * Another thread sends in the sender's place, and its table of fds may be another: until
 * endpoint_give_back it has a socket of its own to the same address, and no name is looked up. 0,
 * -EHOSTUNREACH for a name that was not looked up so far, or what socket or connect returned; it is
 * lent in any case.
 */
int endpoint_lend(struct endpoint *endpoint);
void endpoint_give_back(struct endpoint *endpoint);

/* Closes the socket if it is still ours. */
void endpoint_end(struct endpoint *endpoint);

#endif
