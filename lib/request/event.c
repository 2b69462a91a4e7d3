#include "request/event.h"

#include <stddef.h>

_Static_assert(sizeof(struct event_timer) == 16, "a timer is two words");
_Static_assert(offsetof(struct event, rest) == EVENT_END_WORDS * 8, "an end is four words");

bool event_put_start(struct ring *ring, uint16_t label, uint16_t action)
{
    uint64_t *word = ring_reserve_spsc(ring, EVENT_START_WORDS);
    if (word == NULL)
        return false;
    *word = (uint64_t)EVENT_START | (uint64_t)label << 16 | (uint64_t)action << 32;
    return ring_commit_spsc(ring);
}

static uint32_t id_words(struct bytes id)
{
    return id.n == 0 ? 0 : (uint32_t)(1 + id.n + 7) / 8;
}

bool event_put_end(struct ring *ring, const struct event_facts *facts)
{
    uint32_t timer_words = facts->timers * 2;
    uint32_t words = EVENT_END_WORDS + timer_words + id_words(facts->id);
    uint64_t *word = ring_reserve_spsc(ring, words);
    if (word == NULL)
        return false;
    struct event *event = (struct event *)word;
    event->kind = (uint8_t)facts->kind;
    event->more_words = (uint8_t)(words - 1);
    event->label = facts->label;
    event->action = facts->action;
    event->outcome = (uint8_t)facts->outcome;
    event->timers = (uint8_t)facts->timers;
    event->status = facts->status;
    event->tid = facts->tid;
    event->duration_ns = facts->duration_ns;
    event->start_ns = facts->start_ns;
    if (timer_words > 0)
        memcpy(event->rest, facts->timer, timer_words * sizeof(uint64_t));
    if (facts->id.n > 0) {
        uint8_t *id = (uint8_t *)(event->rest + timer_words);
        id[0] = (uint8_t)facts->id.n;
        memcpy(id + 1, facts->id.at, facts->id.n);
    }
    return ring_commit_spsc(ring);
}

const struct event_timer *event_timer_list(const struct event *event)
{
    return (const struct event_timer *)event->rest;
}

struct bytes event_id(const struct event *event)
{
    uint32_t words = EVENT_END_WORDS + event->timers * 2u;
    if (event->more_words + 1u <= words)
        return (struct bytes){"", 0};
    const char *id = (const char *)(event->rest + event->timers * 2u);
    return (struct bytes){id + 1, (uint8_t)id[0]};
}
