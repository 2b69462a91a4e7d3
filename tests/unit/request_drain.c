#include "request/drain.h"

#include <criterion/criterion.h>
#include <sched.h>

#include "base/clock.h"
#include "base/process.h"
#include "metric/codec.h"
#include "receiver.h"
#include "request/epoch.h"
#include "request/event.h"
#include "request/figures.h"
#include "request/names.h"
#include "request/thread.h"
#include "threads.h"

static struct config config;
static struct receiver receiver;
static struct send_pool pool;
static struct batch batch;
static bool hurry;

static bool hurried(void)
{
    return hurry;
}

static void begin(void)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    drain_begin(&config);
    receiver_abstract(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    pool.hurried = hurried;
    cr_assert_eq(batch_begin(&batch, &pool, codec_shp.head, 1432, false), 0);
    receiver_full_soon(endpoint_fd(&pool.endpoint[0], clock_now_ns()));
}

TestSuite(drain, .init = begin, .timeout = 60);

/* As the sender does; `waits`: something is put off then. */
static void round_of_sender(bool waits)
{
    batch_flush(&batch);
    drain_all(&batch, false);
    batch_flush(&batch);
    cr_assert_eq(batch_waits(&batch), waits);
}

/* It takes no more, and nobody waits for that. */
static void fill_receiver(void)
{
    int fd = endpoint_fd(&pool.endpoint[0], clock_now_ns());
    while (send(fd, "x", 1, MSG_DONTWAIT) == 1)
        continue;
    hurry = true;
}

/* What was received of a figure, and in how many lines. */
static struct told {
    uint64_t sum, lines;
} received(const char *name)
{
    struct told told = {0, 0};
    struct bytes datagram;
    while ((datagram = receiver_within(&receiver, 0)).n > 0)
        for (struct bytes rest = datagram; rest.n > 0;) {
            struct bytes line = bytes_cut(&rest, '\n'), number = line;
            if (!bytes_start_with(line, bytes_of(name)))
                continue;
            bytes_cut(&number, ':');
            uint64_t n = 0;
            cr_assert_eq(bytes_to_u64(bytes_cut(&number, '|'), &n), 0);
            told.sum += n;
            told.lines++;
        }
    return told;
}

Test(drain, a_figure_is_told_once)
{
    figure_add(FIGURE_LOST, 5);
    round_of_sender(false);
    round_of_sender(false);
    struct told lost = received("app.stats_hero.lost:");
    cr_assert_eq(lost.sum, 5);
    cr_assert_eq(lost.lines, 1);
}

/* One that waits, and what comes meanwhile. */
static void put_off(void)
{
    fill_receiver();
    figure_add(FIGURE_LOST, 5);
    round_of_sender(true);
    figure_add(FIGURE_LOST, 2);
    round_of_sender(true);
    hurry = false;
}

Test(drain, a_figure_that_was_put_off_is_told_once)
{
    put_off();
    cr_assert_eq(received("app.stats_hero.lost:").lines, 0);
    round_of_sender(false);
    round_of_sender(false);
    struct told lost = received("app.stats_hero.lost:");
    cr_assert_eq(lost.sum, 7);
    cr_assert_eq(lost.lines, 2);
}

Test(drain, a_figure_that_was_put_off_and_given_up_is_told_again)
{
    put_off();
    receiver_close(&receiver);
    round_of_sender(false);
    receiver_abstract(&receiver);
    pool.endpoint[0].retry_ns = 0;
    figure_count(FIGURE_DOWN);
    round_of_sender(false);
    figure_count(FIGURE_DOWN);
    round_of_sender(false);
    struct told lost = received("app.stats_hero.lost:");
    cr_assert_eq(lost.sum, 7);
    cr_assert_eq(lost.lines, 1);
}

enum { THREADS = 3, EVENTS = 1000 };

static _Atomic int arrived;

/* Who ends leaves its record to the next: they have one each, before one ends. */
static void *start_many(void *unused)
{
    struct thread *self = thread_self();
    (void)unused;
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < THREADS)
        sched_yield();
    for (int i = 0; self != NULL && i < EVENTS; i++)
        event_put_start(&self->ring, event_names(0, LABEL_OTHER, LABEL_OTHER));
    return self != NULL ? NULL : (void *)1;
}

static bool waits_in(uint32_t number, uint32_t least)
{
    const struct ring_buffer *buffer = thread_at(number)->ring.drain;
    return buffer != NULL && buffer->tail - buffer->head >= least;
}

static bool part(void)
{
    batch_begin_part(&batch, true);
    cr_assert(drain_all(&batch, false));
    return batch_part_done(&batch);
}

/* How many requests were said to begin, and how often the figure was told. */
static void count(uint64_t *starts, uint64_t *figures)
{
    struct bytes datagram;
    while ((datagram = receiver_within(&receiver, 0)).n > 0)
        for (struct bytes rest = datagram; rest.n > 0;) {
            struct bytes line = bytes_cut(&rest, '\n');
            *starts += bytes_start_with(line, BYTES("app.application.allRequests:1|m"));
            *figures += bytes_start_with(line, BYTES("app.stats_hero.down:1|m"));
        }
}

/* A part is some more than a full batch, and each thread has its turn. */
Test(drain, in_parts_of_one_thread_after_the_other)
{
    uint64_t starts = 0, figures = 0;
    receiver_udp(&receiver);
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, 1);
    epoch_begin();
    cr_assert_eq(names_begin(&config), 0);
    cr_assert_eq(thread_begin(thread_ended), 0);
    cr_assert(on_threads(THREADS, start_many));
    figure_count(FIGURE_DOWN);
    for (uint32_t i = 0; i < THREADS; i++) {
        cr_assert(waits_in(i, EVENTS));
        cr_assert(part());
        cr_assert(!waits_in(i, EVENTS) && waits_in(i, EVENTS / 3));
        count(&starts, &figures);
    }
    while (part())
        count(&starts, &figures);
    batch_flush(&batch);
    count(&starts, &figures);
    cr_assert_eq(starts, THREADS * EVENTS);
    cr_assert_eq(figures, 1);
}

Test(drain, a_thread_from_which_something_came_is_known_to_live)
{
    epoch_begin();
    cr_assert_eq(names_begin(&config), 0);
    cr_assert_eq(thread_begin(thread_ended), 0);
    struct thread *self = thread_self();
    while (!self->came) { /* a look for the dead may be due in the same round */
        event_put_start(&self->ring, event_names(0, LABEL_OTHER, LABEL_OTHER));
        drain_all(&batch, false);
    }
    thread_find_dead();
    drain_all(&batch, false);
    cr_assert_not(self->came);
}
