#include "send/sender.h"

#include <errno.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own_stack.h"
#include "base/sys.h"
#include "send/apart.h"
#include "send/outbox.h"
#include "send/shift.h"

/*
 * How no wake-up is lost without a fence in the producers. A producer stores its record and then
 * loads `sender_state`; the sender stores SENDER_IDLE and then looks for records. Without fences
 * both can miss the other's store, for as long as a store may wait in a processor's buffer: far
 * below a millisecond. So the sender, once idle, sleeps a flush time, looks again, and only then
 * sleeps without end; it is SENDER_IDLE or SENDER_LOOKING all the while.
 *
 * How nothing is stranded when a thread is retired. What it knew of stays where it is: in the
 * queues, the batch, the outbox. Who retired it starts the next one, always, whatever waits; that
 * one gathers for what is left of the flush time, so a host that changes its user at each request
 * has two threads that do nothing but sleep in it, and lines are no later than they would be. A
 * thread that was too late to be waited for has perhaps no next one: it sends all that there is,
 * and only what is handed over after its last look waits, for whoever starts another one.
 */

/*
 * How the host's requests do not wait for ours. To drain what came together takes up to some
 * milliseconds, and who shares the processor with us would stand still so long. So it is done in
 * parts, a system call each, and between two of them whoever wants the processor has it first.
 * Meanwhile others may take the place: it can be long until we have the processor again. If it was,
 * somebody wants it all the time, and gains nothing by one more turn, whose caches are filled anew:
 * for a while parts follow at once. So they do where several threads serve: those that share a
 * processor take turns already, and one more, amid what another one does, costs them more still.
 */

#define START_RETRY_NS 1000000000ull
#define LONG_AWAY_NS   500000ull
#define STAY_NS        100000000ull /* who was away so long stays so long */
#define LOOK_AGAIN_NS  1000000ull   /* where nobody may tell that what is waited for has come */

enum { STACK_BYTES = 64 * 1024 }; /* of a host's thread in the sender's place */

static struct {
    struct sender_options options;
    bool complained;
    struct send_pool pool;
    struct batch batch;
    uint64_t look_ns; /* when the thread, or the one after it, has gathered long enough; 0: unset */
    bool more;        /* the last part left something to do */
    bool in_hand;     /* and a batch that is not full */
    uint64_t stays_until_ns; /* it does not give way until then */
    bool apart;
    uint64_t here_until_ns; /* a host's thread has the place, and no longer; 0: the sender's */
    _Atomic uint64_t start_again_ns;
    _Atomic uint32_t starting;
    _Atomic uint32_t stopping;
    _Atomic uint32_t flushes_wanted, flushes_done;
} sender;

void sender_begin(const struct sender_options *options)
{
    sender.options = *options;
}

static bool urgent(void)
{
    return sender.options.source.urgent != NULL && sender.options.source.urgent();
}

static bool leaving(void)
{
    return atomic_load(&sender.stopping) || shift_asked();
}

/* What is under way is to be left where it is. */
static bool hurried(void)
{
    if (sender.here_until_ns != 0)
        return clock_now_ns() >= sender.here_until_ns;
    return shift_asked() && !atomic_load(&sender.stopping) && shift_awaited();
}

/* Somebody waits for us. */
static bool called_for(void)
{
    return leaving() || outbox_waiting() || urgent() ||
           atomic_load(&sender.flushes_wanted) != atomic_load(&sender.flushes_done);
}

/* What the thread before had to leave goes first. */
static void drain_whole(void)
{
    sender.more = sender.in_hand = false;
    batch_begin_part(&sender.batch, false);
    batch_flush(&sender.batch);
    sender.options.source.drain(&sender.batch, true);
    batch_flush(&sender.batch);
}

/* The same, but not much more than a batch of it; a batch that somebody's payload is to follow, or
 * that has figures, is sent as it is. Who is to end has perhaps left something, which has gathered
 * as long as it is to. True if there was anything, or is. */
static bool drain_part(void)
{
    if (!sender.in_hand)
        batch_flush(&sender.batch);
    batch_begin_part(&sender.batch, true);
    bool any = sender.options.source.drain(&sender.batch, false);
    bool done = batch_part_done(&sender.batch);
    sender.in_hand = done && !outbox_waiting() && !batch_tagged(&sender.batch);
    if (!sender.in_hand)
        batch_flush(&sender.batch);
    sender.more = done || shift_asked();
    return any || sender.more;
}

static uint64_t flush_ns(void)
{
    return (uint64_t)sender.options.flush_ms * 1000000;
}

static bool gives_way(uint64_t now)
{
    return now >= sender.stays_until_ns && !called_for() &&
           sender.options.source.one_producer != NULL && sender.options.source.one_producer();
}

/* Between two parts. */
static bool step_aside(void)
{
    uint64_t since = clock_now_ns();
    bool away = gives_way(since);
    atomic_store(&sender_state, SENDER_CALLED);
    if (away)
        sys_yield();
    bool ours = place_resume();
    uint64_t now = clock_now_ns();
    if (ours && away && now - since >= LONG_AWAY_NS)
        sender.stays_until_ns = now + STAY_NS;
    return ours;
}

