/*
 * What a call costs through the shim: nanoseconds of CPU time of its thread for
 *
 *   write  a byte to /dev/null: no fd of ours
 *   recv   that finds nothing, on a connection that was accepted
 *
 * through libc itself, through an empty interposer (bench/preload/empty.c), and through the shim;
 * and for a whole request and its response on a Unix socket, on a connection that libc accepted and
 * on one that the shim did. What is told of an interposer is what it adds. Events go to the real
 * sender, which has a thread of its own and sends to a socket that nobody reads.
 *
 * All are in one process, the shim preloaded, and are called in slices by turns, so that a machine
 * whose speed drifts drifts for all; a row is the median of the rounds' differences, and the
 * difference of the leasts.
 *
 *     make all benches && build/bench/micro_call [--at-most-write 2]
 *
 * With a bound the exit status is 1 if a write through the shim takes more than that over one
 * through the empty interposer.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bench.h"

static const char request[] = "GET /static/index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
                              "User-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
                               "Content-Type: text/html\r\nContent-Length: 20\r\n\r\n"
                               "<html>hello.</html>\n";

/* How to reach the functions that are measured. */
struct way {
    ssize_t (*write)(int fd, const void *at, size_t n);
    ssize_t (*recv)(int fd, void *at, size_t n, int flags);
    int (*accept)(int fd, struct sockaddr *address, socklen_t *size);
    int client, server; /* a connection that it accepted */
};

enum { PLAIN, EMPTY, SHIM, WAYS };

static struct way way[WAYS];
static int null_fd;
static double calls = 1000;

/* One slice each. */

static double write_ns(const struct way *w)
{
    double began = thread_cpu_ns();
    for (int i = 0; i < (int)calls; i++)
        expect(w->write(null_fd, "x", 1) == 1);
    return (thread_cpu_ns() - began) / calls;
}

static double recv_ns(const struct way *w)
{
    char c;
    int fd = way[SHIM].server; /* nothing passes, so all may use it */
    double began = thread_cpu_ns();
    for (int i = 0; i < (int)calls; i++)
        expect(w->recv(fd, &c, 1, MSG_DONTWAIT) == -1);
    return (thread_cpu_ns() - began) / calls;
}

/* The client's part is libc's, and the same for each way. */
static double request_ns(const struct way *w)
{
    char text[512];
    const struct way *libc = &way[PLAIN];
    double began = thread_cpu_ns();
    for (int i = 0; i < (int)calls; i++) {
        expect(libc->write(w->client, request, sizeof request - 1) == sizeof request - 1);
        expect(w->recv(w->server, text, sizeof text, 0) == sizeof request - 1);
        expect(w->write(w->server, response, sizeof response - 1) == sizeof response - 1);
        expect(libc->recv(w->client, text, sizeof text, 0) == sizeof response - 1);
    }
    return (thread_cpu_ns() - began) / calls;
}

/* What is measured in rounds. */
struct act {
    const char *plain, *empty, *shim; /* titles; NULL: that way is left out */
    double (*slice_ns)(const struct way *w);
    struct rounds ns[WAYS], more[WAYS]; /* than the way before */
};

static struct act acts[] = {
    {.plain = "write to /dev/null",
     .empty = "  more by an empty interposer",
     .shim = "  more by the shim than by that",
     .slice_ns = write_ns},
    {.plain = "recv that finds nothing, on ours",
     .empty = "  more by an empty interposer",
     .shim = "  more by the shim than by that",
     .slice_ns = recv_ns},
    {.plain = "request and response, both ends",
     .shim = "  more by the shim",
     .slice_ns = request_ns},
};

enum { WRITE, ACTS = sizeof acts / sizeof acts[0] };

/* What a way is held against: the one before, of those that take part. */
static int before(const struct act *act, int which)
{
    return which == SHIM && act->empty != NULL ? EMPTY : PLAIN;
}

