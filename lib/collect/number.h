#ifndef COLLECT_NUMBER_H
#define COLLECT_NUMBER_H

/*
 * number: the spellings of numbers that arrive in metric lines. Pure; reads nothing outside `text`.
 * Each returns 0 or -EINVAL, and leaves `*value` alone on error.
 */

#include "base/bytes.h"

/* The largest size of a value: sums of values stay finite. */
#define NUMBER_LIMIT 1e300

/*
 * All of `text` as a decimal integer of any size with an optional sign, leading zeros allowed: what
 * Erlang's list_to_integer takes. Exact up to 2^53, then rounded, cut at NUMBER_LIMIT.
 */
int number_integer(struct bytes text, double *value);

/*
 * All of `text` as a float with digits on both sides of a dot and an optional exponent: what
 * Erlang's list_to_float takes. A value past NUMBER_LIMIT is -EINVAL.
 */
int number_dotted(struct bytes text, double *value);

/*
 * All of `text` as a decimal number as statsd clients write it: sign, digits, dot and exponent all
 * optional, one digit at least. Cut at NUMBER_LIMIT.
 */
int number_decimal(struct bytes text, double *value);

#endif
