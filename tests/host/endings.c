/* endings SCENARIO: who ends a connection and how; and the reads and writes that are no progress.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>

#include "loopback.h"

enum { BIG_BYTES = 4 << 20 };

#define BIG_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n"

/* The client sends all it has to say, and reads on. */
static void half_close(void)
{
    struct pair pair = pair_make();
    char c;
    ask(pair.client, "/half");
    EXPECT(shutdown(pair.client, SHUT_WR) == 0);
    take(pair.server);
    EXPECT(read(pair.server, &c, 1) == 0);
    answer_and_hear(pair);
    pair_close(pair);
}

static void reset(int client)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    EXPECT(setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
    EXPECT(close(client) == 0);
}

static void await(int fd, short events)
{
    struct pollfd pollfd = {fd, events, 0};
    EXPECT(poll(&pollfd, 1, PATIENCE_S * 1000) == 1);
}

static int taken_from(int *client, const char *target)
{
    struct pair pair = pair_make();
    ask(pair.client, target);
    take(pair.server);
    *client = pair.client;
    return pair.server;
}

static void reset_is_read(void)
{
    int client, server = taken_from(&client, "/gone");
    char c;
    reset(client);
    EXPECT_ERROR(ECONNRESET, recv(server, &c, 1, 0));
    EXPECT(close(server) == 0);
}

static void reset_is_written_to(void)
{
    int client, server = taken_from(&client, "/gone");
    reset(client);
    await(server, POLLIN);
    EXPECT(send(server, ANSWER, ANSWER_BYTES, MSG_NOSIGNAL) == -1);
    EXPECT(close(server) == 0);
}

static void reset_is_polled(void)
{
    int client, server = taken_from(&client, "/gone");
    reset(client);
    await(server, POLLIN);
    EXPECT(close(server) == 0);
}

static void end_is_read(void)
{
    int client, server = taken_from(&client, "/gone");
    char c;
    EXPECT(close(client) == 0 && read(server, &c, 1) == 0);
    EXPECT(close(server) == 0);
}

static void end_is_polled(void)
{
    int client, server = taken_from(&client, "/gone");
    EXPECT(close(client) == 0);
    await(server, POLLRDHUP);
    EXPECT(close(server) == 0);
}

/* The status line is out when the client goes. */
static void reset_amid_the_answer(void)
{
    int client, server = taken_from(&client, "/amid");
    write_all(server, ANSWER, ANSWER_BYTES - 1);
    reset(client);
    await(server, POLLIN);
    EXPECT(send(server, "k", 1, MSG_NOSIGNAL) == -1);
    EXPECT(close(server) == 0);
}

static void no_answer(void)
{
    int client, server = taken_from(&client, "/mute");
    EXPECT(close(server) == 0);
    hear_end(client);
    EXPECT(close(client) == 0);
}

/* The server has nothing to read, and its client takes the answer slowly. */
static size_t write_until_full(int fd, size_t left)
{
    static const char block[1 << 16];
    for (;;) {
        ssize_t wrote = write(fd, block, left < sizeof block ? left : sizeof block);
        if (wrote <= 0 || (left -= (size_t)wrote) == 0) {
            EXPECT(wrote > 0 || errno == EAGAIN);
            return left;
        }
    }
}

