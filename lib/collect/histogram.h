#ifndef COLLECT_HISTOGRAM_H
#define COLLECT_HISTOGRAM_H

/*
 * histogram: the distribution of 64-bit values in log-linear buckets. Values below 128 are exact;
 * above, a quantile is wrong by 1/128 (0.8 %) at most. Count, sum, least and most are exact. Memory
 * is taken by the octave (the values from one power of two to the next), 512 bytes each, 30 KB at
 * most.
 */

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_OCTAVES 59
#define HISTOGRAM_STEPS   64 /* buckets in an octave */

/* Zeroed means empty. */
struct histogram {
    uint64_t count;
    uint64_t least;
    uint64_t most;
    unsigned __int128 sum;
    uint64_t *octaves[HISTOGRAM_OCTAVES];
};

/* Frees what the histogram took and leaves it empty. */
void histogram_clear(struct histogram *histogram);

/* Bytes of memory that adding `value` would take: 0 or those of one octave. */
size_t histogram_cost(const struct histogram *histogram, uint64_t value);

/* Adds one value; 0, or -ENOMEM and nothing has changed. */
int histogram_add(struct histogram *histogram, uint64_t value);

/*
 * The smallest value that at least the share `q` (0 to 1) of all values do not exceed, within the
 * error above; between least and most; 0 when empty.
 */
uint64_t histogram_quantile(const struct histogram *histogram, double q);

/* The mean, 0 when empty. */
double histogram_mean(const struct histogram *histogram);

#endif