/* A slice of each way, beginning with another one each time. */
static void run_round(struct act *act, int round)
{
    double ns[WAYS];
    for (int i = 0; i < WAYS; i++) {
        int which = (i + round) % WAYS;
        if (which != EMPTY || act->empty != NULL)
            rounds_add(&act->ns[which], ns[which] = act->slice_ns(&way[which]));
    }
    if (act->empty != NULL)
        rounds_add(&act->more[EMPTY], ns[EMPTY] - ns[PLAIN]);
    rounds_add(&act->more[SHIM], ns[SHIM] - ns[before(act, SHIM)]);
}

static bool show_more(const char *title, const struct act *act, int which, double at_most)
{
    double least = rounds_least(&act->ns[which]) - rounds_least(&act->ns[before(act, which)]);
    return row_print(title, rounds_median(&act->more[which]), least, at_most);
}

static bool show(const struct act *act, double at_most)
{
    rounds_print(act->plain, &act->ns[PLAIN], 0);
    if (act->empty != NULL)
        show_more(act->empty, act, EMPTY, 0);
    return show_more(act->shim, act, SHIM, at_most);
}

/* Finding the ways. */

static char folder[PATH_MAX]; /* this program's */

static void *library(const char *name)
{
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    expect(handle != NULL);
    return handle;
}

static void reach(struct way *w, void *handle, void *accepting)
{
    *(void **)&w->write = dlsym(handle, "write");
    *(void **)&w->recv = dlsym(handle, "recv");
    *(void **)&w->accept = dlsym(accepting, "accept");
    expect(w->write != NULL && w->recv != NULL && w->accept != NULL);
}

static void connect_pair(struct way *w)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
    expect(listen(listener, 1) == 0);
    expect(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    w->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(connect(w->client, (struct sockaddr *)&address, size) == 0);
    expect((w->server = w->accept(listener, NULL, NULL)) >= 0);
    close(listener);
}

static void find_ways(void)
{
    char empty[PATH_MAX + 16];
    void *libc = library("libc.so.6");
    snprintf(empty, sizeof empty, "%s/empty.so", folder);
    reach(&way[PLAIN], libc, libc);
    reach(&way[EMPTY], library(empty), libc);
    reach(&way[SHIM], RTLD_DEFAULT, RTLD_DEFAULT);
    expect(way[SHIM].write != way[PLAIN].write && way[EMPTY].write != way[PLAIN].write);
    for (int i = 0; i < WAYS; i++)
        connect_pair(&way[i]);
    expect((null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0);
}

/* A port whose socket takes all that is sent to it, and is never read; left open. */
static int sink(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    expect(bind(fd, (struct sockaddr *)&address, size) == 0);
    expect(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.sin_port);
}

static void run_under_shim(char **argv)
{
    char shim[PATH_MAX + 32], port[16];
    snprintf(shim, sizeof shim, "%s/../libstatshero.so", folder);
    snprintf(port, sizeof port, "%d", sink());
    expect(access(shim, R_OK) == 0);
    setenv("LD_PRELOAD", shim, 1);
    setenv("STATS_HERO_ESTATSD_PORT", port, 1);
    expect(execv("/proc/self/exe", argv) == 0);
}

int main(int argc, char **argv)
{
    double at_most_write = 0, rounds = 300;
    const struct bench_option options[] = {
        {"--at-most-write", &at_most_write, "CPU ns over an empty interposer; 0: no bound"},
        {"--rounds", &rounds, "rounds"},
        {"--calls", &calls, "calls in a slice"},
        {NULL, NULL, NULL},
    };
    bench_options(argc, argv, options);
    bench_within("--rounds", rounds, 1, ROUNDS_MOST);
    bench_within("--calls", calls, 1, 1e9);
    expect(readlink("/proc/self/exe", folder, sizeof folder - 1) > 0);
    *strrchr(folder, '/') = '\0';
    if (dlsym(RTLD_DEFAULT, "stats_hero_version") == NULL)
        run_under_shim(argv);
    find_ways();
    for (int round = 0; round < (int)rounds; round++)
        for (int i = 0; i < ACTS; i++)
            run_round(&acts[i], round);

    bool failed = false;
    rounds_head("CPU ns of a call");
    for (int i = 0; i < ACTS; i++)
        failed |= show(&acts[i], i == WRITE ? at_most_write : 0);
    return failed;
}
