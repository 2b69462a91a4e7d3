/*
 * What the shim costs a thread for one request on a keep-alive connection: run it under the shim.
 *
 *     LD_PRELOAD=build/libstatshero.so build/bench/micro_path
 *
 * The thread serves two connections of its own in turn, a slice of requests each, as nginx serves a
 * small file: recv, open, writev for the head, sendfile for the body, close. One was accepted under
 * the shim's eyes, the other past them, so that the shim does not know it. All else is
 * the same, memory and processor too: the difference between neighbouring slices is the cost of
 * being followed, the kernel's traces in the caches included. One connection may be dearer than
 * another of its kind for as long as it lives, so that both are made anew for each block of slices.
 * The sender's thread is let go to another processor. --touch reads so much memory of the program's
 * own with each request, as a server does that has more to do than this.
 *
 * Printed: the median of the blocks' medians, in CPU ns of the thread per request, and their
 * quartiles.
 */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "bench.h"

enum { BODY_BYTES = 612, TOUCH_MOST = 4096 };

static const char request[] = "GET /index.html HTTP/1.1\r\n"
                              "Host: 127.0.0.1:8080\r\n"
                              "Connection: keep-alive\r\n"
                              "User-Agent: bench\r\n"
                              "Accept: */*\r\n\r\n";

static const char response[] = "HTTP/1.1 200 OK\r\n"
                               "Server: nginx/1.22.1\r\n"
                               "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
                               "Content-Type: text/html\r\n"
                               "Content-Length: 612\r\n"
                               "Last-Modified: Sat, 21 Nov 2026 11:00:00 GMT\r\n"
                               "Connection: keep-alive\r\n"
                               "ETag: \"692046b0-264\"\r\n"
                               "Accept-Ranges: bytes\r\n\r\n";

enum { REQUEST_BYTES = sizeof request - 1, RESPONSE_BYTES = sizeof response - 1 };

struct connection {
    int server, client;
};

static double blocks = 40, slices = 60, requests = 40, touch = 0;
static char file[] = "/tmp/micro_path-XXXXXX";
static char memory[TOUCH_MOST * 1024];

static void make_file(void)
{
    static const char body[BODY_BYTES];
    int fd = mkstemp(file);
    expect(fd >= 0 && write(fd, body, sizeof body) == sizeof body);
    close(fd);
}

static int listen_somewhere(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    expect(bind(fd, (struct sockaddr *)address, size) == 0 && listen(fd, 8) == 0);
    expect(getsockname(fd, (struct sockaddr *)address, &size) == 0);
    return fd;
}

typedef int accept_function(int listener, struct sockaddr *address, socklen_t *size);

/* libc's, whatever stands before it. */
static accept_function *bare_accept(void)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY);
    expect(libc != NULL);
    return (accept_function *)dlsym(libc, "accept");
}

static struct connection connection_make(accept_function *accept_it)
{
    struct sockaddr_in address;
    int listener = listen_somewhere(&address), one = 1;
    struct connection made = {.client = socket(AF_INET, SOCK_STREAM, 0)};
    expect(connect(made.client, (struct sockaddr *)&address, sizeof address) == 0);
    made.server = accept_it(listener, NULL, NULL);
    expect(made.server >= 0);
    setsockopt(made.server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listener);
    return made;
}

static void read_all(int fd, size_t n)
{
    char at[2048];
    while (n > 0) {
        ssize_t got = read(fd, at, n);
        expect(got > 0);
        n -= (size_t)got;
    }
}

static void touch_memory(void)
{
    static volatile char sink;
    for (size_t i = 0; i < (size_t)touch * 1024; i += 64)
        sink = (char)(sink + memory[i]);
}

static void serve(struct connection on)
{
    char at[1024];
    struct iovec head = {(void *)(uintptr_t)response, RESPONSE_BYTES};
    expect(write(on.client, request, REQUEST_BYTES) == REQUEST_BYTES);
    touch_memory();
    expect(recv(on.server, at, sizeof at, 0) == REQUEST_BYTES);
    int fd = open(file, O_RDONLY);
    expect(writev(on.server, &head, 1) == RESPONSE_BYTES);
    expect(sendfile(on.server, fd, NULL, BODY_BYTES) == BODY_BYTES);
    close(fd);
    read_all(on.client, RESPONSE_BYTES + BODY_BYTES);
}

/* CPU ns per request. */
static double slice(struct connection on)
{
    double began = thread_cpu_ns();
    for (int i = 0; i < (int)requests; i++)
        serve(on);
    return (thread_cpu_ns() - began) / requests;
}

static void connection_end(struct connection connection)
{
    close(connection.client);
    close(connection.server);
}

/* Which of the two is made first, and which begins, is changed each time. */
static void run_block(int number, struct rounds *plain, struct rounds *cost)
{
    static struct rounds each, differences;
    bool even = number % 2 == 0;
    each.n = differences.n = 0;
    struct connection one = connection_make(even ? accept : bare_accept());
    struct connection other = connection_make(even ? bare_accept() : accept);
    struct connection followed = even ? one : other, unknown = even ? other : one;
    for (int i = 0; i < (int)slices; i++) {
        double with = i % 2 == 0 ? slice(followed) : 0, without = slice(unknown);
        if (i % 2 != 0)
            with = slice(followed);
        rounds_add(&each, without);
        rounds_add(&differences, with - without);
    }
    rounds_add(plain, rounds_median(&each));
    rounds_add(cost, rounds_median(&differences));
    connection_end(followed);
    connection_end(unknown);
}

static void begin_sender(void)
{
    struct connection first = connection_make(accept);
    serve(first);
    connection_end(first);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"--blocks", &blocks, "blocks of slices"},
        {"--slices", &slices, "slices of each connection in a block"},
        {"--requests", &requests, "requests in a slice"},
        {"--touch", &touch, "KiB of memory read with each request"},
        {NULL, NULL, NULL},
    };
    static struct rounds plain, cost;
    bench_options(argc, argv, options);
    expect(blocks >= 1 && blocks <= ROUNDS_MOST && slices >= 1 && slices <= ROUNDS_MOST &&
           requests >= 1 && touch <= TOUCH_MOST);
    make_file();
    begin_sender(); /* before this thread keeps to one processor */
    on_processor(0);
    for (int i = 0; i < (int)blocks; i++)
        run_block(i, &plain, &cost);
    unlink(file);
    printf("%.0f ns a request (quartiles %.0f to %.0f) over %.0f ns\n", rounds_median(&cost),
           cost.value[cost.n / 4], cost.value[cost.n * 3 / 4], rounds_median(&plain));
    return 0;
}