/* Lets events come together for a flush time, or until much is waiting. */
static bool gather(void)
{
    uint64_t now = clock_now_ns();
    if (sender.look_ns == 0)
        sender.look_ns = now + flush_ns();
    uint64_t look = sender.look_ns;
    atomic_store(&sender_state, SENDER_GATHERING);
    if (now < look && !called_for())
        place_sleep(SENDER_GATHERING, look - now);
    return place_resume();
}

/* Nothing may come between the second look and the endless sleep, so the sender says before that it
 * looks: a producer that comes during it changes the state, and the sleep does not begin. */
static bool wait_for_work(void)
{
    uint64_t due = sender.options.source.due_ns(), first = due < flush_ns() ? due : flush_ns();
    atomic_store(&sender_state, SENDER_IDLE);
    if (!called_for() && place_sleep(SENDER_IDLE, first) && due > first &&
        place_change(SENDER_IDLE, SENDER_LOOKING) && !drain_part() &&
        place_change(SENDER_LOOKING, SENDER_IDLE))
        place_sleep(SENDER_IDLE, due == UINT64_MAX ? UINT64_MAX : due - first);
    return place_resume();
}

/* Who is to end has perhaps left something: the next thread answers, or who flushes sends. */
static void answer_flushes(void)
{
    uint32_t wanted = atomic_load(&sender.flushes_wanted);
    if (wanted == atomic_load(&sender.flushes_done))
        return;
    drain_whole();
    if (shift_asked())
        return;
    atomic_store(&sender.flushes_done, wanted);
    sys_futex_wake((const uint32_t *)&sender.flushes_done);
}

/* Not before there is something to send: a thread may be retired while it gathers. */
static void be_apart(void)
{
    if (!sender.apart)
        apart_begin(sender.options.source.kept_fd != NULL ? sender.options.source.kept_fd() : -1);
    sender.apart = true;
}

/* False: the place is lost. */
static bool work(void)
{
    bool ours;
    while ((ours = sender.more ? step_aside() : gather()) && !leaving()) {
        be_apart();
        sender.look_ns = 0;
        bool any = drain_part();
        if (!sender.in_hand)
            outbox_deliver(&sender.batch);
        answer_flushes();
        if (!any && !wait_for_work())
            return false;
    }
    return ours;
}

static void send_all(void)
{
    drain_whole();
    outbox_deliver(&sender.batch);
}

static void leave(void)
{
    bool last = atomic_load(&sender.stopping);
    if (last || !shift_awaited()) {
        be_apart();
        send_all();
    }
    send_pool_end(&sender.pool);
    place_become(last ? SENDER_ENDED : SENDER_NONE);
}

static void run(void)
{
    sys_prctl(PR_SET_NAME, (unsigned long)"stats-hero");
    uint32_t number = shift_enter();
    sender.options.source.enter();
    if (place_resume()) {
        sender.apart = false;
        if (work())
            leave();
    }
    shift_end(number);
}

static void complain(void)
{
    if (!sender.complained)
        log_line(LOG_WARN, BYTES("the sender's thread can't be started: events are dropped, and it "
                                 "is tried again each second"));
    sender.complained = true;
}

static int begin_batch(void)
{
    const struct sender_options *o = &sender.options;
    if (sender.batch.memory != NULL)
        return 0;
    send_pool_begin(&sender.pool, o->host, o->port, o->pool_size);
    sender.pool.hurried = hurried;
    return batch_begin(&sender.batch, &sender.pool, o->head, o->datagram_bytes, o->fill);
}

static int start(void)
{
    int error = begin_batch();
    if (error < 0)
        return error;
    atomic_store(&sender_state, SENDER_CALLED);
    error = shift_start(run, send_pool_looks_up(&sender.pool));
    if (error < 0) {
        place_become(SENDER_NONE);
        complain();
    }
    return error;
}

static void start_when_due(void)
{
    uint64_t now = clock_now_ns();
    if (atomic_load(&sender_state) == SENDER_NONE && now >= atomic_load(&sender.start_again_ns))
        atomic_store(&sender.start_again_ns, start() < 0 ? now + START_RETRY_NS : 0);
}

/* Only one thread at a time may start one, or send in its place, and nothing of the host's may
 * interrupt it: a handler would wait in vain for what is not there yet, or fork, and go on here in
 * the child. */
static bool alone_begin(uint64_t *signals)
{
    uint32_t starting = 0;
    sys_signals_block(signals);
    if (atomic_compare_exchange_strong(&sender.starting, &starting, 1))
        return true;
    sys_signals_restore(signals);
    return false;
}

static void alone_end(const uint64_t *signals)
{
    atomic_store(&sender.starting, 0);
    sys_signals_restore(signals);
}

void sender_start(void)
{
    uint64_t signals;
    if (atomic_load(&sender.stopping) || !alone_begin(&signals))
        return;
    start_when_due();
    alone_end(&signals);
}

uint64_t sender_errors(void)
{
    return sender.pool.errors + sender.batch.refused;
}

