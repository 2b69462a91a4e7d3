#include "collect/histogram.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { STEP_BITS = 6 };
_Static_assert(HISTOGRAM_STEPS == 1 << STEP_BITS, "a step is the bits below an octave's first");

/* Octave 0 holds the values below 64 in steps of 1; octave o those from 2^(o+5) in steps of
 * 2^(o-1). */
static unsigned octave_of(uint64_t value)
{
    return value < HISTOGRAM_STEPS ? 0 : 64 - STEP_BITS - (unsigned)__builtin_clzll(value);
}

static unsigned shift_of(unsigned octave)
{
    return octave == 0 ? 0 : octave - 1;
}

static unsigned step_of(uint64_t value, unsigned octave)
{
    return (unsigned)(value >> shift_of(octave)) % HISTOGRAM_STEPS;
}

static uint64_t middle_of(unsigned octave, unsigned step)
{
    uint64_t first = octave == 0 ? 0 : HISTOGRAM_STEPS;
    uint64_t width = (uint64_t)1 << shift_of(octave);
    return ((first + step) << shift_of(octave)) + width / 2;
}

void histogram_clear(struct histogram *histogram)
{
    for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++)
        free(histogram->octaves[o]);
    *histogram = (struct histogram){0};
}

size_t histogram_cost(const struct histogram *histogram, uint64_t value)
{
    return histogram->octaves[octave_of(value)] != NULL ? 0 : HISTOGRAM_STEPS * sizeof(uint64_t);
}

int histogram_add(struct histogram *histogram, uint64_t value)
{
    unsigned octave = octave_of(value);
    uint64_t **steps = &histogram->octaves[octave];
    if (*steps == NULL)
        *steps = calloc(HISTOGRAM_STEPS, sizeof **steps);
    if (*steps == NULL)
        return -ENOMEM;
    (*steps)[step_of(value, octave)]++;
    if (histogram->count == 0 || value < histogram->least)
        histogram->least = value;
    if (value > histogram->most)
        histogram->most = value;
    histogram->sum += value;
    histogram->count++;
    return 0;
}

static uint64_t within(const struct histogram *histogram, uint64_t value)
{
    if (value < histogram->least)
        return histogram->least;
    return value > histogram->most ? histogram->most : value;
}

/* The middle of the bucket that holds the value of this rank, counted from 1. */
static uint64_t ranked(const struct histogram *histogram, uint64_t rank)
{
    for (unsigned o = 0; o < HISTOGRAM_OCTAVES; o++) {
        for (unsigned s = 0; histogram->octaves[o] != NULL && s < HISTOGRAM_STEPS; s++) {
            uint64_t here = histogram->octaves[o][s];
            if (rank <= here)
                return middle_of(o, s);
            rank -= here;
        }
    }
    return histogram->most;
}

uint64_t histogram_quantile(const struct histogram *histogram, double q)
{
    double rank = ceil(q * (double)histogram->count);
    if (histogram->count == 0)
        return 0;
    if (rank <= 1)
        return histogram->least;
    if (rank >= (double)histogram->count)
        return histogram->most;
    return within(histogram, ranked(histogram, (uint64_t)rank));
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}
