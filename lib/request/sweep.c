#include "request/sweep.h"

#include "base/lock.h"
#include "base/log.h"
#include "request/epoch.h"
#include "request/figures.h"
#include "request/worker.h"

static struct {
    struct lock lock;       /* dying threads sweep themselves where no sender can be started */
    uint64_t looked_ns;     /* when unseen ends were looked for last */
    _Atomic uint32_t swept; /* of the threads that went DOWN ever */
    struct id_supply ids;
} sweep;

void sweep_begin(void)
{
    sweep.looked_ns = 0;
    id_supply_begin(&sweep.ids);
}

void sweep_say_down(struct bytes id)
{
    figure_count(FIGURE_DOWN);
    log_witness(thread_any());
    log_line(LOG_WARN, BYTES("the thread of request "), id,
             BYTES(" ended before its response did"));
}

static bool is_down(const struct thread *owner)
{
    return atomic_load(&owner->state) == THREAD_DOWN;
}

static bool is_any(const struct thread *owner)
{
    (void)owner;
    return true;
}

void sweep_downs(sweep_tell *tell)
{
    struct thread *thread;
    if (!lock_take(&sweep.lock))
        return;
    atomic_store(&sweep.swept, thread_downs_ever());
    if (thread_downs() == 0) {
        lock_release(&sweep.lock);
        return;
    }
    worker_sweep(is_down, tell, &sweep.ids);
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        if (is_down(thread))
            thread_cleaned(thread);
    lock_release(&sweep.lock);
}

void sweep_when_due(sweep_tell *tell, uint64_t now_ns)
{
    if (now_ns - sweep.looked_ns >= SWEEP_NS) {
        thread_find_dead();
        epoch_reclaim();
        sweep.looked_ns = now_ns;
    }
    sweep_downs(tell);
}

bool sweep_urgent(void)
{
    return atomic_load(&sweep.swept) != thread_downs_ever() && thread_downs() > 0;
}

void sweep_all(sweep_tell *tell)
{
    worker_sweep(is_any, tell, &sweep.ids);
}

uint64_t sweep_due_ns(uint64_t now_ns)
{
    if (thread_downs() == 0 && !thread_any_to_watch() && !epoch_pending())
        return UINT64_MAX;
    uint64_t since = now_ns - sweep.looked_ns;
    return since >= SWEEP_NS ? 1 : SWEEP_NS - since;
}
