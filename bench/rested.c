/*
 * How long it takes to touch memory that nobody has touched for a while, and to touch it once more.
 * In a virtual machine whose host takes its memory's mappings away, to see what is in use, the
 * first touch of each piece waits for the host. Whoever works once in 100 ms, as the shim's sender
 * does, waits then, and so does all that shares its processor: latencies show the host.
 *
 *     rested [OPTION NUMBER]...
 *
 * The output: microseconds for all pages after they rested, and at once again; the mean of the
 * rounds, as the waits are few and long.
 */

#include <sys/mman.h>

#include "bench.h"

enum { PAGE_BYTES = 4096, LINE_BYTES = 64 };

static double pages = 64, rest_ms = 100, rounds = 40;

static char *ordinary_pages(size_t n)
{
    char *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(at != MAP_FAILED);
    madvise(at, n, MADV_NOHUGEPAGE);
    memset(at, 1, n);
    return at;
}

/* A line of each page; not the same line, which would be one set of the cache. */
static double touch_us(volatile char *at)
{
    double began_ns = bench_clock_ns(CLOCK_MONOTONIC);
    for (size_t page = 0; page < (size_t)pages; page++)
        at[page * PAGE_BYTES + page * LINE_BYTES % PAGE_BYTES]++;
    return (bench_clock_ns(CLOCK_MONOTONIC) - began_ns) / 1e3;
}

int main(int argc, char **argv)
{
    const struct bench_option options[] = {
        {"--pages", &pages, "of 4 KiB"},
        {"--rest-ms", &rest_ms, "milliseconds that they rest"},
        {"--rounds", &rounds, "so often"},
        {NULL, NULL, NULL},
    };
    bench_options(argc, argv, options);
    bench_within("--pages", pages, 1, 1e6);
    bench_within("--rest-ms", rest_ms, 0, 999);
    bench_within("--rounds", rounds, 1, 1e6);
    char *at = ordinary_pages((size_t)pages * PAGE_BYTES);
    double rested_us = 0, again_us = 0;
    for (int i = 0; i < (int)rounds; i++) {
        nanosleep(&(struct timespec){.tv_nsec = (long)(rest_ms * 1e6)}, NULL);
        rested_us += touch_us(at);
        again_us += touch_us(at);
    }
    printf("%.1f %.1f\n", rested_us / (int)rounds, again_us / (int)rounds);
    return 0;
}
