#include "request/current.h"

#include "base/hot.h"

__thread uint32_t current_number __attribute__((tls_model("initial-exec")));

HOT_DATA bool current_watched;

static void (*settle_timers)(void);

/* A worker's memory is another request's later on: that has begun at another time. */
static __thread struct current {
    struct worker *worker;
    uint64_t start_ns;
    uint32_t last_number;
} current __attribute__((tls_model("initial-exec")));

void current_watch(void (*settle)(void))
{
    settle_timers = settle;
    current_watched = true;
}

static void none_any_more(void)
{
    if (current_number == 0)
        return;
    settle_timers();
    current_number = 0;
}

static uint64_t start_of(const struct worker *worker)
{
    return atomic_load_explicit(&worker->start_ns, memory_order_relaxed);
}

void current_begins(struct worker *worker, const struct thread *self)
{
    none_any_more();
    if (atomic_load_explicit(&self->owned, memory_order_relaxed) != 1)
        return;
    current.worker = worker;
    current.start_ns = start_of(worker);
    current.last_number += current.last_number == UINT32_MAX ? 2 : 1;
    current_number = current.last_number;
}

void current_ends(const struct worker *worker)
{
    if (worker == current.worker)
        none_any_more();
}

/* Others may have ended it, or have taken it over. */
static bool is_ours(const struct worker *worker)
{
    const struct thread *self = thread_current;
    return self != NULL && start_of(worker) == current.start_ns &&
           worker_owner(worker) == self->link.number + 1;
}

void current_add(uint16_t label, uint64_t time_ns, uint32_t n)
{
    struct worker *worker = current.worker;
    if (current_number == 0 || !lock_take(&worker->lock))
        return;
    struct notes *notes = is_ours(worker) ? worker_take_notes(worker) : NULL;
    if (notes != NULL)
        timers_add(&notes->timers, label, time_ns / 1000, n);
    lock_release(&worker->lock);
}

void current_forget(void)
{
    current_number = 0;
}
