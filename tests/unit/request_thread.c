#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "mortal.h"
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
    epoch_begin();
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
    *ring_reserve_spsc(&self->ring, 1) = (uint64_t)(uintptr_t)number << 32 | 1;
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

static char made[MAKERS * 2][IDS][MADE_ID_BYTES];

static void make_ids(int maker)
{
    for (int i = 0; i < IDS; i++)
        memcpy(made[maker][i], id_supply_next(&thread_self()->ids).at, MADE_ID_BYTES);
}

static void *make_ids_of(void *number)
{
    make_ids((int)(intptr_t)number);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, MADE_ID_BYTES);
}

static void assert_unique(int makers)
{
    char(*id)[MADE_ID_BYTES] = made[0];
    for (int i = 0; i < makers * IDS; i++)
        cr_assert(is_hex((struct bytes){id[i], MADE_ID_BYTES}));
    qsort(id, (size_t)(makers * IDS), MADE_ID_BYTES, compare_ids);
    for (int i = 1; i < makers * IDS; i++)
        cr_assert_neq(memcmp(id[i - 1], id[i], MADE_ID_BYTES), 0);
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

static struct mortal other;

static void make(void)
{
    thread_self();
}

static struct thread *record_of(pid_t tid)
{
    struct thread *thread;
    cr_assert_eq(thread_of(tid, &thread), 0);
    return thread;
}

Test(thread, found_by_its_id)
{
    struct thread *self = thread_self();
    cr_assert_eq(thread_find(gettid()), self);
    cr_assert_eq(record_of(gettid()), self);
    mortal_begin(&other);
    cr_assert_null(thread_find(other.tid));
    mortal_does(&other, make);
    struct thread *record = thread_find(other.tid);
    cr_assert_not_null(record);
    cr_assert_eq(record_of(other.tid), record);
    cr_assert_eq(record->tid, other.tid);
    cr_assert_eq(thread_count(), 2);
    mortal_ends(&other, BY_RETURN);
    cr_assert_null(thread_find(other.tid));
}

Test(thread, no_thread_of_this_process_has_no_record)
{
    struct thread *thread;
    mortal_begin(&other);
    mortal_ends(&other, BY_RETURN);
    cr_assert_eq(thread_of(other.tid, &thread), -ESRCH);
    cr_assert_eq(thread_of(getppid(), &thread), -ESRCH);
    cr_assert_eq(thread_of(0, &thread), -ESRCH);
    cr_assert_eq(thread_of(-1, &thread), -ESRCH);
    cr_assert_eq(thread_count(), 0);
}

Test(thread, a_record_that_was_made_for_it_is_its_own_once_it_comes)
{
    mortal_begin(&other);
    struct thread *record = record_of(other.tid);
    cr_assert_eq(record_of(other.tid), record);
    cr_assert(thread_any_to_watch(), "its end would not be seen yet");
    mortal_does(&other, make);
    cr_assert_not(thread_any_to_watch());
    cr_assert_eq(thread_find(other.tid), record);
    cr_assert_eq(thread_count(), 1);
    mortal_ends(&other, BY_RETURN);
    cr_assert_eq(downs, 1);
    cr_assert_eq(record->state, THREAD_ENDED);
}

Test(thread, owning_is_for_the_living)
{
    mortal_begin(&other);
    mortal_does(&other, make);
    struct thread *record = record_of(other.tid);
    cr_assert(thread_own(record, other.tid));
    cr_assert_eq(record->owned, 1);
    cr_assert(thread_any_to_watch());
    cr_assert_not(thread_own(record, other.tid + 1));
    thread_disown(record);
    cr_assert_not(thread_any_to_watch());
    mortal_ends(&other, BY_RETURN);
    cr_assert_not(thread_own(record, other.tid));
    cr_assert_eq(record->owned, 0);
}

Test(thread, down_until_its_requests_are_cleaned)
{
    mortal_begin(&other);
    mortal_does(&other, make);
    struct thread *record = record_of(other.tid);
    cr_assert(thread_own(record, other.tid));
    mortal_ends(&other, BY_RETURN);
    cr_assert_eq(record->state, THREAD_DOWN);
    cr_assert_eq(thread_downs(), 1);
    cr_assert_eq(thread_count(), 0);
    thread_cleaned(record);
    thread_release(record);
    cr_assert_eq(record->state, THREAD_DOWN, "it still owns one");
    cr_assert_neq(thread_self(), record, "and is nobody else's");
    thread_disown(record);
    thread_cleaned(record);
    cr_assert_eq(record->state, THREAD_ENDED);
    cr_assert_eq(thread_downs(), 0);
}

Test(thread, an_end_without_the_destructor_is_found)
{
    mortal_begin(&other);
    mortal_does(&other, make);
    struct thread *record = record_of(other.tid), *self = thread_self();
    thread_find_dead();
    cr_assert_eq(record->state, THREAD_LIVE);
    mortal_ends(&other, BY_SYSTEM_CALL);
    cr_assert_eq(record->state, THREAD_LIVE);
    thread_find_dead();
    cr_assert_eq(record->state, THREAD_ENDED);
    cr_assert_eq(self->state, THREAD_LIVE);
    cr_assert_eq(downs, 0);
    cr_assert_eq(thread_count(), 1);
}

Test(thread, one_that_came_since_the_last_look_is_looked_at_in_the_next)
{
    mortal_begin(&other);
    mortal_does(&other, make);
    struct thread *record = record_of(other.tid);
    record->came = true;
    mortal_ends(&other, BY_SYSTEM_CALL);
    thread_find_dead();
    cr_assert_eq(record->state, THREAD_LIVE);
    thread_find_dead();
    cr_assert_eq(record->state, THREAD_ENDED);
}

/* Several threads make one that has not come yet an owner, at once. */
enum { ASKING = 4 };

static _Atomic(pid_t) asked_for;
static struct thread *answer[ASKING];

static void *ask(void *number)
{
    struct thread *thread = NULL;
    pthread_barrier_wait(&together);
    int error = thread_of(asked_for, &thread);
    answer[(intptr_t)number] = thread;
    return error == 0 ? NULL : "an error";
}

Test(thread, one_record_for_one_thread_whoever_asks_at_once, .timeout = 60)
{
    pthread_barrier_init(&together, NULL, ASKING);
    for (int round = 0; round < 2000; round++) {
        mortal_begin(&other);
        asked_for = other.tid;
        cr_assert(on_threads(ASKING, ask));
        for (int i = 1; i < ASKING; i++)
            cr_assert_eq(answer[i], answer[0], "round %d", round);
        mortal_ends(&other, BY_RETURN);
        /* Joined, a thread is still there for a moment. */
        while (sys_thread_exists(process.pid, other.tid) == 0)
            sched_yield();
        thread_find_dead();
        cr_assert_eq(thread_count(), 0);
    }
}

/* Records go from thread to thread while the dead are looked for: nobody's is taken from the
 * living. */
enum { BIRTHS = 5000, NURSERIES = 4 };

static _Atomic int nurseries;

static void *live_briefly(void *nothing)
{
    struct thread *self = thread_self();
    (void)nothing;
    for (int i = 1; i <= 300; i++) {
        if (self->state != THREAD_LIVE || self->tid != gettid())
            return "its record is gone";
        if (i % 100 == 0)
            sched_yield();
    }
    return NULL;
}

static void *bear(void)
{
    void *found = NULL;
    for (int i = 0; i < BIRTHS && found == NULL; i++) {
        pthread_t born;
        if (pthread_create(&born, NULL, live_briefly, NULL) != 0 || pthread_join(born, &found) != 0)
            found = "no thread";
    }
    atomic_fetch_sub(&nurseries, 1);
    return found;
}

static void *bear_or_look(void *number)
{
    if ((intptr_t)number < NURSERIES)
        return bear();
    while (atomic_load(&nurseries) > 0)
        thread_find_dead();
    return NULL;
}

Test(thread, the_living_are_never_found_dead, .timeout = 60)
{
    atomic_store(&nurseries, NURSERIES);
    cr_assert(on_threads(NURSERIES + 1, bear_or_look));
    cr_assert_eq(thread_count(), 0);
}
