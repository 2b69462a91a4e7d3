#ifndef REQUEST_EVENT_H
#define REQUEST_EVENT_H

/*
 * event: what the host's threads tell the sender, as compact records in a ring. Nothing is spelled
 * here: a label is a number, a time is in ns. A start takes one word, an end four; one that also
 * tells the start takes no more.
 */

#include <stdint.h>

#include "base/bytes.h"
#include "base/ring.h"
#include "request/id.h"
#include "request/timers.h"

enum event_kind { EVENT_START = 1, EVENT_END, EVENT_DOWN };

enum outcome { OUTCOME_DONE, OUTCOME_ABORTED, OUTCOME_DOWN };

/* In the ring: `words` - 1 stands in the upper half of the first 32 bits, as base/ring.h asks. */
struct event {
    uint8_t kind : 7;
    uint8_t starts : 1; /* an end or DOWN: the start is told as well */
    uint8_t scope;
    uint16_t more_words;
    uint16_t label, action;
    /* Ends here for EVENT_START. */
    int32_t status;
    uint32_t tid : 22; /* PID_MAX_LIMIT is 2^22 */
    uint32_t outcome : 2;
    uint32_t timers : 8;
    uint64_t duration_ns;
    uint64_t start_ns;
    /* Then `timers` timers, then the request id where it is wanted: its length, then its bytes. */
    uint64_t rest[];
};

/* Scope, label and action as an event's first word has them. */
static inline uint64_t event_names(uint8_t scope, uint16_t label, uint16_t action)
{
    return (uint64_t)scope << 8 | (uint64_t)label << 32 | (uint64_t)action << 48;
}

static inline uint8_t event_names_scope(uint64_t named)
{
    return (uint8_t)(named >> 8);
}

static inline uint16_t event_names_label(uint64_t named)
{
    return (uint16_t)(named >> 32);
}

static inline uint16_t event_names_action(uint64_t named)
{
    return (uint16_t)(named >> 48);
}

#define EVENT_START_WORDS 1u
#define EVENT_END_WORDS   4u
#define EVENT_WORDS_MOST  (EVENT_END_WORDS + TIMERS_MOST * 2 + REQUEST_ID_BYTES / 8 + 1)

/* What an end or DOWN event says. */
struct event_facts {
    enum event_kind kind;
    enum outcome outcome;
    uint8_t scope;
    uint16_t label, action;
    int32_t status;
    uint32_t tid;
    uint64_t duration_ns, start_ns;
    const struct timers *timers; /* NULL: none */
    struct bytes id;             /* empty: not told */
    bool starts;                 /* its start has not been told before */
    bool reported;               /* DOWN: its end has been told before; not in the event */
};

/*
 * Producer: hands over a start, or an end. True when the sender should come soon. A full ring drops
 * the event and counts it, for two if it tells a start and an end, and is true.
 */
bool event_put_start(struct ring *ring, uint64_t named);
bool event_put_end(struct ring *ring, const struct event_facts *facts);

/* There was no room for an end: what is dropped besides it is counted. True. */
__attribute__((cold, noinline)) bool event_lost(struct ring *ring, bool starts);

/* The words of an end or DOWN event that has `words` in all, up to its rest. */
static inline __attribute__((always_inline)) void event_fill(uint64_t *word,
                                                             const struct event_facts *facts,
                                                             uint64_t named, uint32_t words,
                                                             uint32_t timers)
{
    word[0] =
        named | (uint64_t)facts->kind | (uint64_t)facts->starts << 7 | (uint64_t)(words - 1) << 16;
    word[1] = (uint32_t)facts->status |
              (uint64_t)((facts->tid & 0x3fffff) | (uint32_t)facts->outcome << 22 | timers << 24)
                  << 32;
    word[2] = facts->duration_ns;
    word[3] = facts->start_ns;
}

/* As event_put_end, for an end without timers and id, of these names. Inline: it all stays in
 * registers. */
static inline __attribute__((always_inline)) bool
event_put_plain_end(struct ring *ring, const struct event_facts *facts, uint64_t named)
{
    uint64_t *word = ring_reserve_spsc(ring, EVENT_END_WORDS);
    if (__builtin_expect(word == NULL, 0))
        return event_lost(ring, facts->starts);
    event_fill(word, facts, named, EVENT_END_WORDS, 0);
    return ring_commit_spsc(ring);
}

/* Writes an end or DOWN event to `room`, of EVENT_WORDS_MOST words. */
const struct event *event_write(uint64_t *room, const struct event_facts *facts);

/* Consumer: the parts of an event that stand in its rest. */
const struct timer *event_timers(const struct event *event);
struct bytes event_id(const struct event *event);

#endif
