#include <criterion/criterion.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/sys.h"
#include "send/outbox.h"
#include "sending.h"

/* What the sender does in parts, and what becomes of a part that is broken off. */

#define SECOND 1000000000ull

#define LINE   "line:1|c\n"
#define LETTER "letter:1|c\n"

static struct receiver receiver;

/* A source: a number of lines that wait. */
static _Atomic uint64_t waiting, rounds;
static _Atomic bool held; /* what drains does not get on, until it is hurried */

/* As drain_all does: until a part is done, and nothing of it once it is hurried. */
static bool drain(struct batch *batch, bool last)
{
    bool any = atomic_load(&waiting) > 0;
    (void)last;
    atomic_fetch_add(&rounds, 1);
    while (atomic_load(&held) && !batch_hurried(batch))
        sys_yield();
    while (atomic_load(&waiting) > 0 && !batch_part_done(batch) && !batch_hurried(batch)) {
        atomic_fetch_sub(&waiting, 1);
        batch_add(batch, BYTES(LINE));
    }
    return any;
}

/* A sender that is at work, and does not get on. */
static void begin_held(uint32_t flush_ms, uint64_t lines)
{
    receiver_abstract(&receiver);
    sending_begin(
        &receiver, flush_ms,
        (struct sender_source){.drain = drain, .due_ns = never_due, .enter = enter_nothing});
    atomic_store(&held, true);
    atomic_store(&waiting, lines);
    sender_notify(true);
    while (atomic_load(&rounds) == 0) {
        sender_notify(true);
        sys_yield();
    }
}

static void *write_letter(void *result)
{
    *(int *)result = sender_send(BYTES(LETTER), SEND_POOL_ANY);
    return NULL;
}

/* The first line for which there is no room closes a part's last datagram. */
enum { PART_LINES = (1432 - BATCH_HEAD_BYTES) / (sizeof LINE - 1) * SEND_DATAGRAMS, PARTS = 4 };

TestSuite(parts, .timeout = 60);

Test(parts, a_payload_follows_the_part_and_does_not_end_the_round)
{
    struct collector collector;
    pthread_t writer;
    int result = 1;
    begin_held(60000, PARTS * PART_LINES);
    collector_begin(&collector, &receiver);
    cr_assert_eq(pthread_create(&writer, NULL, write_letter, &result), 0);
    while (!outbox_waiting())
        sys_yield();
    atomic_store(&held, false);
    cr_assert_eq(pthread_join(writer, NULL), 0);
    cr_assert_eq(result, 0);
    uint64_t deadline = clock_now_ns() + 10 * SECOND;
    while (atomic_load(&waiting) > 0 || atomic_load(&sender_state) != SENDER_GATHERING)
        cr_assert_lt(clock_now_ns(), deadline, "what the part left is gathered anew");
    struct bytes text = collector_end(&collector);
    cr_assert_eq(count_lines(text, "line:1|c", ""), PARTS * PART_LINES);
    cr_assert_eq(count_lines(text, "letter:1|c", ""), 1);
    const char *letter = memmem(text.at, text.n, LETTER, sizeof LETTER - 1);
    size_t before =
        count_lines((struct bytes){text.at, (size_t)(letter - text.at)}, "line:1|c", "");
    cr_assert_eq(before, PART_LINES + 1, "%zu: a part, and what was in hand", before);
}

Test(parts, the_next_thread_goes_on_at_once_with_what_was_broken_off)
{
    begin_held(60000, 10);
    cr_assert(sender_retire(10 * SECOND));
    cr_assert_eq(atomic_load(&waiting), 10);
    atomic_store(&held, false);
    sender_start();
    cr_assert(bytes_start_with(receiver_next(&receiver), BYTES(LINE)));
}

static _Atomic pid_t flusher;

/* Returns how many lines waited when the flush came back. */
static void *flush(void *nothing)
{
    (void)nothing;
    atomic_store(&flusher, sys_gettid());
    sender_flush(20 * SECOND);
    return (void *)(uintptr_t)atomic_load(&waiting);
}

static bool sleeps(pid_t tid)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    FILE *stat = fopen(path, "r");
    bool read = stat != NULL && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1;
    if (stat != NULL)
        fclose(stat);
    return read && state == 'S';
}

/* One that waits for a sender that is busy. */
static pthread_t begin_flush(void)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, flush, NULL), 0);
    while (atomic_load(&flusher) == 0 || !sleeps(atomic_load(&flusher)))
        sys_yield();
    cr_assert(sender_retire(10 * SECOND));
    atomic_store(&held, false);
    return thread;
}

static uintptr_t lines_left_by(pthread_t flushing)
{
    void *left;
    cr_assert_eq(pthread_join(flushing, &left), 0);
    return (uintptr_t)left;
}

Test(parts, the_next_thread_answers_a_flush_that_was_broken_off)
{
    begin_held(60000, 10);
    pthread_t flushing = begin_flush();
    sender_start();
    cr_assert_eq(lines_left_by(flushing), 0);
    cr_assert(bytes_start_with(receiver_next(&receiver), BYTES(LINE)));
}

Test(parts, without_a_next_thread_who_flushes_sends)
{
    begin_held(60000, 10);
    cr_assert_eq(lines_left_by(begin_flush()), 0);
    cr_assert(bytes_start_with(receiver_next(&receiver), BYTES(LINE)));
}
