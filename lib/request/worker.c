#include "request/worker.h"

#include <errno.h>
#include <stddef.h>

#include "base/hot.h"
#include "request/current.h"
#include "request/registry.h"
#include "send/sender.h"

/*
 * What is told, and by whom. `hold` has three parts: the owner, whether the start is told, and a
 * turn, another one each time the record has ended a request.
 *
 * The start is told with the end, as most requests are over before a datagram is full: one event is
 * handed over, not two. The sender's thread looks for those that last, once in a while, and tells
 * theirs. It reads a record's names before it claims the start: while the turn is the same, the
 * names are, too.
 *
 * Who tells the end. The owner is the claim: it goes from 0 to a thread by worker_begin, from
 * thread to thread by worker_reparent, and back to 0 by whoever ends the request, its holder or its
 * owner's DOWN: one compare-and-swap, so exactly one of them.
 *
 * The sweep, which does what is left of a dead owner (at exit of living ones, too), reads the
 * record before it claims it. While it has that owner in the same turn the holder changes nothing
 * but the owner, so a successful claim proves that what was read belongs together: what the next
 * turn writes is stored with release, and who reads it, with acquire, finds the turn changed.
 *
 * After the claim the sweep still has to take the record out of the registry: until that is done
 * `owner` is OWNER_LEAVING, and a holder that gives the record back meanwhile leaves that to it
 * (OWNER_FREED), so that the record is nobody else's before it is out.
 */

_Static_assert(offsetof(struct worker, id.word) + 16 <= 64, "one line for the registry");
_Static_assert(offsetof(struct worker, names) / 64 == offsetof(struct worker, next) / 64,
               "one more line for a usual request");

#define OWNER_LEAVING UINT32_MAX
#define OWNER_FREED   (UINT32_MAX - 1)

#define HOLD_TOLD     (1ull << 32)
#define HOLD_TURN     (1ull << 33)

/* Without an owner: another turn begins. */
static inline uint64_t hold_ended(uint64_t hold)
{
    return (hold / HOLD_TURN + 1) * HOLD_TURN;
}

static inline uint64_t hold_with(uint64_t hold, uint32_t owner)
{
    return owner == 0 ? hold_ended(hold) : (hold & ~(uint64_t)UINT32_MAX) | owner;
}

/*
 * A request that came without an id is given one when somebody is told of it: at its end. Until
 * then nobody can know it, so nobody can look it up, and it does not stand in the registry.
 */

POOL(workers, struct worker, WORKERS_MOST);
static HOT_DATA bool ids_wanted;

void worker_tell_ids(bool tell)
{
    ids_wanted = tell;
}

struct worker *worker_make(uint64_t start_ns)
{
    struct worker *worker = pool_get(&workers);
    if (worker != NULL)
        worker_renew(worker, start_ns);
    return worker;
}

static inline uint64_t names_of(const struct worker *worker)
{
    return atomic_load_explicit(&worker->names, memory_order_acquire);
}

void worker_name(struct worker *worker, uint16_t label, uint16_t action)
{
    atomic_store_explicit(&worker->names, event_names(0, label, action), memory_order_release);
}

void worker_scope(struct worker *worker, uint8_t scope)
{
    uint64_t named = event_names(scope, event_names_label(names_of(worker)),
                                 event_names_action(names_of(worker)));
    atomic_store_explicit(&worker->names, named, memory_order_release);
}

uint8_t worker_scope_of(const struct worker *worker)
{
    return event_names_scope(names_of(worker));
}

void worker_set_id(struct worker *worker, struct bytes id)
{
    request_id_set(&worker->id, id);
}

/* Its owner comes last: from then on the sweep may end it, and it may be another's. `told`: 0, or
 * HOLD_TOLD if the caller tells its start. */
static inline int begin(struct worker *worker, const struct thread *owner, uint64_t told)
{
    uint64_t before = atomic_load_explicit(&worker->hold, memory_order_relaxed);
    int error = request_id_text(&worker->id).n > 0 ? registry_add(worker) : 0;
    if (error < 0 && worker->by_calls)
        return error;
    atomic_store_explicit(&worker->hold, before + told + owner->link.number + 1,
                          memory_order_release);
    return 0;
}

static inline bool is_thread(uint32_t owner)
{
    return owner != 0 && owner < OWNER_FREED;
}

/* The start of one that has begun: true for whoever is to tell it, under the names that it has. */
static bool claim_start(struct worker *worker, uint64_t *named)
{
    uint64_t hold = atomic_load_explicit(&worker->hold, memory_order_acquire);
    while (is_thread((uint32_t)hold) && !(hold & HOLD_TOLD)) {
        *named = names_of(worker);
        if (atomic_compare_exchange_weak(&worker->hold, &hold, hold | HOLD_TOLD))
            return true;
    }
    return false;
}

