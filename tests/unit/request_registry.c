#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "live.h"

TestSuite(registry, .init = live_begin, .timeout = 60);

static struct worker *begun(const char *id)
{
    struct worker *worker = live_worker(id);
    worker_begin(worker, thread_self());
    return worker;
}

static void end(struct worker *worker)
{
    worker_end(worker, thread_self(), 200, OUTCOME_DONE, 5000);
    worker_free(worker);
}

static bool finds(const char *id, const struct worker *expected)
{
    struct registry_entry entry;
    return registry_find(bytes_of(id), &entry) == 0 && entry.start_ns == expected->start_ns;
}

Test(registry, found_from_begin_to_end)
{
    struct registry_entry entry;
    struct worker *worker = live_worker("id-1");
    cr_assert_not(live_found("id-1"));
    worker_begin(worker, thread_self());
    cr_assert_eq(registry_find(BYTES("id-1"), &entry), 0);
    cr_assert_eq(entry.tid, gettid());
    cr_assert_eq(entry.start_ns, 1000);
    cr_assert_eq(registry_count(), 1);
    end(worker);
    cr_assert_eq(registry_find(BYTES("id-1"), &entry), -ENOENT);
    cr_assert_eq(registry_count(), 0);
}

Test(registry, only_the_whole_id)
{
    begun("request");
    cr_assert_not(live_found("reques"));
    cr_assert_not(live_found("request "));
    cr_assert_not(live_found("Request"));
    cr_assert_not(live_found(""));
}

/* Of two requests with one id the newer one is found. */
static void begin_two(struct worker **older, struct worker **newer)
{
    *older = begun("id");
    *newer = worker_make(2000);
    worker_set_id(*newer, BYTES("id"));
    worker_begin(*newer, thread_self());
    cr_assert_eq(registry_count(), 1);
    cr_assert(finds("id", *newer));
}

Test(registry, the_older_of_two_ends_first)
{
    struct worker *older, *newer;
    begin_two(&older, &newer);
    end(older);
    cr_assert(finds("id", newer), "the newer one stays");
    end(newer);
    cr_assert_eq(registry_count(), 0);
}

Test(registry, the_newer_of_two_ends_first)
{
    struct worker *older, *newer;
    begin_two(&older, &newer);
    end(newer);
    cr_assert(finds("id", older), "the older one is found again");
    cr_assert_eq(registry_count(), 1);
    end(older);
    cr_assert_not(live_found("id"));
    cr_assert_eq(registry_count(), 0, "nothing is left");
}

Test(registry, removed_once)
{
    struct worker *worker = begun("id");
    registry_remove(worker);
    struct worker *another = begun("id");
    registry_remove(worker);
    cr_assert(finds("id", another));
}

/* Ids of each length, of all bytes. */
Test(registry, any_bytes_up_to_128)
{
    char id[REQUEST_ID_BYTES];
    struct worker *worker[REQUEST_ID_BYTES + 1];
    struct registry_entry entry;
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (char)(i * 37);
    for (size_t n = 1; n <= sizeof id; n++) {
        worker[n] = worker_make(n);
        worker_set_id(worker[n], (struct bytes){id, n});
        worker_begin(worker[n], thread_self());
    }
    for (size_t n = 1; n <= sizeof id; n++) {
        cr_assert_eq(registry_find((struct bytes){id, n}, &entry), 0, "%zu bytes", n);
        cr_assert_eq(entry.start_ns, n);
        end(worker[n]);
        cr_assert_eq(registry_find((struct bytes){id, n}, &entry), -ENOENT);
    }
    cr_assert_eq(registry_count(), 0);
}

Test(registry, zeros_at_the_end_count)
{
    struct registry_entry entry;
    struct worker *worker = worker_make(1);
    worker_set_id(worker, (struct bytes){"a\0\0", 3});
    worker_begin(worker, thread_self());
    cr_assert_eq(registry_find((struct bytes){"a\0\0", 3}, &entry), 0);
    cr_assert_eq(registry_find((struct bytes){"a\0", 2}, &entry), -ENOENT);
    cr_assert_eq(registry_find((struct bytes){"a\0\0\0", 4}, &entry), -ENOENT);
}

Test(registry, longer_ids_are_cut)
{
    char id[300];
    struct registry_entry entry;
    struct worker *worker = worker_make(1);
    memset(id, 'x', sizeof id);
    worker_set_id(worker, (struct bytes){id, sizeof id});
    worker_begin(worker, thread_self());
    cr_assert_eq(registry_find((struct bytes){id, 128}, &entry), 0);
    cr_assert_eq(registry_find((struct bytes){id, 129}, &entry), 0);
    cr_assert_eq(registry_find((struct bytes){id, 127}, &entry), -ENOENT);
}

Test(registry, a_record_used_again_is_not_found_by_its_former_id)
{
    struct worker *worker = begun("former");
    end(worker);
    cr_assert_eq(begun("present"), worker);
    cr_assert_not(live_found("former"));
    cr_assert(live_found("present"));
}

/* Makes and ends requests, some hundred of them live at any time. */
static void cycle(int cycles)
{
    static struct worker *live[300];
    for (int i = 0; i < cycles; i++) {
        char id[32];
        struct worker **place = &live[i % 300];
        if (*place != NULL)
            end(*place);
        snprintf(id, sizeof id, "request-%d", i);
        *place = begun(id);
        while (live_event(thread_self())->kind != 0)
            continue;
    }
}

/* How long 5,000 take when the machine does nothing else. */
static uint64_t least_time(void)
{
    uint64_t least_ns = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t began_ns = clock_now_ns();
        cycle(5000);
        uint64_t took_ns = clock_now_ns() - began_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    return least_ns;
}

Test(registry, hundreds_of_thousands_come_and_go)
{
    cycle(3000);
    uint64_t young = least_time();
    cr_assert_eq(registry_count(), 300);
    cycle(300000);
    cr_assert_eq(registry_count(), 300);
    uint64_t old = least_time();
    cr_assert_lt(old, young * 4, "%lu ns, then %lu", young, old);
}

Test(registry, grows)
{
    char id[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(id, sizeof id, "%d", i);
        begun(id);
    }
    cr_assert_eq(registry_count(), 100000);
    for (int i = 0; i < 100000; i++) {
        snprintf(id, sizeof id, "%d", i);
        cr_assert(live_found(id));
    }
}

static int fork_is_clean(void)
{
    process_begin();
    thread_forget();
    worker_forget();
    registry_forget();
    registry_begin();
    if (registry_count() != 0 || live_found("parent"))
        return 1;
    begun("child");
    return live_found("child") && registry_count() == 1 ? 0 : 2;
}

Test(registry, a_forked_child_begins_with_none)
{
    int status;
    begun("parent");
    pid_t child = fork();
    if (child == 0)
        _exit(fork_is_clean());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert(live_found("parent"));
    cr_assert_not(live_found("child"));
}
