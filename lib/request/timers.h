#ifndef REQUEST_TIMERS_H
#define REQUEST_TIMERS_H

/*
 * timers: cumulative time and count per label, of one request. Labels are numbers of names.timers.
 * The first few stand here, the others in blocks. One thread at a time: the worker's lock.
 */

#include "base/bytes.h"
#include "request/block.h"

#define TIMERS_HERE 10
#define TIMERS_MOST 255 /* LABEL_OTHER with them, which takes what finds no place */

struct timer {
    uint16_t label;
    uint32_t count;
    uint64_t time_us; /* INT64_MAX at most */
};

struct timers {
    uint32_t n;
    struct block *more;
    struct timer here[TIMERS_HERE];
};

/* Adds `n` calls, which took `time_us` together, to the label's timer, made when it is new. 0 or
 * -ENOMEM. */
int timers_add(struct timers *timers, uint16_t label, uint64_t time_us, uint32_t n);

bool timers_have(const struct timers *timers, uint16_t label);

/* Copies all of them to `to`, TIMERS_MOST at most, in the order in which they came. */
void timers_copy(const struct timers *timers, struct timer *to);

/* There are none any more. */
void timers_clear(struct timers *timers);

#endif
