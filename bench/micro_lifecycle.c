/*
 * What a request costs a program that reports it by calls, with the real sender at work and its UDP
 * socket read:
 *
 *   time     CPU nanoseconds of the calling thread per life: request_start, three request_add_time,
 *            request_report, request_stop. In passes of 500 lives; after each pass all is sent,
 *            untimed, so that nothing is dropped. Waking the sender is counted.
 *   memory   resident bytes per live request: what the process grows by with 100,000 of them, three
 *            timers each. Once, before the rounds: records are used again.
 *   cleanup  milliseconds from the end of a thread that owns 100,000 such requests until none is
 *            left (request_count). The diagnostics are off.
 *
 * A row shows the median and the least of its rounds.
 *
 *     make benches && build/bench/micro_lifecycle [--at-most-ns 800] [--at-most-bytes 1024]
 *         [--at-most-ms 50]
 *
 * With a bound the exit status is 1 if a median is over it.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/process.h"
#include "bench.h"
#include "request/monitor.h"
#include "request/registry.h"
#include "request/request.h"
#include "request/thread.h"
#include "send/sender.h"

enum { LIVE = 100000, PASS = 500, ID_BYTES = 16 };

#define PATIENCE_NS 10000000000ull

static struct config config;
static int receiver;
static char ids[LIVE][ID_BYTES];
static double ended_ns;

static void nothing(void)
{
}

static void *read_all(void *none)
{
    static char datagram[65536];
    while (recv(receiver, datagram, sizeof datagram, 0) >= 0)
        ;
    return none;
}

static void begin_receiver(void)
{
    pthread_t thread;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect(bind(receiver, (struct sockaddr *)&in, size) == 0);
    expect(getsockname(receiver, (struct sockaddr *)&in, &size) == 0);
    config.host = BYTES("127.0.0.1");
    config.port = ntohs(in.sin_port);
    expect(pthread_create(&thread, NULL, read_all, NULL) == 0);
}

static void make_ids(void)
{
    uint64_t random = (uint64_t)bench_clock_ns(CLOCK_REALTIME) | 1;
    for (int i = 0; i < LIVE; i++) {
        uint64_t id[] = {next_random(&random), next_random(&random)};
        memcpy(ids[i], id, ID_BYTES);
    }
}

static struct bytes id_of(int number)
{
    return (struct bytes){ids[number], ID_BYTES};
}

static void start(int number)
{
    struct request_start request = {
        .app = BYTES("shop"),
        .label = BYTES("users"),
        .action = BYTES("GET"),
        .id = id_of(number),
        .prefixes = BYTES("rdbms,authz"),
    };
    expect(request_start(&request) == 0);
    expect(request_add_time(id_of(number), BYTES("rdbms.users.get"), 1200) == 0);
    expect(request_add_time(id_of(number), BYTES("rdbms.users.put"), 3400) == 0);
    expect(request_add_time(id_of(number), BYTES("authz.ask"), 560) == 0);
}

static void live(int number)
{
    start(number);
    expect(request_report(id_of(number), 200) == 0);
    expect(request_stop(id_of(number)) == 0);
}

static void flush(void)
{
    monitor_flush(PATIENCE_NS);
}

static double life_ns(int lives, double bias_ns)
{
    double cpu_ns = 0;
    for (int done = 0; done < lives; done += PASS) {
        double began = thread_cpu_ns();
        for (int i = 0; i < PASS; i++)
            live((done + i) % LIVE);
        cpu_ns += thread_cpu_ns() - began - bias_ns;
        flush();
    }
    return cpu_ns / lives;
}

static double resident_bytes(void)
{
    char text[128] = "";
    long all, resident;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    expect(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    expect(sscanf(text, "%ld %ld", &all, &resident) == 2);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* After a thousand lives, so that only what follows the number of live requests is counted; their
 * start events are sent as they come. */
static double live_bytes(void)
{
    life_ns(2 * PASS, 0);
    double before = resident_bytes();
    for (int i = 0; i < LIVE; i++) {
        start(i);
        if (i % PASS == 0)
            flush();
    }
    flush();
    double grown = resident_bytes() - before;
    expect(registry_count() == LIVE);
    for (int i = 0; i < LIVE; i++)
        expect(request_stop(id_of(i)) == 0);
    expect(registry_count() == 0);
    flush();
    return grown / LIVE;
}

static void *die(void *none)
{
    for (int i = 0; i < LIVE; i++) {
        start(i);
        if (i % PASS == 0)
            flush();
    }
    flush();
    ended_ns = bench_clock_ns(CLOCK_MONOTONIC);
    pthread_exit(none);
}

static double cleanup_ms(void)
{
    pthread_t thread;
    struct timespec nap = {0, 20000};
    expect(pthread_create(&thread, NULL, die, NULL) == 0);
    expect(pthread_join(thread, NULL) == 0);
    double gone_ns = bench_clock_ns(CLOCK_MONOTONIC);
    for (; registry_count() > 0; gone_ns = bench_clock_ns(CLOCK_MONOTONIC)) {
        expect(gone_ns - ended_ns < 1e10);
        nanosleep(&nap, NULL);
    }
    return (gone_ns - ended_ns) / 1e6;
}

static uint64_t dropped(void)
{
    uint64_t n = 0;
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        n += atomic_load(&thread->ring.dropped);
    return n;
}

int main(int argc, char **argv)
{
    static struct rounds times, memory, cleanups;
    double at_most_ns = 0, at_most_bytes = 0, at_most_ms = 0, rounds = 9, lives = 50000;
    const struct bench_option options[] = {
        {"--at-most-ns", &at_most_ns, "CPU ns per life; 0: no bound"},
        {"--at-most-bytes", &at_most_bytes, "bytes per live request; 0: no bound"},
        {"--at-most-ms", &at_most_ms, "ms of a cleanup; 0: no bound"},
        {"--rounds", &rounds, "rounds"},
        {"--lives", &lives, "lives in a round"},
        {NULL, NULL, NULL},
    };
    bench_options(argc, argv, options);
    bench_within("--rounds", rounds, 1, ROUNDS_MOST);
    bench_within("--lives", lives, PASS, 1e9);
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    log_begin(BYTES(""), LOG_OFF);
    begin_receiver();
    make_ids();
    expect(monitor_begin(&config, (struct monitor_guard){nothing, nothing}) == 0 &&
           monitor_ready());
    double bias_ns = thread_cpu_bias_ns();
    rounds_add(&memory, live_bytes());
    for (int round = 0; round < (int)rounds; round++) {
        rounds_add(&times, life_ns((int)lives / PASS * PASS, bias_ns));
        rounds_add(&cleanups, cleanup_ms());
    }
    uint64_t lost = dropped();
    monitor_end(PATIENCE_NS);
    expect(lost == 0 && sender_errors() == 0 && !sender_running());

    rounds_head("a request reported by calls");
    bool failed = rounds_print("CPU ns of the caller per life", &times, at_most_ns);
    failed |= rounds_print("resident bytes per live request", &memory, at_most_bytes);
    failed |= rounds_print("ms to clean 100,000 of a dead thread", &cleanups, at_most_ms);
    return failed;
}
