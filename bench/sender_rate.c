/*
 * How many metric lines a second get from four threads through the sender to a receiver, and
 * whether each line that was offered either arrives or is counted as dropped. Requests are handed
 * over at an even rate, each a start (three lines) and an end (five); the receiver is a process of
 * its own, reads with recvmmsg from a UDP socket, and counts lines that are not blank, without a
 * look inside but at the shim's own lines: it adds up the `stats_hero.dropped` counters. A dropped
 * event's lines are known to the thread that offered it.
 *
 * At the end all is sent and a datagram of another socket tells the receiver so. Lines offered must
 * then be lines received and lines of dropped events, and the counters must tell of as many dropped
 * events. What the kernel throws away before a slow receiver reads it (UDP) is shown too, as the
 * socket counts it; then nothing can be said about lines, and the program fails.
 *
 *     make benches && build/bench/sender_rate [--rate LINES] [--seconds N] [--at-most-dropped
 * LINES]
 *
 * The exit status is 1 if a line is unaccounted for, if more were dropped than allowed, or if the
 * offered rate was missed by more than 5 in 100 (a busy machine).
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/process.h"
#include "bench.h"
#include "request/event.h"
#include "request/monitor.h"
#include "request/names.h"
#include "request/thread.h"
#include "send/sender.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

enum { THREADS = 4, START_LINES = 3, END_LINES = 5, DATAGRAMS = 64, DATAGRAM_BYTES = 2048 };

#define REQUEST_LINES (START_LINES + END_LINES)
#define PATIENCE_NS   60000000000ull
#define BUFFER_BYTES  (512 << 20)
#define MARKER        "that is all"

/* What the receiver tells, in memory that both processes see. */
struct counts {
    uint64_t datagrams, bytes, lines, own_lines, dropped_events, kernel_dropped;
    double cpu_ns;
};

static struct config config;
static struct counts *counts;
static int receiver;
static struct sockaddr_in address = {.sin_family = AF_INET};

/* The receiver's process. */

static void count_own(struct bytes line)
{
    uint64_t n;
    struct bytes key = bytes_cut(&line, ':');
    counts->own_lines++;
    if (!bytes_equal(key, BYTES("app.stats_hero.dropped")))
        return;
    expect(bytes_to_u64(bytes_cut(&line, '|'), &n) == 0);
    counts->dropped_events += n;
}

/* The first line is the frame's head; blank ones fill it up. */
static void count_lines(struct bytes datagram)
{
    static const struct bytes own = BYTES("app.s");
    const char *end = datagram.at + datagram.n, *line = datagram.at, *newline;
    for (bool head = true; (newline = memchr(line, '\n', (size_t)(end - line))) != NULL;
         head = false, line = newline + 1) {
        struct bytes text = {line, (size_t)(newline - line)};
        if (head || text.n == 0)
            continue;
        if (text.n > own.n && text.at[4] == 's' && bytes_start_with(text, own))
            count_own(text);
        else
            counts->lines++;
    }
    expect(line == end);
}

/* Whether it was the marker. */
static bool take_datagram(struct bytes datagram)
{
    if (bytes_equal(datagram, BYTES(MARKER)))
        return true;
    counts->datagrams++;
    counts->bytes += datagram.n;
    count_lines(datagram);
    return false;
}

static uint64_t kernel_dropped(void)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof info;
    expect(getsockopt(receiver, SOL_SOCKET, SO_MEMINFO, info, &size) == 0);
    return info[SK_MEMINFO_DROPS];
}

/* After the marker, which another processor may have brought, all that is still there is read. */
static void receive(void)
{
    static char room[DATAGRAMS][DATAGRAM_BYTES];
    struct iovec part[DATAGRAMS];
    struct mmsghdr message[DATAGRAMS] = {0};
    bool marked = false;
    for (int i = 0; i < DATAGRAMS; i++) {
        part[i] = (struct iovec){room[i], DATAGRAM_BYTES};
        message[i].msg_hdr = (struct msghdr){.msg_iov = &part[i], .msg_iovlen = 1};
    }
    for (;;) {
        int n = recvmmsg(receiver, message, DATAGRAMS, MSG_WAITFORONE, NULL);
        if (n < 0 && marked && errno == EAGAIN)
            return;
        expect(n > 0);
        for (int i = 0; i < n; i++)
            marked |= take_datagram((struct bytes){room[i], message[i].msg_len});
        if (marked) {
            struct timeval last = {0, 200000};
            setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &last, sizeof last);
        }
    }
}

static void make_receiver(void)
{
    int wanted = BUFFER_BYTES;
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) < 0)
        setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    expect(bind(receiver, (struct sockaddr *)&address, size) == 0);
    expect(getsockname(receiver, (struct sockaddr *)&address, &size) == 0);
}

