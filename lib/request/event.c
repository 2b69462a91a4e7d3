#include "request/event.h"

#include <stddef.h>

_Static_assert(offsetof(struct event, rest) == EVENT_END_WORDS * 8, "an end is four words");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fields are written as words");
_Static_assert(EVENT_WORDS_MOST <= RING_RECORD_WORDS, "an event fits in a ring");

bool event_put_start(struct ring *ring, uint64_t named)
{
    uint64_t *word = ring_reserve_spsc(ring, EVENT_START_WORDS);
    if (word == NULL)
        return true;
    *word = named | EVENT_START;
    return ring_commit_spsc(ring);
}

static uint32_t timers_of(const struct event_facts *facts)
{
    return facts->timers == NULL ? 0 : facts->timers->n;
}

static uint32_t words_of(const struct event_facts *facts)
{
    uint32_t id_words = facts->id.n == 0 ? 0 : (uint32_t)(1 + facts->id.n + 7) / 8;
    return EVENT_END_WORDS + timers_of(facts) * 2 + id_words;
}

static void fill(struct event *event, const struct event_facts *facts, uint32_t words)
{
    uint32_t timers = timers_of(facts);
    event_fill((uint64_t *)event, facts, event_names(facts->scope, facts->label, facts->action),
               words, timers);
    if (timers > 0)
        timers_copy(facts->timers, (struct timer *)event->rest);
    if (facts->id.n > 0) {
        uint8_t *id = (uint8_t *)(event->rest + timers * 2);
        id[0] = (uint8_t)facts->id.n;
        memcpy(id + 1, facts->id.at, facts->id.n);
    }
}

bool event_lost(struct ring *ring, bool starts)
{
    if (starts)
        ring_count_dropped_spsc(ring);
    return true;
}

bool event_put_end(struct ring *ring, const struct event_facts *facts)
{
    uint32_t words = words_of(facts);
    uint64_t *word = ring_reserve_spsc(ring, words);
    if (word == NULL)
        return event_lost(ring, facts->starts);
    fill((struct event *)word, facts, words);
    return ring_commit_spsc(ring);
}

const struct event *event_write(uint64_t *room, const struct event_facts *facts)
{
    fill((struct event *)room, facts, words_of(facts));
    return (const struct event *)room;
}

const struct timer *event_timers(const struct event *event)
{
    return (const struct timer *)event->rest;
}

struct bytes event_id(const struct event *event)
{
    uint32_t words = EVENT_END_WORDS + event->timers * 2u;
    if (event->more_words + 1u <= words)
        return (struct bytes){"", 0};
    const char *id = (const char *)(event->rest + event->timers * 2u);
    return (struct bytes){id + 1, (uint8_t)id[0]};
}
