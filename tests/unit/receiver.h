#ifndef UNIT_RECEIVER_H
#define UNIT_RECEIVER_H

/*
 * receiver: a datagram socket on a free port or name, read with a deadline; and a collector, a
 * thread that reads it until it is told that no more comes.
 */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"

#define RECEIVER_PATIENCE_MS 10000

struct receiver {
    int fd;
    uint32_t port;
    char host[128]; /* as STATS_HERO_ESTATSD_HOST */
    char datagram[65536];
};

/* `port` 0: a free one. */
static inline void receiver_bind_udp(struct receiver *r, const char *address, uint32_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool is_4 = inet_pton(AF_INET, address, &in.sin_addr) == 1;
    cr_assert(is_4 || inet_pton(AF_INET6, address, &in6.sin6_addr) == 1);
    struct sockaddr *any = is_4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
    socklen_t size = is_4 ? sizeof in : sizeof in6;
    r->fd = socket(any->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(r->fd, any, size), 0);
    cr_assert_eq(getsockname(r->fd, any, &size), 0);
    r->port = ntohs(is_4 ? in.sin_port : in6.sin6_port);
    snprintf(r->host, sizeof r->host, "%s", address);
}

static inline void receiver_udp(struct receiver *r)
{
    receiver_bind_udp(r, "127.0.0.1", 0);
}

/* A Unix socket: a name that begins with '@' is abstract, any other is a path. */
static inline void receiver_unix(struct receiver *r, const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    cr_assert(n < sizeof un.sun_path);
    memcpy(un.sun_path, name, n);
    if (name[0] == '@')
        un.sun_path[0] = '\0';
    r->port = 1;
    r->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(r->fd, (struct sockaddr *)&un,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                 0);
    snprintf(r->host, sizeof r->host, "unix:%s", name);
}

/* An abstract name of this process's own. */
static inline void receiver_abstract(struct receiver *r)
{
    char name[64];
    snprintf(name, sizeof name, "@stats-hero-unit-%d", (int)getpid());
    receiver_unix(r, name);
}

/* The next datagram; its `at` is NULL if none came within `ms`. */
static inline struct bytes receiver_within(struct receiver *r, int ms)
{
    struct pollfd readable = {r->fd, POLLIN, 0};
    if (poll(&readable, 1, ms) != 1)
        return (struct bytes){NULL, 0};
    ssize_t n = recv(r->fd, r->datagram, sizeof r->datagram, 0);
    return (struct bytes){r->datagram, n > 0 ? (size_t)n : 0};
}

static inline struct bytes receiver_next(struct receiver *r)
{
    return receiver_within(r, RECEIVER_PATIENCE_MS);
}

/* The port that the next datagram comes from, in network order. */
static inline in_port_t receiver_next_port(struct receiver *r)
{
    char byte;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    cr_assert_gt(recvfrom(r->fd, &byte, 1, 0, (struct sockaddr *)&from, &size), 0);
    return from.sin_port;
}

/* By this sender's socket it is full after few datagrams, whatever the kernel is set to. */
static inline void receiver_full_soon(int fd)
{
    int bytes = 8192;
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
}

static inline void receiver_close(struct receiver *r)
{
    close(r->fd);
}

#define COLLECTOR_END   "that is all"
#define COLLECTOR_BYTES (64u << 20)

struct collector {
    struct receiver *receiver;
    pthread_t thread;
    char *text; /* all datagrams, one after the other; stays as long as the process */
    size_t n, largest;
};

static inline void collector_take(struct collector *c, struct bytes datagram)
{
    if (COLLECTOR_BYTES - c->n < datagram.n)
        abort();
    if (datagram.n > 0) /* an empty one may have no address */
        memcpy(c->text + c->n, datagram.at, datagram.n);
    c->n += datagram.n;
    if (datagram.n > c->largest)
        c->largest = datagram.n;
}

static inline void *collector_run(void *collector)
{
    struct collector *c = collector;
    for (;;) {
        struct bytes datagram = receiver_within(c->receiver, -1);
        if (bytes_equal(datagram, BYTES(COLLECTOR_END)))
            return NULL;
        collector_take(c, datagram);
    }
}

static inline void collector_begin(struct collector *c, struct receiver *receiver)
{
    *c = (struct collector){.receiver = receiver};
    c->text = mmap(NULL, COLLECTOR_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq(c->text, MAP_FAILED);
    cr_assert_eq(pthread_create(&c->thread, NULL, collector_run, c), 0);
}

/* All that was sent to the receiver before this call. */
static inline struct bytes collector_end(struct collector *c)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    cr_assert_eq(getsockname(c->receiver->fd, (struct sockaddr *)&address, &size), 0);
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_gt(
        sendto(fd, COLLECTOR_END, sizeof COLLECTOR_END - 1, 0, (struct sockaddr *)&address, size),
        0);
    close(fd);
    cr_assert_eq(pthread_join(c->thread, NULL), 0);
    return (struct bytes){c->text, c->n};
}

/* How many lines of `text` begin and end like this. */
static inline size_t count_lines(struct bytes text, const char *beginning, const char *ending)
{
    size_t n = 0;
    for (struct bytes rest = text; rest.n > 0;) {
        struct bytes line = bytes_cut(&rest, '\n'), end = bytes_of(ending);
        n += bytes_start_with(line, bytes_of(beginning)) && line.n >= end.n &&
             memcmp(line.at + line.n - end.n, end.at, end.n) == 0;
    }
    return n;
}

#endif
