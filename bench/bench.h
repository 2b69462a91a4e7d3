#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/* bench: what the programs here share: a thread's CPU time, the median and the least of rounds,
 * threads on a processor each, options from a table. */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../tests/expect.h"
#include "../tests/random.h"

static inline double bench_clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline double thread_cpu_ns(void)
{
    return bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* What a timed section shows that does nothing: the clock is a system call. */
static inline double thread_cpu_bias_ns(void)
{
    double least = 1e9;
    for (int i = 0; i < 1000; i++) {
        double began = thread_cpu_ns(), each = thread_cpu_ns() - began;
        least = each < least ? each : least;
    }
    return least;
}

#define ROUNDS_MOST 1000

/* The figure of each round. */
struct rounds {
    int n;
    double value[ROUNDS_MOST];
};

static inline void rounds_add(struct rounds *rounds, double value)
{
    int at = rounds->n;
    expect(at < ROUNDS_MOST);
    for (; at > 0 && rounds->value[at - 1] > value; at--)
        rounds->value[at] = rounds->value[at - 1];
    rounds->value[at] = value;
    rounds->n++;
}

static inline double rounds_median(const struct rounds *rounds)
{
    int half = rounds->n / 2;
    return rounds->n % 2 == 1 ? rounds->value[half]
                              : (rounds->value[half - 1] + rounds->value[half]) / 2;
}

static inline double rounds_least(const struct rounds *rounds)
{
    return rounds->value[0];
}

static inline void rounds_head(const char *title)
{
    printf("%-40s %9s %9s\n", title, "median", "least");
}

/* Prints one row, and "over" beside a median that is over its bound (0: none). Returns whether it
 * is. */
static inline bool row_print(const char *name, double median, double least, double at_most)
{
    bool over = at_most > 0 && median > at_most;
    printf("%-40s %9.1f %9.1f", name, median, least);
    if (at_most > 0)
        printf("   at most %g%s", at_most, over ? ": OVER" : "");
    printf("\n");
    return over;
}

static inline bool rounds_print(const char *name, const struct rounds *rounds, double at_most)
{
    return row_print(name, rounds_median(rounds), rounds_least(rounds), at_most);
}

struct bench_option {
    const char *name; /* as it is typed; NULL ends the table */
    double *number;   /* 0 or above */
    const char *meaning;
};

static inline void bench_usage(const char *program, const struct bench_option *options, FILE *to)
{
    fprintf(to, "usage: %s [OPTION NUMBER]...\n", program);
    for (; options->name != NULL; options++)
        fprintf(to, "  %-20s %s (%g)\n", options->name, options->meaning, *options->number);
}

static inline bool bench_option_set(const struct bench_option *options, const char *name,
                                    const char *value)
{
    char *end;
    for (; options->name != NULL; options++) {
        if (strcmp(options->name, name) != 0)
            continue;
        *options->number = strtod(value, &end);
        return end != value && *end == '\0' && *options->number >= 0;
    }
    return false;
}

/* Reads the options, or prints the usage and ends the program. */
static inline void bench_options(int argc, char **argv, const struct bench_option *options)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            bench_usage(argv[0], options, stdout);
            exit(0);
        }
        if (i + 1 == argc || !bench_option_set(options, argv[i], argv[i + 1])) {
            fprintf(stderr, "%s: '%s%s%s' can't be used: accepted is an option and its number\n",
                    argv[0], argv[i], i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
            bench_usage(argv[0], options, stderr);
            exit(2);
        }
    }
}

/* An option's number that has to lie within bounds: else the program says so, and ends. */
static inline void bench_within(const char *option, double number, double least, double most)
{
    if (number >= least && number <= most)
        return;
    fprintf(stderr, "%s %g can't be used: accepted is %g to %g\n", option, number, least, most);
    exit(2);
}

/* Keeps the calling thread on one of the processors that the program may use. */
static inline void on_processor(int number)
{
    cpu_set_t allowed, one;
    expect(sched_getaffinity(getpid(), sizeof allowed, &allowed) == 0);
    number %= CPU_COUNT(&allowed);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && number-- == 0)
            CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

#endif
