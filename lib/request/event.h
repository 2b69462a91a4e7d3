#ifndef REQUEST_EVENT_H
#define REQUEST_EVENT_H

/*
 * event: what the host's threads tell the sender, as compact records in a ring. Nothing is spelled
 * here: a label is a number, a time is in ns. A start takes one word, an end four.
 */

#include <stdint.h>

#include "base/bytes.h"
#include "base/ring.h"

#define REQUEST_ID_BYTES 128 /* a longer id is cut */
#define EVENT_TIMERS     40  /* timers that one event can carry */

enum event_kind { EVENT_START = 1, EVENT_END, EVENT_DOWN };

enum outcome { OUTCOME_DONE, OUTCOME_ABORTED, OUTCOME_DOWN };

/* Cumulative time under one label. */
struct event_timer {
    uint16_t label;
    uint32_t count;
    uint64_t time_us;
};

/* In the ring: `words` - 1 stands in bits 8 to 15 of the first word, as base/ring.h asks. */
struct event {
    uint8_t kind;
    uint8_t more_words;
    uint16_t label, action;
    uint8_t outcome;
    uint8_t timers;
    /* Ends here for EVENT_START. */
    int32_t status;
    uint32_t tid;
    uint64_t duration_ns;
    uint64_t start_ns;
    /* Then `timers` timers, then the request id where it is wanted: its length, then its bytes. */
    uint64_t rest[];
};

#define EVENT_START_WORDS 1u
#define EVENT_END_WORDS   4u

/* What an end or DOWN event says. */
struct event_facts {
    enum event_kind kind;
    enum outcome outcome;
    uint16_t label, action;
    int32_t status;
    uint32_t tid;
    uint64_t duration_ns, start_ns;
    const struct event_timer *timer;
    uint32_t timers; /* at most EVENT_TIMERS */
    struct bytes id; /* empty: not told */
};

/*
 * Producer: hands over a start, or an end. True when the sender should come soon. A full ring drops
 * the event and counts it.
 */
bool event_put_start(struct ring *ring, uint16_t label, uint16_t action);
bool event_put_end(struct ring *ring, const struct event_facts *facts);

/* Consumer: the parts of an event that stand in its rest. */
const struct event_timer *event_timer_list(const struct event *event);
struct bytes event_id(const struct event *event);

#endif
