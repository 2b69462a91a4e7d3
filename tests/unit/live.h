#ifndef UNIT_LIVE_H
#define UNIT_LIVE_H

/*
 * live: threads, workers and the registry without a sender: what would be sent stays in each
 * thread's queue, and a test takes it out there. A thread that ends sweeps its requests itself:
 * what that told is kept.
 */

#include <criterion/criterion.h>
#include <pthread.h>

#include "base/process.h"
#include "request/registry.h"
#include "request/sweep.h"
#include "request/thread.h"
#include "request/worker.h"
#include "send/sender.h"

#define LIVE_TOLD 64

/* Requests that were told as DOWN: how many, and the last ones as events. */
static struct live_told {
    pthread_mutex_t lock;
    uint64_t n;
    struct live_lost {
        bool reported;
        uint64_t event[EVENT_WORDS_MOST];
    } last[LIVE_TOLD];
} live_told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void live_tell(const struct event_facts *facts)
{
    pthread_mutex_lock(&live_told.lock);
    struct live_lost *lost = &live_told.last[live_told.n++ % LIVE_TOLD];
    lost->reported = facts->reported;
    event_write(lost->event, facts);
    pthread_mutex_unlock(&live_told.lock);
}

/* The one that was told as number `i`, from 0 on. */
static inline const struct event *live_lost(uint64_t i)
{
    cr_assert(i < live_told.n && live_told.n - i <= LIVE_TOLD, "%lu of %lu", i, live_told.n);
    return (const struct event *)(const void *)live_told.last[i % LIVE_TOLD].event;
}

static inline void live_down(struct thread *thread)
{
    thread_ended(thread);
    sweep_downs(live_tell);
}

static inline void live_begin(void)
{
    process_begin();
    ring_budget(1 << 24);
    atomic_store(&sender_state, SENDER_BUSY); /* nobody starts one */
    worker_tell_ids(true);
    cr_assert_eq(thread_begin(live_down), 0);
    registry_begin();
    sweep_begin();
}

/* The oldest event of a thread's queue, copied; its kind is 0 if there is none. */
static inline const struct event *live_event(struct thread *thread)
{
    static _Alignas(8) char copy[RING_RECORD_WORDS * 8];
    const uint64_t *record = ring_peek_spsc(&thread->ring);
    memset(copy, 0, sizeof copy);
    if (record != NULL) {
        size_t words = (*record >> 16 & 0xffff) + 1;
        memcpy(copy, record, words * sizeof *record);
        ring_release_spsc(&thread->ring);
    }
    return (const struct event *)(const void *)copy;
}

static inline struct worker *live_worker(const char *id)
{
    struct worker *worker = worker_make(1000);
    cr_assert_not_null(worker);
    worker_name(worker, 3, 4);
    worker_set_id(worker, bytes_of(id));
    return worker;
}

static inline bool live_found(const char *id)
{
    struct registry_entry entry;
    return registry_find(bytes_of(id), &entry) == 0;
}

#endif