static pid_t fork_receiver(void)
{
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect(counts != MAP_FAILED);
    pid_t pid = fork();
    expect(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    receive();
    counts->kernel_dropped = kernel_dropped();
    counts->cpu_ns = thread_cpu_ns();
    _exit(0);
}

static void end_receiver(pid_t pid)
{
    int status;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect(sendto(fd, MARKER, sizeof MARKER - 1, 0, (struct sockaddr *)&address, sizeof address) >
           0);
    close(fd);
    expect(waitpid(pid, &status, 0) == pid && status == 0);
}

/* The threads that serve. */

struct server {
    double rate; /* requests per second */
    double seconds;
    uint64_t requests, dropped_starts, dropped_ends;
    double cpu_ns;
};

static uint16_t labels[4];

static uint64_t dropped_by(const struct thread *self)
{
    return atomic_load_explicit(&self->ring.dropped, memory_order_relaxed);
}

static void serve_one(struct server *server, struct thread *self, struct event_facts *facts)
{
    uint64_t before = dropped_by(self);
    facts->label = labels[server->requests % 4];
    facts->duration_ns = 1000000 + server->requests % 50000 * 1000;
    sender_notify(event_put_start(&self->ring, event_names(0, facts->label, facts->action)));
    uint64_t between = dropped_by(self);
    sender_notify(event_put_end(&self->ring, facts));
    server->dropped_starts += between - before;
    server->dropped_ends += dropped_by(self) - between;
    server->requests++;
}

/* Each half millisecond as many as are due. */
static void *serve(void *argument)
{
    struct server *server = argument;
    struct thread *self = thread_self();
    struct timespec nap = {0, 500000};
    expect(self != NULL);
    struct event_facts facts = {.kind = EVENT_END, .action = names.get, .status = 200};
    facts.tid = (uint32_t)self->tid;
    uint64_t all = (uint64_t)(server->rate * server->seconds), began = clock_now_ns();
    double cpu_began = thread_cpu_ns();
    while (server->requests < all) {
        double due = (double)(clock_now_ns() - began) / 1e9 * server->rate;
        while (server->requests < all && (double)server->requests < due)
            serve_one(server, self, &facts);
        nanosleep(&nap, NULL);
    }
    server->cpu_ns = thread_cpu_ns() - cpu_began;
    return NULL;
}

static void nothing(void)
{
}

static void begin_sender(void)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    config.host = BYTES("127.0.0.1");
    config.port = ntohs(address.sin_port);
    expect(monitor_begin(&config, (struct monitor_guard){nothing, nothing}) == 0 &&
           monitor_ready());
    const char *const texts[] = {"users", "orders", "carts", "static_assets"};
    for (int i = 0; i < 4; i++)
        labels[i] = label_number(&names.labels, bytes_of(texts[i]));
}

/* Sum of all threads. */
static struct server run_servers(double rate, double seconds)
{
    pthread_t thread[THREADS];
    struct server server[THREADS], sum = {0};
    for (int i = 0; i < THREADS; i++) {
        server[i] = (struct server){.rate = rate / REQUEST_LINES / THREADS, .seconds = seconds};
        expect(pthread_create(&thread[i], NULL, serve, &server[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        expect(pthread_join(thread[i], NULL) == 0);
        sum.requests += server[i].requests;
        sum.dropped_starts += server[i].dropped_starts;
        sum.dropped_ends += server[i].dropped_ends;
        sum.cpu_ns += server[i].cpu_ns;
    }
    return sum;
}

static void print_lines(const char *name, uint64_t lines, double seconds)
{
    printf("%-24s %12llu lines %12.0f a second\n", name, (unsigned long long)lines,
           (double)lines / seconds);
}

/* It is measured once. */
static void show(const char *name, double ns)
{
    row_print(name, ns, ns, 0);
}

static bool fails(const char *why)
{
    printf("FAILED: %s\n", why);
    return true;
}

int main(int argc, char **argv)
{
    double rate = 2000000, seconds = 5, at_most_dropped = 1e18;
    const struct bench_option options[] = {
        {"--rate", &rate, "lines a second to offer"},
        {"--seconds", &seconds, "for how long"},
        {"--at-most-dropped", &at_most_dropped, "lines of dropped events that are allowed"},
        {NULL, NULL, NULL},
    };
    bench_options(argc, argv, options);
    bench_within("--rate", rate, REQUEST_LINES * THREADS, 1e9);
    bench_within("--seconds", seconds, 0.1, 1e6);
    make_receiver();
    pid_t pid = fork_receiver();
    close(receiver);
    begin_sender();

    double began = bench_clock_ns(CLOCK_MONOTONIC);
    double cpu_began = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    struct server sum = run_servers(rate, seconds);
    double took = (bench_clock_ns(CLOCK_MONOTONIC) - began) / 1e9;
    monitor_flush(PATIENCE_NS);
    double cpu_ns = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
    uint64_t errors = sender_errors();
    end_receiver(pid);

    uint64_t offered = sum.requests * REQUEST_LINES;
    uint64_t dropped = sum.dropped_starts * START_LINES + sum.dropped_ends * END_LINES;
    uint64_t dropped_events = sum.dropped_starts + sum.dropped_ends;
    print_lines("offered", offered, took);
    print_lines("received", counts->lines, took);
    print_lines("of dropped events", dropped, took);
    printf(
        "%llu events dropped, %llu told by stats_hero.dropped; %llu datagrams lost in the kernel, "
        "%llu send errors\n",
        (unsigned long long)dropped_events, (unsigned long long)counts->dropped_events,
        (unsigned long long)counts->kernel_dropped, (unsigned long long)errors);
    printf("%.0f bytes a datagram\n", (double)counts->bytes / (double)counts->datagrams);
    rounds_head("CPU ns per line");
    show("serving threads", sum.cpu_ns / (double)offered);
    show("sender", (cpu_ns - sum.cpu_ns) / (double)counts->lines);
    show("receiver, another process", counts->cpu_ns / (double)counts->lines);
    bool failed = false;
    if (counts->kernel_dropped > 0 || errors > 0)
        failed |= fails("datagrams were lost on their way");
    if (counts->lines + dropped != offered)
        failed |= fails("received and dropped lines are not those that were offered");
    if (counts->dropped_events != dropped_events)
        failed |= fails("the counters don't tell of each dropped event");
    if ((double)dropped > at_most_dropped)
        failed |= fails("more was dropped than allowed");
    if (took > seconds * 1.05)
        failed |= fails("this machine was too busy to offer so many lines");
    return failed;
}
