#ifndef UNIT_LIVE_H
#define UNIT_LIVE_H

/*
 * live: threads, workers and the registry without a sender: what would be sent stays in each
 * thread's queue, and a test takes it out there.
 */

#include <criterion/criterion.h>

#include "base/process.h"
#include "request/registry.h"
#include "request/thread.h"
#include "request/worker.h"
#include "send/sender.h"

static inline void live_down(struct thread *thread)
{
    worker_down(thread);
    thread_ended(thread);
}

static inline void live_begin(void)
{
    process_begin();
    ring_budget(1 << 24);
    atomic_store(&sender_state, SENDER_BUSY); /* nobody starts one */
    worker_tell_ids(true);
    cr_assert_eq(thread_begin(live_down), 0);
    cr_assert_eq(registry_begin(), 0);
}

/* The oldest event of a thread's queue, copied; its kind is 0 if there is none. */
static inline const struct event *live_event(struct thread *thread)
{
    static _Alignas(8) char copy[RING_RECORD_WORDS * 8];
    const uint64_t *record = ring_peek_spsc(&thread->ring);
    memset(copy, 0, sizeof copy);
    if (record != NULL) {
        size_t words = (*record >> 8 & 0xff) + 1;
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
