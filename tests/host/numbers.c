/*
 * numbers SCENARIO: fds of high numbers, and hosts that close every number that is not theirs,
 * those of the shim's own socket and log included.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "loopback.h"

enum {
    HIGH = 110000,
    MILLION = 1000000,
    HOST_LEAST = 3,
    HOST_MOST = 1100,
    ROUNDS = 20,
    PER_ROUND = 5
};

/* Allows as many numbers as may be, `most` at most; returns how many. */
static int allow(rlim_t most)
{
    struct rlimit limits;
    EXPECT(getrlimit(RLIMIT_NOFILE, &limits) == 0);
    limits.rlim_cur = limits.rlim_max = limits.rlim_max < most ? limits.rlim_max : most;
    EXPECT(setrlimit(RLIMIT_NOFILE, &limits) == 0);
    return (int)limits.rlim_cur;
}

/* The highest number that a test can have here, with some to spare. */
static int highest(void)
{
    int high = allow(HIGH) - 100;
    dprintf(STDOUT_FILENO, "highest %d\n", high);
    return high;
}

static void copied_to(int most)
{
    struct pair pair = pair_make();
    int high = fcntl(pair.server, F_DUPFD, most);
    EXPECT(high >= most && close(pair.server) == 0);
    pair.server = high;
    exchanges(pair, "/high", 5);
    EXPECT(dup2(high, most + 50) == most + 50 && close(high) == 0);
    pair.server = most + 50;
    exchanges(pair, "/high", 5);
    pair_close(pair);
}

static void copied_high(void)
{
    copied_to(highest());
}

/* As high as the kernel lets root go by default; others are told that it can't be. */
static void copied_past_a_million(void)
{
    if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){MILLION + 100, MILLION + 100}) != 0) {
        dprintf(STDOUT_FILENO, "not allowed\n");
        return;
    }
    copied_to(MILLION);
}

/* All lower numbers are taken, so that accept itself returns a high one. */
static void accepted_high(void)
{
    int listener = loopback_listen(), most = highest();
    struct pair pair = {.client = loopback_connect(listener)};
    for (int last = 0; last < most;)
        EXPECT((last = dup(listener)) >= 0);
    pair.server = accept(listener, NULL, NULL);
    EXPECT(pair.server > most);
    exchanges(pair, "/high", 10);
    pair_close(pair);
    EXPECT(close_range(3, ~0u, 0) == 0);
}

/* Ends all numbers from HOST_LEAST on: a loop, or one call. */
static void by_close(void)
{
    for (int fd = HOST_LEAST; fd <= HOST_MOST; fd++)
        close(fd);
}

static void by_close_range(void)
{
    EXPECT(close_range(HOST_LEAST, ~0u, 0) == 0);
}

static void by_closefrom(void)
{
    closefrom(HOST_LEAST);
}

static void by_syscall(void)
{
    for (int fd = HOST_LEAST; fd <= HOST_MOST; fd++)
        syscall(SYS_close, fd);
}

/* What the host opens then has the numbers that were ours: files, and sockets that hear. */
struct fill {
    int file, sockets[2];
};

static struct fill fill_numbers(void)
{
    struct fill fill = {.file = memfd_create("file", 0)};
    EXPECT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fill.sockets) == 0);
    for (int fd = fill.sockets[1] + 1; fd <= HOST_MOST; fd++) {
        int from = fd % 2 ? fill.file : fill.sockets[0];
        EXPECT(dup2(from, fd) == fd);
    }
    return fill;
}

/* Nobody wrote to what is the host's. */
static void expect_untouched(const struct fill *fill)
{
    struct stat status;
    char c;
    EXPECT(fstat(fill->file, &status) == 0);
    EXPECT(status.st_size == 0);
    EXPECT_ERROR(EAGAIN, recv(fill->sockets[1], &c, 1, MSG_DONTWAIT));
    EXPECT_ERROR(EAGAIN, recv(fill->sockets[0], &c, 1, MSG_DONTWAIT));
}

static void serve_and_send(void)
{
    serve("/closed", PER_ROUND);
    have_sent();
}

/* Between two deliveries the sender's numbers become the host's. */
static void close_all(void (*close_them)(void))
{
    EXPECT(allow(2 * HOST_MOST) > HOST_MOST);
    for (int round = 0; round < ROUNDS; round++) {
        serve_and_send();
        close_them();
        struct fill fill = fill_numbers();
        serve_and_send();
        expect_untouched(&fill);
        close_them();
        serve_and_send();
    }
}

static void close_loop(void)
{
    close_all(by_close);
}

static void close_range_all(void)
{
    close_all(by_close_range);
}

static void close_from(void)
{
    close_all(by_closefrom);
}

static void syscall_loop(void)
{
    close_all(by_syscall);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"copied_high", copied_high},         {"copied_past_a_million", copied_past_a_million},
        {"accepted_high", accepted_high},     {"close_loop", close_loop},
        {"close_range_all", close_range_all}, {"close_from", close_from},
        {"syscall_loop", syscall_loop},
    };
    return SCENARIO_RUN(table, argc, argv);
}
