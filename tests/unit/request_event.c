#include <criterion/criterion.h>

#include "request/event.h"

static struct ring ring;

static void begin(void)
{
    ring_budget(0);
    cr_assert_eq(ring_begin(&ring), 0);
}

static const struct event *next(void)
{
    const struct event *event = (const struct event *)ring_peek_spsc(&ring);
    cr_assert_not_null(event);
    return event;
}

Test(event, a_start_is_one_word)
{
    begin();
    event_put_start(&ring, event_names(200, 0xfffe, 0x1234));
    const struct event *event = next();
    cr_assert_eq(event->kind, EVENT_START);
    cr_assert_eq(event->scope, 200);
    cr_assert_eq(event->more_words, 0);
    cr_assert_eq(event->label, 0xfffe);
    cr_assert_eq(event->action, 0x1234);
    ring_release_spsc(&ring);
    cr_assert_null(ring_peek_spsc(&ring));
}

static struct event_facts facts(void)
{
    return (struct event_facts){
        .kind = EVENT_END,
        .outcome = OUTCOME_ABORTED,
        .scope = 255,
        .label = 7,
        .action = 65535,
        .status = -5,
        .tid = (1 << 22) - 1,
        .duration_ns = UINT64_MAX,
        .start_ns = 1ull << 60,
        .id = BYTES(""),
    };
}

static bool has_timers(const struct event *event, const struct timers *timers)
{
    struct timer timer[TIMERS_MOST];
    if (timers == NULL)
        return event->timers == 0;
    timers_copy(timers, timer);
    return event->timers == timers->n &&
           memcmp(event_timers(event), timer, timers->n * sizeof *timer) == 0;
}

static void assert_facts(const struct event *event, const struct event_facts *expected)
{
    cr_assert_eq(event->kind, (uint8_t)expected->kind);
    cr_assert_eq(event->outcome, (uint8_t)expected->outcome);
    cr_assert_eq(event->scope, expected->scope);
    cr_assert_eq(event->label, expected->label);
    cr_assert_eq(event->action, expected->action);
    cr_assert_eq(event->status, expected->status);
    cr_assert_eq(event->tid, expected->tid);
    cr_assert_eq(event->duration_ns, expected->duration_ns);
    cr_assert_eq(event->start_ns, expected->start_ns);
    cr_assert(has_timers(event, expected->timers));
    cr_assert(bytes_equal(event_id(event), expected->id));
}

Test(event, an_end_is_four_words)
{
    struct event_facts end = facts();
    begin();
    event_put_end(&ring, &end);
    assert_facts(next(), &end);
    cr_assert_eq(next()->more_words, 3);
}

/* The same facts, with ids of every length, through the ring and on their own. */
static void assert_ids(struct event_facts *end)
{
    uint64_t room[EVENT_WORDS_MOST];
    char id[REQUEST_ID_BYTES];
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (char)(255 - i);
    for (size_t n = 0; n <= REQUEST_ID_BYTES; n++) {
        end->id = (struct bytes){id, n};
        event_put_end(&ring, end);
        event_put_start(&ring, event_names(1, 1, 1));
        assert_facts(next(), end);
        assert_facts(event_write(room, end), end);
        ring_release_spsc(&ring);
        ring_release_spsc(&ring);
    }
}

/* Every number of timers with ids of every length. */
Test(event, timers_and_id)
{
    static struct timers timers;
    struct event_facts end = facts();
    begin();
    assert_ids(&end);
    end.timers = &timers;
    for (uint32_t n = 0; n <= TIMERS_MOST; n++) {
        cr_assert_eq(timers.n, n);
        assert_ids(&end);
        timers_add(&timers, (uint16_t)(n + 1), INT64_MAX - n, 1);
    }
    cr_assert_eq(timers.n, TIMERS_MOST, "no more than an event can carry");
    cr_assert_eq(ring_dropped_spsc(&ring), 0);
}

/* Of the longest event no word is left. */
Test(event, the_longest_event)
{
    static struct timers timers;
    char id[REQUEST_ID_BYTES] = "";
    struct event_facts end = facts();
    for (uint16_t i = 1; i <= TIMERS_MOST; i++)
        timers_add(&timers, i, 1, 1);
    end.timers = &timers;
    end.id = (struct bytes){id, sizeof id};
    begin();
    event_put_end(&ring, &end);
    cr_assert_eq(next()->more_words + 1u, EVENT_WORDS_MOST);
}

Test(event, a_full_ring_drops_and_counts)
{
    struct event_facts end = facts();
    begin();
    for (int i = 0; i < RING_WORDS_LEAST; i++)
        event_put_start(&ring, event_names(1, 1, 1));
    cr_assert(event_put_start(&ring, event_names(1, 1, 1)), "the sender should come");
    cr_assert(event_put_end(&ring, &end));
    cr_assert_eq(ring_dropped_spsc(&ring), 2);
}

Test(event, tells_when_the_sender_should_come)
{
    struct event_facts end = facts();
    const uint32_t half =
        RING_WORDS_LEAST / 2 < RING_WORDS_WAKE ? RING_WORDS_LEAST / 2 : RING_WORDS_WAKE;
    begin();
    for (uint32_t i = EVENT_END_WORDS; i < half; i += EVENT_END_WORDS)
        cr_assert_not(event_put_end(&ring, &end));
    cr_assert(event_put_end(&ring, &end));
    cr_assert(event_put_start(&ring, event_names(1, 1, 1)));
}
