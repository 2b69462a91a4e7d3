/* Threads that begin and end requests, some under the same ids, while all look ids up, and threads
 * that die with requests of theirs. In the end nothing is left. */
#include "base/process.h"
#include "request/registry.h"
#include "request/sweep.h"
#include "send/sender.h"
#include "stress.h"

enum { THREADS = 4, ROUNDS = 40, CYCLES = 2000, LIVE = 32 };

static _Atomic uint64_t begun, ended, lost;

static void count_lost(const struct event_facts *facts)
{
    expect(facts->kind == EVENT_DOWN && facts->id.n > 0);
    atomic_fetch_add(&lost, 1);
}

static void down(struct thread *thread)
{
    thread_ended(thread);
    sweep_downs(count_lost);
}

/* One id in four is everybody's. */
static struct bytes make_id(char *text, size_t size, int thread, uint64_t number)
{
    int n = number % 4 == 0
                ? snprintf(text, size, "shared-%d", (int)(number / 4 % 16))
                : snprintf(text, size, "%d-%d-of-one-thread-alone", thread, (int)(number % 500));
    return (struct bytes){text, (size_t)n};
}

static void begin(struct worker **place, struct bytes id)
{
    *place = worker_make(1);
    expect(*place != NULL);
    worker_set_id(*place, id);
    worker_begin(*place, thread_self());
    atomic_fetch_add(&begun, 1);
}

static void end(struct worker **place)
{
    worker_end(*place, thread_self(), 200, OUTCOME_DONE, 2);
    worker_free(*place);
    *place = NULL;
    atomic_fetch_add(&ended, 1);
}

/* What is found is a live request of a thread of ours. */
static void look_up(struct bytes id)
{
    struct registry_entry entry;
    if (registry_find(id, &entry) == 0)
        expect(entry.tid != 0 && entry.start_ns == 1);
}

static void discard_events(void)
{
    struct ring *ring = &thread_self()->ring;
    while (ring_peek_spsc(ring) != NULL)
        ring_release_spsc(ring);
}

static void *serve(void *number)
{
    struct worker *live[LIVE] = {NULL};
    int me = (int)(intptr_t)number;
    uint64_t random = (uint64_t)me + 1;
    for (int i = 0; i < CYCLES; i++) {
        char text[64];
        struct worker **place = &live[next_random(&random) % LIVE];
        if (*place != NULL)
            end(place);
        begin(place, make_id(text, sizeof text, me, random >> 8));
        look_up(make_id(text, sizeof text, (int)(random >> 40) % THREADS, random >> 16));
        discard_events();
    }
    return NULL; /* what is live goes DOWN */
}

int main(void)
{
    process_begin();
    atomic_store(&sender_state, SENDER_BUSY); /* nobody starts one */
    ring_budget(1 << 20);
    expect(thread_begin(down) == 0);
    registry_begin();
    sweep_begin();
    for (int round = 0; round < ROUNDS; round++) {
        on_threads(THREADS, serve);
        expect(thread_downs() == 0 && registry_count() == 0);
        expect(begun == ended + lost);
    }
    return 0;
}