static void not_blocking(void)
{
    static char sink[1 << 20];
    struct pair pair = pair_make();
    char c;
    int full = 0, room = 1 << 16; /* else the kernel may make room for all of it */
    EXPECT(setsockopt(pair.server, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    EXPECT(setsockopt(pair.client, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    EXPECT(fcntl(pair.server, F_SETFL, O_NONBLOCK) == 0);
    EXPECT_ERROR(EAGAIN, read(pair.server, &c, 1));
    ask(pair.client, "/slow");
    await(pair.server, POLLIN);
    take(pair.server);
    EXPECT_ERROR(EAGAIN, recv(pair.server, &c, 1, 0));
    write_all(pair.server, BIG_HEAD, sizeof BIG_HEAD - 1);
    read_all(pair.client, sink, sizeof BIG_HEAD - 1);
    for (size_t left = BIG_BYTES, heard = 0; heard < BIG_BYTES;) {
        size_t before = left;
        left = left > 0 ? write_until_full(pair.server, left) : 0;
        full += left > 0;
        EXPECT(before != left || left == 0 || heard > 0);
        ssize_t got = read(pair.client, sink, sizeof sink);
        EXPECT(got > 0);
        heard += (size_t)got;
    }
    EXPECT(full > 0);
    exchange(pair, "/slow");
    pair_close(pair);
}

/* Bytes that are looked at twice are read once. */
static void peek(void)
{
    struct pair pair = pair_make();
    char text[256];
    struct iovec vector = {text, sizeof text};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    for (int i = 0; i < 3; i++) {
        ask(pair.client, "/peek");
        EXPECT(recv(pair.server, text, sizeof text, MSG_PEEK) > 0);
        EXPECT(recvfrom(pair.server, text, sizeof text, MSG_PEEK, NULL, NULL) > 0);
        EXPECT(recvmsg(pair.server, &message, MSG_PEEK | MSG_TRUNC) > 0);
        take(pair.server);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

static void wait_for_all(void)
{
    static const char text[] = "GET /all HTTP/1.1\r\nHost: x\r\n\r\n";
    char head[sizeof text - 1];
    struct pair pair = pair_make();
    for (int i = 0; i < 3; i++) {
        write_all(pair.client, text, sizeof head);
        EXPECT(recv(pair.server, head, sizeof head, MSG_WAITALL) == sizeof head);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

/* A body that the server has the kernel throw away. */
static void truncate_body(void)
{
    static const char text[] = "POST /trunc HTTP/1.1\r\nContent-Length: 10\r\n\r\n";
    static const char body[] = "GET / HTT\n";
    struct pair pair = pair_make();
    for (int i = 0; i < 3; i++) {
        write_all(pair.client, text, sizeof text - 1);
        take(pair.server);
        write_all(pair.client, body, sizeof body - 1);
        EXPECT(recv(pair.server, NULL, sizeof body - 1, MSG_TRUNC | MSG_WAITALL) ==
               sizeof body - 1);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

/* Nothing was asked for, so nothing that came is no end. */
static void empty_reads(void)
{
    struct pair pair = pair_make();
    struct iovec nothing[2] = {{NULL, 0}, {NULL, 0}};
    char c;
    ask(pair.client, "/empty");
    EXPECT(read(pair.server, &c, 0) == 0);
    EXPECT(readv(pair.server, nothing, 2) == 0);
    EXPECT(recv(pair.server, &c, 0, 0) == 0);
    take(pair.server);
    EXPECT(write(pair.server, &c, 0) == 0);
    EXPECT(writev(pair.server, nothing, 2) == 0);
    answer_and_hear(pair);
    exchange(pair, "/empty");
    pair_close(pair);
}

/* What the kernel refuses is not looked at by anybody else. */
static void bad_arguments(void)
{
    struct pair pair = pair_make();
    void *const volatile bad = (char *)16, *const volatile null = NULL;
    const volatile int negative = -1;
    ask(pair.client, "/bad");
    EXPECT_ERROR(EFAULT, read(pair.server, bad, 10));
    EXPECT_ERROR(EFAULT, recv(pair.server, bad, 10, 0));
    EXPECT_ERROR(EFAULT, readv(pair.server, bad, 1));
    EXPECT_ERROR(EINVAL, readv(pair.server, bad, negative));
    EXPECT_ERROR(EFAULT, recvmsg(pair.server, null, 0));
    EXPECT_ERROR(EFAULT, recvmmsg(pair.server, bad, 1, 0, NULL));
    take(pair.server);
    EXPECT_ERROR(EFAULT, write(pair.server, bad, 10));
    EXPECT_ERROR(EFAULT, writev(pair.server, bad, 1));
    EXPECT_ERROR(EINVAL, writev(pair.server, bad, negative));
    EXPECT_ERROR(EFAULT, sendmsg(pair.server, null, 0));
    EXPECT_ERROR(EFAULT, sendmmsg(pair.server, bad, 1, 0));
    answer_and_hear(pair);
    pair_close(pair);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"half_close", half_close},
        {"reset_is_read", reset_is_read},
        {"reset_is_written_to", reset_is_written_to},
        {"reset_is_polled", reset_is_polled},
        {"end_is_read", end_is_read},
        {"end_is_polled", end_is_polled},
        {"reset_amid_the_answer", reset_amid_the_answer},
        {"no_answer", no_answer},
        {"not_blocking", not_blocking},
        {"peek", peek},
        {"wait_for_all", wait_for_all},
        {"truncate_body", truncate_body},
        {"empty_reads", empty_reads},
        {"bad_arguments", bad_arguments},
    };
    return SCENARIO_RUN(table, argc, argv);
}
