#include "request/worker.h"

#include "request/registry.h"
#include "send/sender.h"

/*
 * Who tells the end. `owner` is the claim: it goes from 0 to a thread by worker_begin, from thread
 * to thread by worker_reparent, and back to 0 by whoever ends the request, its holder or its
 * owner's DOWN: one compare-and-swap, so exactly one of them.
 *
 * A dying owner reads the record before it claims it. While it still owns it the holder changes
 * nothing but the owner, so a successful claim proves that what was read belongs together. After
 * the claim it still has to take the record out of the registry: until that is done `owner` is
 * OWNER_LEAVING, and a holder that gives the record back meanwhile leaves that to it (OWNER_FREED),
 * so that the record is nobody else's before it is out.
 */

#define OWNER_LEAVING UINT32_MAX
#define OWNER_FREED   (UINT32_MAX - 1)

/*
 * A request that came without an id is given one when somebody is told of it: at its end. Until
 * then nobody can know it, so nobody can look it up, and it does not stand in the registry.
 */

static struct pool workers = POOL_OF(struct worker, WORKERS_MOST);
static bool ids_wanted;

void worker_tell_ids(bool tell)
{
    ids_wanted = tell;
}

struct worker *worker_make(uint64_t start_ns)
{
    struct worker *worker = pool_get(&workers);
    if (worker == NULL)
        return NULL;
    atomic_store_explicit(&worker->start_ns, start_ns, memory_order_relaxed);
    atomic_store_explicit(&worker->id_bytes, 0, memory_order_relaxed);
    worker->next = NULL;
    return worker;
}

void worker_name(struct worker *worker, uint16_t label, uint16_t action)
{
    atomic_store_explicit(&worker->names, label | (uint64_t)action << 16, memory_order_relaxed);
}

/* Words, each stored at once, so that a look-up may read them at any time. Each is stored with
 * release: who reads a new one, with acquire, then finds the version changed. */
void worker_set_id(struct worker *worker, struct bytes id)
{
    uint32_t n = id.n < REQUEST_ID_BYTES ? (uint32_t)id.n : REQUEST_ID_BYTES;
    uint32_t version = atomic_load_explicit(&worker->version, memory_order_relaxed);
    atomic_store_explicit(&worker->version, version + 1, memory_order_relaxed);
    uint64_t word = 0;
    for (uint32_t i = 0; i < n / 8; i++) {
        memcpy(&word, id.at + i * 8, 8);
        atomic_store_explicit(&worker->id[i], word, memory_order_release);
    }
    if (n % 8 != 0) {
        word = 0;
        memcpy(&word, id.at + n / 8 * 8, n % 8);
        atomic_store_explicit(&worker->id[n / 8], word, memory_order_release);
    }
    atomic_store_explicit(&worker->id_bytes, n, memory_order_release);
    atomic_store_explicit(&worker->version, version + 2, memory_order_release);
}

static struct bytes id_of(const struct worker *worker)
{
    return (struct bytes){(const char *)worker->id,
                          atomic_load_explicit(&worker->id_bytes, memory_order_relaxed)};
}

void worker_begin(struct worker *worker, struct thread *thread)
{
    atomic_fetch_add_explicit(&thread->owned, 1, memory_order_relaxed);
    atomic_store_explicit(&worker->owner, thread->link.number + 1, memory_order_release);
    if (id_of(worker).n > 0)
        registry_add(worker);
    uint64_t both = atomic_load_explicit(&worker->names, memory_order_relaxed);
    sender_notify(event_put_start(&thread->ring, (uint16_t)both, (uint16_t)(both >> 16)));
}

/* Takes the worker from `owner`; false if somebody was faster. */
static bool claim(struct worker *worker, uint32_t owner, uint32_t next)
{
    if (owner == 0 || owner >= OWNER_FREED ||
        !atomic_compare_exchange_strong(&worker->owner, &owner, next))
        return false;
    struct thread *thread = thread_at(owner - 1);
    if (thread != NULL) /* a child that was forked inside us has no threads yet */
        atomic_fetch_sub_explicit(&thread->owned, 1, memory_order_relaxed);
    return true;
}

