/*
 * Asks several servers at a constant rate, in turn, a slice of time each, over and over, so that
 * what disturbs the machine disturbs them alike, and after each lets pass what its server does
 * later; and says how long they took to answer:
 *
 *     pace [OPTION NUMBER]... PORT PORT... <REQUEST
 *
 * The request is sent as it was read from standard input. A request's time runs from when it is
 * due, not from when a connection is free for it: a server that stands still is charged for all who
 * wait. h2load's --rps is no such rate: it asks in bursts, 10 ms apart.
 *
 * Each line of the output is a server: the microseconds within which half of its answers were
 * whole, 95 %, 99 %, and 99.9 % of them.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench.h"

enum { SERVERS_MOST = 8, CONNECTIONS_MOST = 1024 };

struct server {
    int epoll;
    int connection[CONNECTIONS_MOST];
    double due_ns[CONNECTIONS_MOST]; /* when what it waits for was to be sent */
    long wanted[CONNECTIONS_MOST];   /* bytes of the answer still to come */
    uint32_t idle[CONNECTIONS_MOST]; /* a stack */
    int idles;
    float *took_us; /* of each answer */
    size_t answers;
};

static struct server server[SERVERS_MOST];
static double connections = 32, slice_ms = 100, pause_ms = 0, rounds = 4, rate = 1000;
static double answer_bytes = 0, spin = 0;
static char request[65536];
static size_t request_bytes;

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expect(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    expect(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static size_t slice_requests(void)
{
    return (size_t)(rate * slice_ms / 1e3);
}

static void open_server(struct server *s, uint16_t port)
{
    s->epoll = epoll_create1(0);
    for (uint32_t i = 0; i < (uint32_t)connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        s->connection[i] = connect_to(port);
        expect(epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->connection[i], &event) == 0);
        s->idle[s->idles++] = i;
    }
    s->took_us = calloc((size_t)rounds * slice_requests(), sizeof *s->took_us);
    expect(s->took_us != NULL);
}

static void ask(struct server *s, double due_ns)
{
    uint32_t i = s->idle[--s->idles];
    s->due_ns[i] = due_ns;
    s->wanted[i] = (long)answer_bytes;
    expect(send(s->connection[i], request, request_bytes, MSG_NOSIGNAL) == (ssize_t)request_bytes);
}

static void take(struct server *s, uint32_t i)
{
    static char text[65536];
    ssize_t n = recv(s->connection[i], text, sizeof text, 0);
    expect(n > 0 && n <= s->wanted[i]);
    s->wanted[i] -= n;
    if (s->wanted[i] > 0)
        return;
    s->took_us[s->answers++] = (float)((bench_clock_ns(CLOCK_MONOTONIC) - s->due_ns[i]) / 1e3);
    s->idle[s->idles++] = i;
}

/* Until an answer comes or the next request is due; with --spin, not at all. */
static int wait_for(struct server *s, struct epoll_event *ready, int most, double until_ns)
{
    double left_ns = until_ns - bench_clock_ns(CLOCK_MONOTONIC);
    struct timespec time = {.tv_nsec = spin > 0 || left_ns < 0 ? 0 : (long)left_ns};
    return epoll_pwait2(s->epoll, ready, most, s->idles == 0 && spin == 0 ? NULL : &time, NULL);
}

static void run_slice(struct server *s)
{
    struct epoll_event ready[64];
    size_t wanted = s->answers + slice_requests(), asked = s->answers;
    double due_ns = bench_clock_ns(CLOCK_MONOTONIC), step_ns = 1e9 / rate;
    while (s->answers < wanted) {
        while (asked < wanted && s->idles > 0 && bench_clock_ns(CLOCK_MONOTONIC) >= due_ns) {
            ask(s, due_ns);
            due_ns += step_ns;
            asked++;
        }
        int n = wait_for(s, ready, 64, asked < wanted ? due_ns : due_ns + 1e8);
        for (int e = 0; e < n; e++)
            take(s, ready[e].data.u32);
    }
}

static void pause_after_slice(void)
{
    long ns = (long)(pause_ms * 1e6);
    struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    nanosleep(&time, NULL);
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double quantile(const struct server *s, double share)
{
    size_t at = (size_t)(share * (double)s->answers);
    return (double)s->took_us[at < s->answers ? at : s->answers - 1];
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--answer-bytes", &answer_bytes, "length of each answer"},
        {"--connections", &connections, "connections to each server, at most 1024"},
        {"--pause-ms", &pause_ms, "milliseconds after each"},
        {"--rate", &rate, "requests a second, at least 11"},
        {"--slice-ms", &slice_ms, "milliseconds a slice"},
        {"--rounds", &rounds, "slices of each server"},
        {"--spin", &spin, "1: ask for answers without pause, never sleep"},
        {NULL, NULL, NULL},
    };
    int first = 1;
    while (first < argc && argv[first][0] == '-')
        first += 2;
    first = first > argc ? argc : first;
    bench_options(first, argv, options);
    int servers = argc - first;
    expect(servers >= 1 && servers <= SERVERS_MOST && connections <= CONNECTIONS_MOST);
    expect(connections >= 1 && slice_requests() >= 1 && rounds >= 1 && rate > 10);
    request_bytes = fread(request, 1, sizeof request, stdin);
    for (int i = 0; i < servers; i++)
        open_server(&server[i], (uint16_t)atoi(argv[first + i]));
    for (int round = 0; round < (int)rounds; round++)
        for (int i = 0; i < servers; i++) {
            run_slice(&server[round % 2 == 1 ? servers - 1 - i : i]);
            pause_after_slice();
        }
    for (int i = 0; i < servers; i++) {
        qsort(server[i].took_us, server[i].answers, sizeof *server[i].took_us, by_size);
        printf("%.3f %.3f %.3f %.3f\n", quantile(&server[i], 0.5), quantile(&server[i], 0.95),
               quantile(&server[i], 0.99), quantile(&server[i], 0.999));
    }
    return 0;
}