uint32_t worker_tell_starts(worker_tell_start *tell)
{
    uint32_t n = pool_size(&workers), told = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t named;
        struct worker *worker = pool_at(&workers, i);
        if (worker == NULL || !claim_start(worker, &named))
            continue;
        tell(event_names_scope(named), event_names_label(named), event_names_action(named));
        told++;
    }
    return told;
}

void worker_tell_own_starts(struct thread *thread)
{
    uint32_t n = pool_size(&workers);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t named;
        struct worker *worker = pool_at(&workers, i);
        if (worker != NULL && worker_owner(worker) == thread->link.number + 1 &&
            claim_start(worker, &named))
            event_put_start(&thread->ring, named);
    }
}

int worker_begin_for(struct worker *worker, struct thread *owner, struct thread *self)
{
    uint64_t named = names_of(worker);
    int error = begin(worker, owner, HOLD_TOLD);
    if (error == 0)
        sender_notify(event_put_start(&self->ring, named));
    return error;
}

HOT void worker_begin(struct worker *worker, struct thread *thread)
{
    atomic_fetch_add_explicit(&thread->owned, 1, memory_order_relaxed);
    begin(worker, thread, 0);
    sender_notify(false);
    if (__builtin_expect(current_watched, 0))
        current_begins(worker, thread);
}

/* True, and what `*hold` was before, if it was that owner's. */
static inline __attribute__((always_inline)) bool
change_owner(struct worker *worker, uint32_t owner, uint32_t next, uint64_t *hold)
{
    *hold = atomic_load_explicit(&worker->hold, memory_order_acquire);
    while ((uint32_t)*hold == owner)
        if (atomic_compare_exchange_weak(&worker->hold, hold, hold_with(*hold, next)))
            return true;
    return false;
}

/* A child that was forked inside us has no threads yet. */
static void disown(uint32_t owner)
{
    struct thread *thread = thread_at(owner - 1);
    if (thread != NULL)
        thread_disown(thread);
}

/* Takes the worker from `owner`; false if somebody was faster. */
static bool claim(struct worker *worker, uint32_t owner, uint32_t next, uint64_t *hold)
{
    if (!is_thread(owner) || !change_owner(worker, owner, next, hold))
        return false;
    disown(owner);
    return true;
}

/* The same of one that a thread owned when its hold was `seen`, if nothing has become of it since
 * but that its start was told. */
static bool claim_seen(struct worker *worker, uint64_t seen, uint32_t next, uint64_t *hold)
{
    *hold = seen;
    while (!atomic_compare_exchange_weak(&worker->hold, hold, hold_with(*hold, next)))
        if ((*hold | HOLD_TOLD) != (seen | HOLD_TOLD))
            return false;
    disown((uint32_t)seen);
    return true;
}

/* The owner has ended, and what it left is still to be swept. */
static bool is_lost(uint32_t owner)
{
    const struct thread *thread = is_thread(owner) ? thread_at(owner - 1) : NULL;
    return thread != NULL && atomic_load(&thread->state) == THREAD_DOWN;
}

static bool is_owner(uint32_t owner)
{
    return is_thread(owner) && !is_lost(owner);
}

bool worker_is_owned(const struct worker *worker)
{
    return is_owner(worker_owner(worker));
}

bool worker_reparent(struct worker *worker, struct thread *thread)
{
    uint32_t owner;
    uint64_t hold;
    do {
        owner = worker_owner(worker);
        if (!is_owner(owner)) {
            thread_disown(thread);
            return false;
        }
    } while (!claim(worker, owner, thread->link.number + 1, &hold));
    return true;
}

void worker_move_here(struct worker *worker, struct thread *thread)
{
    atomic_fetch_add_explicit(&thread->owned, 1, memory_order_relaxed);
    worker_reparent(worker, thread);
}

static inline struct event_facts facts_of(const struct worker *worker)
{
    uint64_t named = names_of(worker);
    return (struct event_facts){
        .scope = event_names_scope(named),
        .label = event_names_label(named),
        .action = event_names_action(named),
        .start_ns = atomic_load_explicit(&worker->start_ns, memory_order_acquire),
    };
}

static inline struct event_facts end_of(const struct worker *worker, const struct thread *thread,
                                        int status, enum outcome outcome, uint64_t now_ns)
{
    struct event_facts facts = facts_of(worker);
    facts.kind = EVENT_END;
    facts.outcome = outcome;
    facts.status = status;
    facts.tid = (uint32_t)thread->tid;
    facts.duration_ns = worker_time_ns(facts.start_ns, now_ns);
    return facts;
}

static struct bytes id_to_tell(const struct worker *worker, struct thread *thread)
{
    struct bytes id = request_id_text(&worker->id);
    return id.n > 0 ? id : id_supply_next(&thread->ids);
}

