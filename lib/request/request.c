#include "request/request.h"

#include <errno.h>

#include "base/clock.h"
#include "base/sys.h"
#include "request/names.h"
#include "request/registry.h"
#include "request/scope.h"
#include "send/sender.h"

/* The owner that a caller asks for, with one more request to own. */
static int own(pid_t tid, struct thread *self, struct thread **owner)
{
    *owner = self;
    if (tid == 0 || tid == self->tid) {
        atomic_fetch_add(&self->owned, 1);
        return 0;
    }
    int error = thread_of(tid, owner);
    if (error < 0)
        return error;
    return thread_own(*owner, tid) ? 0 : -ESRCH;
}

static void name(struct worker *worker, const struct request_start *start, int scope)
{
    worker_name(worker, label_number(&names.labels, start->label),
                label_number(&names.actions, start->action));
    worker_scope(worker, (uint8_t)scope);
    worker_set_id(worker, start->id);
    worker->by_calls = true;
}

int request_start(const struct request_start *start)
{
    struct thread *self = thread_self(), *owner;
    if (start->id.n == 0)
        return -EINVAL;
    if (start->id.n > REQUEST_ID_BYTES)
        return -ENAMETOOLONG;
    if (self == NULL)
        return -ENOMEM;
    int scope = scope_number(start->app, start->prefixes);
    if (scope < 0)
        return scope;
    struct worker *worker = worker_make(clock_now_ns());
    if (worker == NULL)
        return -ENOSPC;
    int error = own(start->parent, self, &owner);
    if (error < 0) {
        worker_free(worker);
        return error;
    }
    name(worker, start, scope);
    error = worker_begin_for(worker, owner, self);
    if (error < 0) {
        thread_disown(owner);
        worker_free(worker);
    }
    return error;
}

static int release(struct worker *worker, int result)
{
    lock_release(&worker->lock);
    return result;
}

/* A label as it is kept, in `room` of LABEL_BYTES. */
static struct bytes clean(char *room, struct bytes label)
{
    return (struct bytes){room, label_clean_name(room, LABEL_BYTES, label)};
}

static int add_time(struct worker *worker, struct bytes label, uint64_t time_us)
{
    char room[LABEL_BYTES];
    struct notes *notes = worker_take_notes(worker);
    uint16_t number = label_number(&names.timers, label);
    if (notes == NULL)
        return -ENOMEM;
    bool known = number != LABEL_OTHER && timers_have(&notes->timers, number);
    if (notes->alog.first != NULL && !known && alog_has(&notes->alog, clean(room, label)))
        return -EINVAL;
    return timers_add(&notes->timers, number, time_us, 1);
}

int request_add_time(struct bytes id, struct bytes label, uint64_t time_us)
{
    struct worker *worker;
    int error = registry_hold(id, &worker);
    return error < 0 ? error : release(worker, add_time(worker, label, time_us));
}

static bool is_timer(const struct timers *timers, struct bytes label)
{
    struct timer timer[TIMERS_MOST];
    timers_copy(timers, timer);
    for (uint32_t i = 0; i < timers->n; i++)
        if (timer[i].label != LABEL_OTHER &&
            bytes_equal(label_text(&names.timers, timer[i].label), label))
            return true;
    return false;
}

static int append(struct worker *worker, struct bytes label, struct bytes message)
{
    char room[LABEL_BYTES];
    struct notes *notes = worker_take_notes(worker);
    if (notes == NULL)
        return -ENOMEM;
    label = clean(room, label);
    if (is_timer(&notes->timers, label))
        return -EINVAL;
    return alog_append(&notes->alog, label, message);
}

int request_append(struct bytes id, struct bytes label, struct bytes message)
{
    struct worker *worker;
    int error = registry_hold(id, &worker);
    return error < 0 ? error : release(worker, append(worker, label, message));
}

ssize_t request_read_log(struct bytes id, struct bytes label, struct writer *w)
{
    char room[LABEL_BYTES];
    struct worker *worker;
    int error = registry_hold(id, &worker);
    if (error < 0)
        return error;
    size_t n = worker->noted ? alog_read(&worker->notes->alog, clean(room, label), w) : 0;
    lock_release(&worker->lock);
    return (ssize_t)n;
}

static struct upstream_rule rule_of(const struct worker *worker)
{
    uint8_t scope = worker_scope_of(worker);
    if (scope == 0)
        return names.rule;
    return (struct upstream_rule){scope_of(scope).prefixes, false};
}

static void look_at(const struct worker *worker, struct snapshot *snapshot)
{
    const struct notes *notes = worker->noted ? worker->notes : NULL;
    uint64_t start = atomic_load_explicit(&worker->start_ns, memory_order_relaxed);
    uint64_t time = worker_time_ns(start, clock_now_ns());
    if (notes != NULL && notes->reported)
        time = notes->reported_ns;
    snapshot->rule = rule_of(worker);
    snapshot->request_us = time / 1000;
    snapshot->timers = notes != NULL ? notes->timers.n : 0;
    if (notes != NULL)
        timers_copy(&notes->timers, snapshot->timer);
}

int request_snapshot(struct bytes id, struct snapshot *snapshot)
{
    struct worker *worker;
    int error = registry_hold(id, &worker);
    if (error < 0)
        return error;
    look_at(worker, snapshot);
    return release(worker, 0);
}

int request_report(struct bytes id, int status)
{
    struct worker *worker;
    uint64_t now = clock_now_ns();
    int error = registry_hold(id, &worker);
    if (error < 0)
        return error;
    if (!worker->by_calls)
        return release(worker, -EPERM);
    return release(worker, worker_report(worker, thread_self(), status, now));
}

int request_stop(struct bytes id)
{
    struct worker *worker;
    int error = registry_hold(id, &worker);
    if (error < 0)
        return error;
    if (!worker->by_calls)
        return release(worker, -EPERM);
    bool dropped = worker_drop(worker);
    lock_release(&worker->lock);
    if (!dropped)
        return -ENOENT;
    worker_free(worker);
    return 0;
}

int request_reparent(struct bytes id, pid_t tid)
{
    struct worker *worker;
    struct thread *owner;
    int error = registry_hold(id, &worker);
    if (error < 0)
        return error;
    error = own(tid, thread_self(), &owner);
    if (error == 0 && !worker_reparent(worker, owner))
        error = -ENOENT;
    return release(worker, error);
}

int request_clean(pid_t tid)
{
    struct thread *thread = thread_find(tid == 0 ? sys_gettid() : tid);
    return thread != NULL && worker_clean(thread) > 0 ? 0 : -ENOENT;
}

int request_watch(pid_t tid)
{
    struct thread *thread = thread_self();
    if (thread == NULL)
        return -ENOMEM;
    if (tid == 0 || tid == thread->tid)
        return 0;
    int error = thread_of(tid, &thread);
    if (error == 0)
        sender_notify(true);
    return error;
}

size_t request_count(void)
{
    struct thread *thread;
    size_t n = 0;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        if (atomic_load(&thread->state) == THREAD_LIVE)
            n += atomic_load(&thread->owned);
    return n;
}
