/* histogram: exact where it says so, within its error elsewhere. */

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "collect/histogram.h"

static struct histogram histogram;

static void end(void)
{
    histogram_clear(&histogram);
}

TestSuite(histogram, .fini = end);

static void add(uint64_t value)
{
    cr_assert(histogram_add(&histogram, value) == 0);
}

Test(histogram, empty_is_zero)
{
    cr_assert_eq(histogram_quantile(&histogram, 0.5), 0);
    cr_assert_eq(histogram_mean(&histogram), 0);
}

Test(histogram, one_to_a_hundred_is_exact)
{
    for (uint64_t v = 1; v <= 100; v++)
        add(v);
    cr_assert_eq(histogram_mean(&histogram), 50.5);
    cr_assert_eq(histogram_quantile(&histogram, 0.50), 50);
    cr_assert_eq(histogram_quantile(&histogram, 0.90), 90);
    cr_assert_eq(histogram_quantile(&histogram, 0.95), 95);
    cr_assert_eq(histogram_quantile(&histogram, 0.99), 99);
    cr_assert_eq(histogram_quantile(&histogram, 0), 1);
    cr_assert_eq(histogram_quantile(&histogram, 1), 100);
}

Test(histogram, one_value_is_every_quantile)
{
    add(123456789);
    cr_assert_eq(histogram_quantile(&histogram, 0.5), 123456789);
    cr_assert_eq(histogram_quantile(&histogram, 0.99), 123456789);
}

/* A value between a smaller and a larger one is found within the promised error, at every size. */
Test(histogram, every_value_is_within_its_error)
{
    uint64_t value = 1;
    for (int i = 0; i < 20000; i++) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        uint64_t v = value >> (i % 64);
        add(0);
        add(v);
        add(UINT64_MAX);
        double found = (double)histogram_quantile(&histogram, 0.5);
        cr_assert(fabs(found - (double)v) <= (double)v / 128, "%lu found as %g", v, found);
        histogram_clear(&histogram);
    }
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

Test(histogram, quantiles_of_many_values_are_within_the_error)
{
    enum { MANY = 10000 };
    static uint64_t values[MANY];
    uint64_t value = 7, sum = 0;
    for (size_t i = 0; i < MANY; i++) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        values[i] = (value >> 40) >> (value >> 20) % 16;
        sum += values[i];
        add(values[i]);
    }
    qsort(values, MANY, sizeof *values, ascending);
    for (int q = 1; q < 100; q++) {
        double exact = (double)values[(size_t)q * MANY / 100 - 1];
        double found = (double)histogram_quantile(&histogram, q / 100.0);
        cr_assert(fabs(found - exact) <= exact * 0.008, "%d: %g for %g", q, found, exact);
    }
    cr_assert_eq(histogram_mean(&histogram), (double)sum / MANY);
    cr_assert_eq(histogram.most, values[MANY - 1]);
    cr_assert_eq(histogram.least, values[0]);
}

Test(histogram, takes_the_ends_of_the_range)
{
    add(0);
    add(UINT64_MAX);
    add(UINT64_MAX);
    cr_assert_eq(histogram.most, UINT64_MAX);
    cr_assert_eq(histogram_quantile(&histogram, 1), UINT64_MAX);
    cr_assert_eq(histogram_quantile(&histogram, 0), 0);
    cr_assert_gt(histogram_mean(&histogram), 1.2e19);
}

Test(histogram, takes_memory_by_the_octave)
{
    size_t total = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        total += histogram_cost(&histogram, (uint64_t)1 << bit);
        add((uint64_t)1 << bit);
        cr_assert_eq(histogram_cost(&histogram, (uint64_t)1 << bit), 0);
    }
    cr_assert_eq(total, HISTOGRAM_OCTAVES * HISTOGRAM_STEPS * sizeof(uint64_t));
}