static void tell_whole(const struct worker *worker, struct thread *thread, struct event_facts facts)
{
    if (ids_wanted || facts.kind == EVENT_DOWN)
        facts.id = id_to_tell(worker, thread);
    sender_notify(event_put_end(&thread->ring, &facts));
}

static __attribute__((noinline)) void tell_with_id(const struct worker *worker,
                                                   struct thread *thread, int status,
                                                   enum outcome outcome, uint64_t now_ns,
                                                   bool starts)
{
    struct event_facts facts = end_of(worker, thread, status, outcome, now_ns);
    facts.starts = starts;
    tell_whole(worker, thread, facts);
}

static void tell_down(const struct worker *worker, struct thread *thread, struct event_facts facts)
{
    facts.kind = EVENT_DOWN;
    facts.outcome = OUTCOME_DOWN;
    facts.status = 0;
    facts.duration_ns = 0;
    tell_whole(worker, thread, facts);
}

/* Claims a worker that is to end, and says whether its owner has ended before. */
static bool claim_end(struct worker *worker, bool *lost, uint64_t *hold)
{
    uint32_t owner = worker_owner(worker);
    *lost = is_lost(owner);
    return claim(worker, owner, 0, hold);
}

static inline bool has_notes(const struct worker *worker)
{
    return atomic_load_explicit(&worker->noted, memory_order_relaxed);
}

/* The usual case: others can't find it and have left no notes, and its owner ends it. */
static inline bool claim_own(struct worker *worker, struct thread *thread, uint64_t *hold)
{
    if (thread == NULL || atomic_load_explicit(&worker->registered, memory_order_acquire) ||
        has_notes(worker) || !change_owner(worker, thread->link.number + 1, 0, hold))
        return false;
    thread_disown(thread);
    return true;
}

/* Others may be adding to it as long as it can be found: its end is told with all that they have
 * added. */
static bool claim_any(struct worker *worker, struct event_facts *facts, bool *lost)
{
    uint64_t hold;
    bool locked = lock_take(&worker->lock), claimed = claim_end(worker, lost, &hold);
    if (claimed)
        registry_remove(worker);
    facts->starts = claimed && !(hold & HOLD_TOLD);
    if (claimed && locked && has_notes(worker))
        facts->timers = &worker->notes->timers;
    if (locked)
        lock_release(&worker->lock);
    else
        worker->stuck = 1;
    return claimed;
}

static __attribute__((noinline)) void end_any(struct worker *worker, struct thread *thread,
                                              int status, enum outcome outcome, uint64_t now_ns)
{
    struct event_facts facts = {0};
    bool lost;
    if (thread == NULL)
        thread = thread_self();
    if (thread != NULL)
        facts = end_of(worker, thread, status, outcome, now_ns);
    if (!claim_any(worker, &facts, &lost) || thread == NULL)
        return;
    if (lost)
        tell_down(worker, thread, facts);
    else
        tell_whole(worker, thread, facts);
}

HOT bool worker_end(struct worker *worker, struct thread *thread, int status, enum outcome outcome,
                    uint64_t now_ns)
{
    if (__builtin_expect(current_watched, 0))
        current_ends(worker);
    uint64_t hold;
    if (!__builtin_expect(claim_own(worker, thread, &hold), 1)) {
        end_any(worker, thread, status, outcome, now_ns);
        return false;
    }
    if (__builtin_expect(ids_wanted, 0)) {
        tell_with_id(worker, thread, status, outcome, now_ns, !(hold & HOLD_TOLD));
        return false;
    }
    struct event_facts facts = end_of(worker, thread, status, outcome, now_ns);
    facts.starts = !(hold & HOLD_TOLD);
    sender_notify(event_put_plain_end(&thread->ring, &facts, names_of(worker)));
    return !worker->stuck;
}

void worker_free(struct worker *worker)
{
    uint64_t hold;
    if (worker_owner(worker) == OWNER_LEAVING &&
        change_owner(worker, OWNER_LEAVING, OWNER_FREED, &hold))
        return;
    if (__builtin_expect(atomic_load_explicit(&worker->registered, memory_order_relaxed), 0))
        registry_remove(worker); /* its shard's lock was not to be had before */
    if (__builtin_expect(worker->stuck || worker->registered, 0))
        return;
    if (__builtin_expect(has_notes(worker), 0)) {
        notes_free(worker->notes);
        atomic_store_explicit(&worker->noted, false, memory_order_relaxed);
    }
    pool_put(&workers, worker);
}

