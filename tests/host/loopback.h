#ifndef HOST_LOOPBACK_H
#define HOST_LOOPBACK_H

/*
 * loopback: both ends of an HTTP connection in one process. What the client sends fits into the
 * kernel's buffers, so one thread can play both parts, one after the other.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "expect.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { ANSWER_BYTES = sizeof ANSWER - 1 };

struct pair {
    int client, server;
};

static inline void without_delay(int fd)
{
    int yes = 1;
    EXPECT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0);
}

/* A listening socket on a port that the kernel chose. */
static inline int loopback_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(fd >= 0);
    without_delay(fd); /* what is accepted inherits it */
    EXPECT(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    EXPECT(listen(fd, 128) == 0);
    return fd;
}

static inline int loopback_connect(int listener)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    EXPECT(connect(fd, (struct sockaddr *)&address, size) == 0);
    return fd;
}

static inline struct pair pair_make(void)
{
    int listener = loopback_listen();
    struct pair pair = {.client = loopback_connect(listener)};
    pair.server = accept(listener, NULL, NULL);
    EXPECT(pair.server >= 0 && close(listener) == 0);
    return pair;
}

static inline void write_all(int fd, const char *at, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, at, n);
        EXPECT(wrote > 0 || errno == EINTR);
        if (wrote > 0) {
            at += wrote;
            n -= (size_t)wrote;
        }
    }
}

static inline void read_all(int fd, char *at, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, at, n);
        EXPECT(got > 0 || (got < 0 && errno == EINTR));
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

/* The client asks for `target`. */
static inline void ask(int client, const char *target)
{
    char text[256];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    EXPECT(n > 0 && n < (int)sizeof text);
    write_all(client, text, (size_t)n);
}

/* The server reads one head, and nothing that follows it. */
static inline void take(int server)
{
    char head[256];
    size_t n = 0;
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0) {
        EXPECT(n < sizeof head);
        read_all(server, head + n, 1);
        n++;
    }
}

static inline void answer(int server)
{
    write_all(server, ANSWER, ANSWER_BYTES);
}

/* The client gets the whole answer, as it was sent. */
static inline void hear(int client)
{
    char text[ANSWER_BYTES];
    read_all(client, text, sizeof text);
    EXPECT(memcmp(text, ANSWER, sizeof text) == 0);
}

/* The client finds that the server has closed. */
static inline void hear_end(int client)
{
    char c;
    EXPECT(read(client, &c, 1) == 0);
}

static inline void answer_and_hear(struct pair pair)
{
    answer(pair.server);
    hear(pair.client);
}

/* One request from its first byte to its last. */
static inline void exchange(struct pair pair, const char *target)
{
    ask(pair.client, target);
    take(pair.server);
    answer_and_hear(pair);
}

static inline void exchanges(struct pair pair, const char *target, int n)
{
    for (int i = 0; i < n; i++)
        exchange(pair, target);
}

static inline void pair_close(struct pair pair)
{
    EXPECT(close(pair.server) == 0 && close(pair.client) == 0);
}

/* A connection of its own for `n` requests. */
static inline void serve(const char *target, int n)
{
    struct pair pair = pair_make();
    exchanges(pair, target, n);
    pair_close(pair);
}

#endif