bool sender_unable(void)
{
    return atomic_load(&sender_state) == SENDER_NONE && atomic_load(&sender.start_again_ns) != 0;
}

bool sender_running(void)
{
    uint32_t state = atomic_load(&sender_state);
    return state != SENDER_NONE && state != SENDER_ENDED;
}

bool sender_is_bare(void)
{
    return sender_running() && shift_is_bare();
}

bool sender_used(void)
{
    return sender.batch.memory != NULL && atomic_load(&sender_state) != SENDER_ENDED;
}

static void send_all_here(void)
{
    sender.look_ns = 0;
    send_all();
}

/*
 * In the sender's place. Its sockets may be in a table of fds of its own, so others are made for
 * this; where that fails, it alone can send. A retired thread that was followed by none has left
 * its place empty.
 */
static int send_in_place(uint64_t deadline, bool for_good)
{
    uint32_t before;
    if (!place_take(&before))
        return -EBUSY;
    sender.here_until_ns = deadline;
    int error = send_pool_lend(&sender.pool);
    if (error == 0)
        error = own_stack_run(send_all_here, STACK_BYTES);
    send_pool_give_back(&sender.pool);
    sender.here_until_ns = 0;
    bool ended = for_good && error == 0;
    if (ended)
        send_pool_end(&sender.pool);
    place_become(ended ? SENDER_ENDED : before == SENDER_NONE ? SENDER_NONE : SENDER_CALLED);
    return error;
}

/* Sends what waits, `deadline` at most. 0; -EBUSY: the sender is at work; or why only it can. */
static int send_here(uint64_t deadline, bool for_good)
{
    uint64_t signals;
    if (!sender_used())
        return 0;
    if (!alone_begin(&signals))
        return -EBUSY;
    int error = send_in_place(deadline, for_good);
    alone_end(&signals);
    return error;
}

static uint64_t until_next_look(uint64_t left_ns)
{
    return left_ns < LOOK_AGAIN_NS ? left_ns : LOOK_AGAIN_NS;
}

/* Has the sender work, and waits for what becomes of it: where there is none, whether one starts.
 * False: it has ended, or time is up. */
static bool await_change(uint64_t deadline)
{
    place_call();
    uint32_t state = atomic_load(&sender_state);
    uint64_t now = clock_now_ns();
    if (state == SENDER_ENDED || now >= deadline)
        return false;
    uint64_t left = deadline - now;
    place_sleep(state, state == SENDER_NONE ? until_next_look(left) : left);
    return true;
}

void sender_stop(uint64_t patience_ns)
{
    uint64_t deadline = clock_now_ns() + patience_ns;
    atomic_store(&sender.pool.give_up_ns, deadline);
    atomic_store(&sender.stopping, 1);
    while (send_here(deadline, true) == -EBUSY && await_change(deadline))
        ;
    while (sender_running() && await_change(deadline))
        ;
}

bool sender_retire(uint64_t patience_ns)
{
    return sender_running() && shift_retire(patience_ns, place_call);
}

/* The sender has not answered, and is to; where there is none, who waits for it sends. */
static bool flush_waits(uint32_t wanted, uint32_t done, uint64_t deadline)
{
    return (int32_t)(done - wanted) < 0 &&
           (sender_running() || send_here(deadline, false) == -EBUSY);
}

void sender_flush(uint64_t patience_ns)
{
    uint64_t now = clock_now_ns(), deadline = now + patience_ns;
    if (send_here(deadline, false) == 0)
        return;
    uint32_t wanted = atomic_fetch_add(&sender.flushes_wanted, 1) + 1, done;
    while (place_call(), done = atomic_load(&sender.flushes_done),
           now < deadline && flush_waits(wanted, done, deadline)) {
        sys_futex_wait((const uint32_t *)&sender.flushes_done, done,
                       until_next_look(deadline - now));
        now = clock_now_ns();
    }
}

/* What the caller has stored and this load are in one order with the sender's store of SENDER_IDLE
 * and its last look: it sees the one, or we see the other. */
void sender_call(void)
{
    if (atomic_load(&sender_state) == SENDER_NONE)
        sender_start();
    else
        place_call();
}

int sender_send(struct bytes payload, uint32_t which)
{
    if (which != SEND_POOL_ANY && which >= sender.options.pool_size)
        return -EINVAL;
    sender_call();
    if (sender_unable() || atomic_load(&sender.stopping))
        return -EAGAIN;
    return outbox_send(payload, which, SENDER_SEND_NS, sender_call);
}

void sender_forget(void)
{
    shift_forget();
    outbox_forget();
    if (sender_running())
        send_pool_end(&sender.pool);
    sender.batch.memory = NULL;
    sender.pool.errors = 0;
    sender.batch.refused = 0;
    sender.look_ns = 0;
    sender.more = sender.in_hand = false;
    sender.here_until_ns = 0;
    atomic_store(&sender.starting, 0);
    atomic_store(&sender.stopping, 0);
    atomic_store(&sender.start_again_ns, 0);
    atomic_store(&sender.flushes_wanted, 0);
    atomic_store(&sender.flushes_done, 0);
    atomic_store(&sender_state, SENDER_NONE);
}
