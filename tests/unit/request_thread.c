#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "request/thread.h"
#include "threads.h"

static _Atomic int downs;

static void down(struct thread *thread)
{
    atomic_fetch_add(&downs, 1);
    thread_ended(thread);
}

static void begin(void)
{
    process_begin();
    cr_assert_eq(thread_begin(down), 0);
}

TestSuite(thread, .init = begin);

Test(thread, one_record_each)
{
    struct thread *self = thread_self();
    cr_assert_not_null(self);
    cr_assert_eq(thread_self(), self);
    cr_assert_eq(self->tid, gettid());
    cr_assert_eq(thread_count(), 1);
    cr_assert_eq(thread_at(self->link.number), self);
    cr_assert_null(thread_at(self->link.number + 1));
}

static void *make_one(void *nothing)
{
    (void)nothing;
    return thread_self() != NULL ? NULL : "none";
}

Test(thread, its_end_is_told_and_its_record_goes)
{
    cr_assert(on_threads(4, make_one));
    cr_assert_eq(downs, 4);
    cr_assert_eq(thread_count(), 0);
}

static void *do_nothing(void *nothing)
{
    (void)nothing;
    return NULL;
}

Test(thread, one_that_never_served_is_not_told)
{
    cr_assert(on_threads(4, do_nothing));
    cr_assert_eq(downs, 0);
}

Test(thread, records_are_used_again)
{
    for (int i = 0; i < 1000; i++)
        cr_assert(on_threads(2, make_one));
    uint32_t n = 0;
    while (thread_at(n) != NULL)
        n++;
    cr_assert_leq(n, 2);
    cr_assert_eq(downs, 2000);
    cr_assert_eq(thread_count(), 0);
}

static void *put_one(void *number)
{
    struct thread *self = thread_self();
    *ring_reserve_spsc(&self->ring, 1) = (uint64_t)(uintptr_t)number << 16 | 1;
    ring_commit_spsc(&self->ring);
    return NULL;
}

Test(thread, a_new_thread_goes_on_with_an_ended_ones_queue)
{
    cr_assert(on_threads(1, put_one));
    cr_assert(on_threads(1, put_one));
    struct thread *thread = thread_at(0);
    cr_assert_null(thread_at(1));
    for (int i = 0; i < 2; i++) {
        cr_assert_not_null(ring_peek_spsc(&thread->ring));
        ring_release_spsc(&thread->ring);
    }
    cr_assert_null(ring_peek_spsc(&thread->ring));
}

static pthread_barrier_t together;

/* Two that are there at the same time. */
static void *make_one_of_two(void *nothing)
{
    make_one(nothing);
    pthread_barrier_wait(&together);
    return NULL;
}

Test(thread, release_frees_only_what_has_ended)
{
    pthread_barrier_init(&together, NULL, 2);
    struct thread *self = thread_self();
    thread_release(self);
    cr_assert_eq(self->state, THREAD_LIVE);
    cr_assert(on_threads(1, make_one));
    struct thread *ended = thread_at(1);
    cr_assert_eq(ended->state, THREAD_ENDED);
    thread_release(ended);
    cr_assert_eq(ended->state, THREAD_FREE);
    thread_release(ended);
    cr_assert(on_threads(2, make_one_of_two));
    cr_assert_not_null(thread_at(2), "a record freed twice would serve two threads");
}

static bool is_hex(struct bytes id)
{
    for (size_t i = 0; i < id.n; i++)
        if (strchr("0123456789abcdef", id.at[i]) == NULL)
            return false;
    return id.n == 32;
}

enum { IDS = 2000, MAKERS = 8 };

static char made[MAKERS * 2][IDS][THREAD_ID_BYTES];

static void make_ids(int maker)
{
    for (int i = 0; i < IDS; i++)
        memcpy(made[maker][i], thread_next_id(thread_self()).at, THREAD_ID_BYTES);
}

static void *make_ids_of(void *number)
{
    make_ids((int)(intptr_t)number);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, THREAD_ID_BYTES);
}

static void assert_unique(int makers)
{
    char(*id)[THREAD_ID_BYTES] = made[0];
    for (int i = 0; i < makers * IDS; i++)
        cr_assert(is_hex((struct bytes){id[i], THREAD_ID_BYTES}));
    qsort(id, (size_t)(makers * IDS), THREAD_ID_BYTES, compare_ids);
    for (int i = 1; i < makers * IDS; i++)
        cr_assert_neq(memcmp(id[i - 1], id[i], THREAD_ID_BYTES), 0);
}

Test(thread, ids_are_unique_over_threads)
{
    cr_assert(on_threads(MAKERS, make_ids_of));
    assert_unique(MAKERS);
}

/* A child that makes ids into a pipe. */
static void make_ids_in_child(int maker)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        process_begin();
        thread_forget();
        make_ids(maker);
        close(ends[0]);
        _exit(write(ends[1], made[maker], sizeof made[maker]) == (ssize_t)sizeof made[maker] ? 0
                                                                                             : 1);
    }
    close(ends[1]);
    for (size_t n = 0; n < sizeof made[maker];) {
        ssize_t more = read(ends[0], made[maker][0] + n, sizeof made[maker] - n);
        cr_assert_gt(more, 0);
        n += (size_t)more;
    }
    close(ends[0]);
    cr_assert_eq(waitpid(child, NULL, 0), child);
}

Test(thread, ids_are_unique_over_forks)
{
    thread_self();
    for (int maker = 0; maker < 7; maker++)
        make_ids_in_child(maker);
    make_ids(7);
    assert_unique(8);
}

Test(thread, ids_are_counted_in_hexadecimal)
{
    static const char *const cases[][2] = {
        {"00000000000000000000000000000000", "00000000000000000000000000000001"},
        {"00000000000000000000000000000009", "0000000000000000000000000000000a"},
        {"0000000000000000000000000000000f", "00000000000000000000000000000010"},
        {"aaaaaaaaaaaaaaaa000000000099ffff", "aaaaaaaaaaaaaaaa00000000009a0000"},
        {"aaaaaaaaaaaaaaaaffffffffffffffff", "aaaaaaaaaaaaaaaa0000000000000000"},
    };
    struct thread *self = thread_self();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(self->id, cases[i][0], THREAD_ID_BYTES);
        struct bytes next = thread_next_id(self);
        cr_assert(bytes_equal(next, bytes_of(cases[i][1])), "%.*s", (int)next.n, next.at);
    }
}

/* A library's destructor that runs after ours and serves a request. */
static pthread_key_t late;
static _Atomic int late_runs;

static void serve_late(void *nothing)
{
    (void)nothing;
    thread_self();
    atomic_fetch_add(&late_runs, 1);
}

static void *serve_and_end(void *nothing)
{
    (void)nothing;
    pthread_setspecific(late, &late);
    thread_self();
    return NULL;
}

Test(thread, one_that_serves_in_a_late_destructor_is_told_again)
{
    cr_assert_eq(pthread_key_create(&late, serve_late), 0);
    cr_assert(on_threads(1, serve_and_end));
    cr_assert_eq(late_runs, 1);
    cr_assert_eq(downs, 2);
    cr_assert_eq(thread_count(), 0);
}