void worker_reparent(struct worker *worker, struct thread *thread)
{
    uint32_t owner = atomic_load(&worker->owner);
    atomic_fetch_add_explicit(&thread->owned, 1, memory_order_relaxed);
    if (!claim(worker, owner, thread->link.number + 1))
        atomic_fetch_sub_explicit(&thread->owned, 1, memory_order_relaxed);
}

static struct event_facts facts_of(const struct worker *worker)
{
    uint64_t both = atomic_load_explicit(&worker->names, memory_order_relaxed);
    return (struct event_facts){
        .label = (uint16_t)both,
        .action = (uint16_t)(both >> 16),
        .start_ns = atomic_load_explicit(&worker->start_ns, memory_order_relaxed),
    };
}

void worker_end(struct worker *worker, struct thread *thread, int status, enum outcome outcome,
                uint64_t now_ns)
{
    uint32_t owner = atomic_load_explicit(&worker->owner, memory_order_relaxed);
    struct event_facts facts = facts_of(worker);
    if (!claim(worker, owner, 0))
        return;
    registry_remove(worker);
    if (thread == NULL)
        return;
    facts.kind = EVENT_END;
    facts.outcome = outcome;
    facts.status = status;
    facts.tid = (uint32_t)thread->tid;
    facts.duration_ns = now_ns > facts.start_ns ? now_ns - facts.start_ns : 0;
    if (ids_wanted)
        facts.id = id_of(worker).n > 0 ? id_of(worker) : thread_next_id(thread);
    sender_notify(event_put_end(&thread->ring, &facts));
}

void worker_free(struct worker *worker)
{
    uint32_t leaving = OWNER_LEAVING;
    if (atomic_load_explicit(&worker->owner, memory_order_acquire) != OWNER_LEAVING ||
        !atomic_compare_exchange_strong(&worker->owner, &leaving, OWNER_FREED))
        pool_put(&workers, worker);
}

/* The dying owner is done with it. */
static void leave(struct worker *worker)
{
    uint32_t leaving = OWNER_LEAVING;
    if (atomic_compare_exchange_strong(&worker->owner, &leaving, 0))
        return;
    atomic_store(&worker->owner, 0);
    pool_put(&workers, worker);
}

static size_t copy_id(const struct worker *worker, char *copy)
{
    uint32_t n = atomic_load_explicit(&worker->id_bytes, memory_order_relaxed);
    for (uint32_t i = 0; i * 8 < n; i++) {
        uint64_t word = atomic_load_explicit(&worker->id[i], memory_order_relaxed);
        memcpy(copy + i * 8, &word, sizeof word);
    }
    return n;
}

static void down_one(struct worker *worker, struct thread *thread)
{
    char id[REQUEST_ID_BYTES];
    uint32_t me = thread->link.number + 1;
    if (worker == NULL || atomic_load_explicit(&worker->owner, memory_order_acquire) != me)
        return;
    struct event_facts facts = facts_of(worker);
    facts.id = (struct bytes){id, copy_id(worker, id)};
    if (!claim(worker, me, OWNER_LEAVING))
        return;
    if (facts.id.n == 0)
        facts.id = thread_next_id(thread);
    registry_remove(worker);
    leave(worker);
    facts.kind = EVENT_DOWN;
    facts.outcome = OUTCOME_DOWN;
    facts.tid = (uint32_t)thread->tid;
    sender_notify(event_put_end(&thread->ring, &facts));
}

void worker_down(struct thread *thread)
{
    uint32_t n = pool_size(&workers);
    for (uint32_t i = 0; i < n && atomic_load(&thread->owned) > 0; i++)
        down_one(pool_at(&workers, i), thread);
}

void worker_forget(void)
{
    pool_forget(&workers);
}
