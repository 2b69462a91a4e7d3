#include "flow/call.h"

#include "base/clock.h"
#include "request/figures.h"
#include "request/names.h"

bool call_in_request(void)
{
    const struct thread *self = thread_current;
    return self != NULL && atomic_load_explicit(&self->owned, memory_order_relaxed) > 0;
}

struct worker *call_begins(struct bytes id, struct bytes label, struct bytes action)
{
    struct thread *self = thread_self();
    struct worker *worker = self != NULL ? worker_make(clock_now_ns()) : NULL;
    if (worker == NULL) {
        figure_count(FIGURE_LOST);
        return NULL;
    }
    worker_name(worker, label_number(&names.labels, label), label_number(&names.actions, action));
    if (id.n > 0)
        worker_set_id(worker, id);
    worker_begin(worker, self);
    return worker;
}

void call_ends(struct worker *worker, int status, bool done)
{
    struct thread *self = thread_self();
    if (self != NULL)
        worker_served_by(worker, self);
    worker_end(worker, self, status, done ? OUTCOME_DONE : OUTCOME_ABORTED, clock_now_ns());
    worker_free(worker);
}

void call_left(struct worker *worker)
{
    if (!worker_leave(worker, thread_self()))
        worker_free(worker);
}
