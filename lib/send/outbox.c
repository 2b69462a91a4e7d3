#include "send/outbox.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/sys.h"

/*
 * A letter is its writer's and the sender's; whoever lets go of it last frees it. Its state says
 * who decides: from WAITING the writer may withdraw it, or the sender take it, but not both.
 */

enum letter_state { LETTER_WAITING, LETTER_TAKEN, LETTER_DONE, LETTER_WITHDRAWN };

struct letter {
    struct letter *next;
    _Atomic uint32_t state, holders;
    uint32_t endpoint;
    int result;
    size_t n, bytes;
    char payload[];
};

/* How long one that is being sent is waited for besides: as long as a full receiver is. */
#define TAKEN_PATIENCE_NS (2 * SEND_PATIENCE_NS)

static struct {
    struct lock lock;
    _Atomic(struct letter *) newest;
    _Atomic(struct letter *) oldest; /* of those that the sender has collected, and it alone */
} outbox;

static struct letter *letter_make(struct bytes payload, uint32_t endpoint)
{
    size_t bytes = sys_whole_pages(sizeof(struct letter) + payload.n);
    struct letter *letter = sys_pages(bytes);
    if (letter == NULL)
        return NULL;
    letter->holders = 2;
    letter->endpoint = endpoint;
    letter->n = payload.n;
    letter->bytes = bytes;
    memcpy(letter->payload, payload.at, payload.n);
    return letter;
}

static void let_go(struct letter *letter)
{
    if (atomic_fetch_sub(&letter->holders, 1) == 1)
        sys_pages_free(letter, letter->bytes);
}

static bool change_state(struct letter *letter, uint32_t from, enum letter_state to)
{
    return atomic_compare_exchange_strong(&letter->state, &from, to);
}

static bool leave(struct letter *letter)
{
    if (!lock_take(&outbox.lock))
        return false;
    letter->next = atomic_load(&outbox.newest);
    atomic_store(&outbox.newest, letter);
    lock_release(&outbox.lock);
    return true;
}

/* Waits while the state is `state`, until `deadline` at most. */
static void wait_while(struct letter *letter, uint32_t state, uint64_t deadline)
{
    for (uint64_t now = clock_now_ns(); atomic_load(&letter->state) == state && now < deadline;
         now = clock_now_ns())
        sys_futex_wait((const uint32_t *)&letter->state, state, deadline - now);
}

static int await(struct letter *letter, uint64_t patience_ns)
{
    uint64_t now = clock_now_ns();
    wait_while(letter, LETTER_WAITING, now + patience_ns);
    if (change_state(letter, LETTER_WAITING, LETTER_WITHDRAWN))
        return -ETIMEDOUT;
    wait_while(letter, LETTER_TAKEN, now + patience_ns + TAKEN_PATIENCE_NS);
    return atomic_load(&letter->state) == LETTER_DONE ? letter->result : -EINPROGRESS;
}

int outbox_send(struct bytes payload, uint32_t endpoint, uint64_t patience_ns, void (*notify)(void))
{
    if (payload.n == 0)
        return -EINVAL;
    struct letter *letter = letter_make(payload, endpoint);
    if (letter == NULL)
        return -ENOMEM;
    if (!leave(letter)) {
        sys_pages_free(letter, letter->bytes);
        return -EAGAIN;
    }
    notify();
    int result = await(letter, patience_ns);
    let_go(letter);
    return result;
}

bool outbox_waiting(void)
{
    return atomic_load(&outbox.newest) != NULL || atomic_load(&outbox.oldest) != NULL;
}

static int send_letter(struct batch *batch, const struct letter *letter)
{
    batch->endpoint = letter->endpoint;
    batch->pool->error = 0;
    int error = batch_add(batch, (struct bytes){letter->payload, letter->n});
    batch_flush(batch);
    if (batch_waits(batch))
        return -EINPROGRESS;
    return batch->pool->error != 0 ? batch->pool->error : error;
}

/* A name that has to be looked up is looked up before the letter is taken: meanwhile its writer may
 * give up. */
static void deliver(struct batch *batch, struct letter *letter)
{
    int error = send_pool_ready(batch->pool, letter->endpoint);
    if (change_state(letter, LETTER_WAITING, LETTER_TAKEN)) {
        letter->result = error < 0 ? error : send_letter(batch, letter);
        atomic_store(&letter->state, LETTER_DONE);
        sys_futex_wake((const uint32_t *)&letter->state);
    }
    let_go(letter);
}

/* In the order in which they were left. */
static void collect(void)
{
    if (atomic_load(&outbox.oldest) != NULL || atomic_load(&outbox.newest) == NULL ||
        !lock_take(&outbox.lock))
        return;
    struct letter *letter = atomic_exchange(&outbox.newest, NULL), *oldest = NULL;
    lock_release(&outbox.lock);
    while (letter != NULL) {
        struct letter *next = letter->next;
        letter->next = oldest;
        oldest = letter;
        letter = next;
    }
    atomic_store(&outbox.oldest, oldest);
}

void outbox_deliver(struct batch *batch)
{
    struct letter *letter;
    while (collect(), (letter = atomic_load(&outbox.oldest)) != NULL && !batch_waits(batch) &&
                          !batch_hurried(batch)) {
        atomic_store(&outbox.oldest, letter->next);
        deliver(batch, letter);
    }
}

void outbox_forget(void)
{
    atomic_store(&outbox.newest, NULL);
    atomic_store(&outbox.oldest, NULL);
}
