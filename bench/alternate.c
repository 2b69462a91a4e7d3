/*
 * Loads several HTTP servers in turn, a slice of some milliseconds each, over and over, so that a
 * machine whose speed drifts drifts for all of them; and prints what each did in each slice:
 *
 *     alternate [OPTION NUMBER]... SERVER SERVER...
 *
 * SERVER is PORT[:PATH[,PATH]...]: a port of the loopback whose answer to GET /index.html always
 * has the same length, and the schedstat files of its threads, whose CPU time is the server's.
 *
 * Each line of the output is a round; for each server in turn it has three numbers: requests,
 * nanoseconds that they took, nanoseconds of CPU.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench.h"

enum { SERVERS_MOST = 8, CONNECTIONS_MOST = 1024, THREADS_MOST = 16 };

static const char request[] = "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

struct server {
    int epoll;
    int connection[CONNECTIONS_MOST];
    long wanted[CONNECTIONS_MOST]; /* bytes of the answer still to come */
    int schedstat[THREADS_MOST], threads;
    long done; /* in the last slice, as are these */
    double took_ns, cpu_ns;
};

static struct server server[SERVERS_MOST];
static double connections = 32, slice_ms = 50, rounds = 100, spin = 0;
static long answer_bytes;

static void ask(int fd)
{
    expect(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expect(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* The length of a whole answer: its head and its body. */
static long measure_answer(int fd)
{
    char text[65536] = "";
    size_t n = 0;
    char *end, *length;
    ask(fd);
    do {
        ssize_t more = recv(fd, text + n, sizeof text - 1 - n, 0);
        expect(more > 0);
        n += (size_t)more;
        text[n] = '\0';
        end = strstr(text, "\r\n\r\n");
    } while (end == NULL);
    length = strcasestr(text, "\r\nContent-Length: ");
    expect(length != NULL);
    long whole = end + 4 - text + atol(length + 18);
    for (ssize_t more; (long)n < whole; n += (size_t)more)
        expect((more = recv(fd, text, sizeof text, 0)) > 0);
    return whole;
}

static void open_server(struct server *s, char *description)
{
    char *rest, *path = strchr(description, ':');
    uint16_t port = (uint16_t)atoi(description);
    s->epoll = epoll_create1(0);
    for (int i = 0; i < (int)connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        int fd = s->connection[i] = connect_to(port);
        long n = measure_answer(fd);
        expect(answer_bytes == 0 || answer_bytes == n);
        answer_bytes = n;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        expect(epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    }
    for (path = path != NULL ? strtok_r(path + 1, ",", &rest) : NULL; path != NULL;
         path = strtok_r(NULL, ",", &rest)) {
        expect(s->threads < THREADS_MOST);
        expect((s->schedstat[s->threads++] = open(path, O_RDONLY)) >= 0);
    }
}

static double cpu_ns(const struct server *s)
{
    double sum = 0;
    for (int i = 0; i < s->threads; i++) {
        char text[100] = "";
        expect(pread(s->schedstat[i], text, sizeof text - 1, 0) > 0);
        sum += atof(text);
    }
    return sum;
}

/* Takes what has come; true when the answer is whole. */
static bool take(struct server *s, uint32_t i)
{
    static char text[65536];
    ssize_t n = recv(s->connection[i], text, sizeof text, 0);
    expect(n > 0);
    s->wanted[i] -= n;
    return s->wanted[i] == 0;
}

static void again(struct server *s, uint32_t i)
{
    s->wanted[i] = answer_bytes;
    ask(s->connection[i]);
}

/* Each connection asks again as soon as it has its answer, until the slice is over. */
static long run_slice(struct server *s, double until_ns)
{
    struct epoll_event ready[64];
    long done = 0;
    int open = (int)connections;
    for (uint32_t i = 0; i < (uint32_t)connections; i++)
        again(s, i);
    while (open > 0) {
        int n = epoll_wait(s->epoll, ready, 64, spin > 0 ? 0 : -1);
        bool more = bench_clock_ns(CLOCK_MONOTONIC) < until_ns;
        for (int e = 0; e < n; e++) {
            uint32_t i = ready[e].data.u32;
            if (!take(s, i))
                continue;
            done++;
            if (more)
                again(s, i);
            else
                open--;
        }
    }
    return done;
}

static void measure(struct server *s)
{
    double cpu = cpu_ns(s), began = bench_clock_ns(CLOCK_MONOTONIC);
    s->done = run_slice(s, began + slice_ms * 1e6);
    s->took_ns = bench_clock_ns(CLOCK_MONOTONIC) - began;
    s->cpu_ns = cpu_ns(s) - cpu;
}

/* A slice of each, forwards and backwards by turns: A B B A. */
static void run_round(int servers, bool backwards)
{
    for (int i = 0; i < servers; i++)
        measure(&server[backwards ? servers - 1 - i : i]);
    for (int i = 0; i < servers; i++)
        printf("%ld %.0f %.0f ", server[i].done, server[i].took_ns, server[i].cpu_ns);
    printf("\n");
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--connections", &connections, "connections to each server, at most 1024"},
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
    expect(servers >= 1 && servers <= SERVERS_MOST);
    expect(connections >= 1 && connections <= CONNECTIONS_MOST);
    for (int i = 0; i < servers; i++)
        open_server(&server[i], argv[first + i]);
    for (int round = 0; round < (int)rounds; round++)
        run_round(servers, round % 2 == 1);
    return 0;
}