/* Who claims it for its owner's DOWN holds the lock, and then looks whether it has a holder. */
bool worker_leave(struct worker *worker, struct thread *thread)
{
    uint64_t named;
    if (thread != NULL && claim_start(worker, &named))
        sender_notify(event_put_start(&thread->ring, named));
    bool locked = lock_take(&worker->lock);
    bool left = is_thread(worker_owner(worker));
    if (left)
        worker->by_calls = true;
    if (locked)
        lock_release(&worker->lock);
    return left;
}

struct notes *worker_take_notes(struct worker *worker)
{
    if (has_notes(worker))
        return worker->notes;
    worker->notes = notes_make();
    atomic_store_explicit(&worker->noted, worker->notes != NULL, memory_order_relaxed);
    return worker->notes;
}

int worker_report(struct worker *worker, struct thread *thread, int status, uint64_t now_ns)
{
    struct event_facts facts = end_of(worker, thread, status, OUTCOME_DONE, now_ns);
    struct notes *notes = worker_take_notes(worker);
    if (notes == NULL)
        return -ENOMEM;
    facts.timers = &notes->timers;
    tell_whole(worker, thread, facts);
    notes->reported = true;
    notes->reported_ns = facts.duration_ns;
    return 0;
}

bool worker_drop(struct worker *worker)
{
    uint32_t owner;
    uint64_t hold;
    do {
        owner = worker_owner(worker);
        if (!is_thread(owner))
            return false;
    } while (!claim(worker, owner, 0, &hold));
    registry_remove(worker);
    return true;
}

/* The sweep is done with a claimed worker; what nobody holds any more is given back. */
static void leave(struct worker *worker)
{
    uint64_t hold;
    bool held = !worker->by_calls;
    if (held && change_owner(worker, OWNER_LEAVING, 0, &hold))
        return;
    atomic_store(&worker->hold, hold_ended(atomic_load(&worker->hold)));
    worker_free(worker);
}

/* `seen`: what its hold was when it was found to be lost. */
static bool claim_lost(struct worker *worker, uint64_t seen, struct event_facts *facts, char *id)
{
    if (!lock_take(&worker->lock))
        return false; /* the next sweep tries again */
    *facts = facts_of(worker);
    facts->id = (struct bytes){id, request_id_copy(&worker->id, id)};
    uint64_t hold;
    bool claimed = claim_seen(worker, seen, OWNER_LEAVING, &hold);
    if (claimed)
        registry_remove(worker);
    facts->starts = claimed && !(hold & HOLD_TOLD);
    lock_release(&worker->lock);
    return claimed;
}

static void sweep_one(struct worker *worker, worker_is_lost *lost,
                      void (*tell)(const struct event_facts *facts), struct id_supply *ids)
{
    char id[REQUEST_ID_BYTES];
    struct event_facts facts;
    uint64_t seen = atomic_load_explicit(&worker->hold, memory_order_acquire);
    uint32_t owner = (uint32_t)seen;
    const struct thread *thread = is_thread(owner) ? thread_at(owner - 1) : NULL;
    if (thread == NULL || !lost(thread))
        return;
    uint32_t tid = (uint32_t)thread->tid;
    if (!claim_lost(worker, seen, &facts, id))
        return;
    if (facts.id.n == 0)
        facts.id = id_supply_next(ids);
    facts.kind = EVENT_DOWN;
    facts.outcome = OUTCOME_DOWN;
    facts.tid = tid;
    facts.timers = has_notes(worker) ? &worker->notes->timers : NULL;
    facts.reported = has_notes(worker) && worker->notes->reported;
    tell(&facts);
    leave(worker);
}

void worker_sweep(worker_is_lost *lost, void (*tell)(const struct event_facts *facts),
                  struct id_supply *ids)
{
    uint32_t n = pool_size(&workers);
    for (uint32_t i = 0; i < n; i++) {
        struct worker *worker = pool_at(&workers, i);
        if (worker != NULL)
            sweep_one(worker, lost, tell, ids);
    }
}

static bool clean_one(struct worker *worker, uint32_t owner)
{
    bool cleaned = false, dropped = false;
    if (worker == NULL || worker_owner(worker) != owner || !lock_take(&worker->lock))
        return false;
    if (worker_owner(worker) == owner &&
        atomic_load_explicit(&worker->registered, memory_order_relaxed)) {
        cleaned = true;
        dropped = worker->by_calls && worker_drop(worker);
        if (!dropped)
            registry_remove(worker);
    }
    lock_release(&worker->lock);
    if (dropped)
        worker_free(worker);
    return cleaned;
}

uint32_t worker_clean(struct thread *thread)
{
    uint32_t n = pool_size(&workers), cleaned = 0;
    for (uint32_t i = 0; i < n && atomic_load(&thread->owned) > 0; i++)
        cleaned += clean_one(pool_at(&workers, i), thread->link.number + 1);
    return cleaned;
}

void worker_forget(void)
{
    pool_forget(&workers);
    block_forget();
}
