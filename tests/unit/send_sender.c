#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/sys.h"
#include "scratch.h"
#include "sending.h"
#include "threads.h"

#define SECOND 1000000000ull

static struct receiver receiver;

/* A source: a number of lines that wait. */
static _Atomic uint64_t waiting, entered, rounds;
static _Atomic uint64_t due = UINT64_MAX;
static _Atomic bool held; /* what drains does not get on */
static _Atomic pid_t drainer;

static bool drain(struct batch *batch, bool last)
{
    uint64_t n = atomic_exchange(&waiting, 0);
    (void)last;
    if (n > 0)
        atomic_store(&drainer, sys_gettid());
    atomic_fetch_add(&rounds, 1);
    while (atomic_load(&held))
        sys_yield();
    for (uint64_t i = 0; i < n; i++)
        batch_add(batch, BYTES("line:1|c\n"));
    return n > 0;
}

static uint64_t due_ns(void)
{
    return atomic_load(&due);
}

static void enter(void)
{
    atomic_fetch_add(&entered, 1);
}

static void begin(uint32_t flush_ms)
{
    sending_begin(&receiver, flush_ms,
                  (struct sender_source){.drain = drain, .due_ns = due_ns, .enter = enter});
}

static void begin_udp(uint32_t flush_ms)
{
    receiver_udp(&receiver);
    begin(flush_ms);
}

static void offer(uint64_t n, bool many)
{
    atomic_fetch_add(&waiting, n);
    sender_notify(many);
}

static bool line_arrives(void)
{
    return bytes_start_with(receiver_next(&receiver), BYTES("line:1|c\n"));
}

/* Waits for the sender to be in a state. */
static bool reaches(enum sender_state state)
{
    uint64_t deadline = clock_now_ns() + 10 * SECOND;
    while (atomic_load(&sender_state) != state)
        if (clock_now_ns() > deadline)
            return false;
    return true;
}

/* The value of a field of the thread named stats-hero in its /proc status; false: no such thread.
 */
static bool sender_thread(const char *field, char *value)
{
    DIR *tasks = opendir("/proc/self/task");
    bool found = false;
    for (struct dirent *task; !found && (task = readdir(tasks)) != NULL;) {
        char path[300], line[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            found |= strcmp(line, "Name:\tstats-hero\n") == 0;
            if (found && strncmp(line, field, strlen(field)) == 0)
                snprintf(value, 300, "%s", line + strlen(field));
        }
        if (status != NULL)
            fclose(status);
    }
    closedir(tasks);
    return found;
}

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;
    while (readdir(tasks) != NULL)
        n++;
    closedir(tasks);
    return n - 2;
}

TestSuite(sender, .timeout = 60);

Test(sender, starts_at_the_first_notify_only)
{
    int before = threads();
    begin_udp(5);
    cr_assert_not(sender_running());
    cr_assert_eq(threads(), before);
    offer(1, false);
    cr_assert(sender_running());
    cr_assert(line_arrives());
    cr_assert_eq(atomic_load(&entered), 1);
    cr_assert_eq(threads(), before + 1);
}

Test(sender, one_thread_however_many_start_it)
{
    int before = threads();
    begin_udp(5);
    for (int i = 0; i < 100; i++)
        offer(1, true);
    sender_start();
    cr_assert(line_arrives());
    cr_assert_eq(threads(), before + 1);
}

Test(sender, named_and_deaf_to_signals)
{
    char value[300];
    unsigned long long blocked;
    begin_udp(5);
    offer(1, false);
    cr_assert(line_arrives());
    cr_assert(sender_thread("SigBlk:\t", value));
    cr_assert_eq(sscanf(value, "%llx", &blocked), 1);
    for (int i = 1; i <= 64; i++) {
        bool open = i == SIGKILL || i == SIGSTOP || (i >= 32 && i < SIGRTMIN); /* libc's own, too */
        cr_assert_eq(blocked >> (i - 1) & 1, open ? 0 : 1, "signal %d", i);
    }
}

Test(sender, leaves_the_starter_its_signal_mask)
{
    sigset_t before, after;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR1);
    cr_assert_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    begin_udp(5);
    offer(1, false);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i < 32; i++)
        cr_assert_eq(sigismember(&before, i), sigismember(&after, i), "signal %d", i);
}

Test(sender, wakes_from_idle)
{
    begin_udp(5);
    for (int i = 0; i < 5; i++) {
        offer(1, false);
        cr_assert(line_arrives());
        cr_assert(reaches(SENDER_IDLE));
    }
}

/* A producer's store may be seen after the sender has gone idle: it looks once more by itself. */
Test(sender, looks_again_when_idle)
{
    begin_udp(20);
    offer(1, false);
    cr_assert(line_arrives());
    cr_assert(reaches(SENDER_IDLE));
    atomic_store(&waiting, 1);
    cr_assert(line_arrives());
}

Test(sender, gathers_unless_much_is_waiting)
{
    begin_udp(5000);
    offer(1, false);
    cr_assert(reaches(SENDER_GATHERING));
    uint64_t began = clock_now_ns();
    offer(1, true);
    cr_assert(line_arrives());
    cr_assert_lt(clock_now_ns() - began, 4 * SECOND);
}

Test(sender, a_line_waits_no_longer_than_the_flush_time)
{
    begin_udp(50);
    uint64_t began = clock_now_ns();
    offer(3, false);
    cr_assert(bytes_equal(receiver_next(&receiver), BYTES("line:1|c\nline:1|c\nline:1|c\n")));
    cr_assert_geq(clock_now_ns() - began, 50000000u);
}

Test(sender, comes_when_the_source_is_due)
{
    atomic_store(&due, 20000000);
    begin_udp(1);
    offer(1, false);
    cr_assert(line_arrives());
    uint64_t before = atomic_load(&rounds);
    uint64_t deadline = clock_now_ns() + 10 * SECOND;
    while (atomic_load(&rounds) < before + 5)
        cr_assert_lt(clock_now_ns(), deadline);
}

Test(sender, flush_sends_all_and_goes_on)
{
    begin_udp(60000);
    offer(2, false);
    sender_flush(10 * SECOND);
    cr_assert_eq(atomic_load(&waiting), 0);
    cr_assert(line_arrives());
    cr_assert(sender_running());
    offer(1, false);
    sender_flush(10 * SECOND);
    cr_assert(line_arrives());
}

Test(sender, flush_without_a_thread_is_nothing)
{
    begin_udp(5);
    atomic_store(&waiting, 1);
    sender_flush(10 * SECOND);
    cr_assert_eq(atomic_load(&rounds), 0);
}

static void *offer_and_flush(void *nothing)
{
    (void)nothing;
    for (int i = 0; i < 200; i++) {
        offer(1, false);
        sender_flush(10 * SECOND);
    }
    return NULL;
}

Test(sender, flushes_of_many_threads)
{
    struct collector collector;
    receiver_abstract(&receiver);
    begin(60000);
    collector_begin(&collector, &receiver);
    cr_assert(on_threads(4, offer_and_flush));
    struct bytes text = collector_end(&collector);
    cr_assert_eq(count_lines(text, "line:1|c", ""), 800);
}

Test(sender, stop_hands_everything_over)
{
    struct collector collector;
    receiver_abstract(&receiver);
    begin(60000);
    collector_begin(&collector, &receiver);
    offer(100000, false);
    sender_stop(30 * SECOND);
    cr_assert_not(sender_running());
    struct bytes text = collector_end(&collector);
    cr_assert_eq(count_lines(text, "line:1|c", ""), 100000);
    cr_assert_eq(sender_errors(), 0);
    cr_assert(reaches(SENDER_ENDED));
}

Test(sender, stop_ends_the_thread_and_its_socket)
{
    int before = threads(), lowest = fcntl(0, F_DUPFD, 960);
    close(lowest);
    begin_udp(5);
    offer(1, false);
    sender_stop(10 * SECOND);
    uint64_t deadline = clock_now_ns() + 10 * SECOND;
    while (threads() > before)
        cr_assert_lt(clock_now_ns(), deadline);
    cr_assert_eq(fcntl(0, F_DUPFD, 960), lowest);
}

Test(sender, nothing_starts_after_stop)
{
    begin_udp(5);
    sender_stop(SECOND);
    offer(1, false);
    cr_assert_not(sender_running());
}

Test(sender, stop_is_bounded_when_nobody_reads)
{
    receiver_abstract(&receiver);
    begin(5);
    offer(1000000, true);
    uint64_t began = clock_now_ns();
    sender_stop(100000000);
    cr_assert_lt(clock_now_ns() - began, 2 * SECOND);
    cr_assert(reaches(SENDER_ENDED), "and then the thread gives up");
    cr_assert_gt(sender_errors(), 0);
}

Test(sender, errors_are_counted)
{
    receiver_abstract(&receiver);
    receiver_close(&receiver);
    begin(5);
    offer(1, true);
    sender_flush(10 * SECOND);
    cr_assert_geq(sender_errors(), 1);
}

#ifdef __x86_64__ /* for others: base/own_stack.h */

/* It need not be given a processor for that. */
Test(sender, what_waits_at_the_end_the_caller_sends)
{
    int before = threads();
    begin_udp(60000);
    offer(1, false);
    cr_assert(reaches(SENDER_GATHERING));
    sender_stop(SECOND);
    cr_assert_eq(atomic_load(&drainer), sys_gettid());
    cr_assert(line_arrives());
    cr_assert(reaches(SENDER_ENDED));
    uint64_t deadline = clock_now_ns() + 10 * SECOND;
    while (threads() > before)
        cr_assert_lt(clock_now_ns(), deadline, "and the thread ends by itself");
}

Test(sender, what_is_flushed_the_caller_sends)
{
    begin_udp(60000);
    for (int i = 0; i < 10; i++) {
        offer(1, false);
        cr_assert(reaches(SENDER_GATHERING));
        sender_flush(10 * SECOND);
        cr_assert_eq(atomic_load(&drainer), sys_gettid());
        cr_assert(line_arrives());
        cr_assert(reaches(SENDER_IDLE));
        offer(1, false);
        cr_assert(reaches(SENDER_GATHERING));
        sender_notify(true);
        cr_assert(line_arrives());
        cr_assert_neq(atomic_load(&drainer), sys_gettid(), "the thread goes on");
    }
}

#endif

static void *stop(void *nothing)
{
    sender_stop(10 * SECOND);
    return nothing;
}

Test(sender, one_that_is_at_work_is_waited_for)
{
    pthread_t stopper;
    begin_udp(1);
    atomic_store(&held, true);
    offer(1, true);
    while (atomic_load(&rounds) == 0)
        sys_yield();
    pid_t at_work = atomic_load(&drainer);
    cr_assert_neq(at_work, 0);
    cr_assert_eq(pthread_create(&stopper, NULL, stop, NULL), 0);
    while (sender_send(BYTES("x:1|c\n"), SEND_POOL_ANY) != -EAGAIN)
        ; /* until the stopper has begun */
    cr_assert_eq(atomic_load(&sender_state), SENDER_BUSY);
    atomic_store(&held, false);
    cr_assert_eq(pthread_join(stopper, NULL), 0);
    cr_assert_eq(atomic_load(&drainer), at_work);
    cr_assert(line_arrives());
    cr_assert(reaches(SENDER_ENDED));
}

/* Where the caller finds no way to the receiver any more, the thread may still have one. */
Test(sender, what_the_caller_cannot_send_the_thread_does)
{
    char folder[64], path[100];
    scratch_folder(folder);
    snprintf(path, sizeof path, "%s/socket", folder);
    receiver_unix(&receiver, path);
    begin(60000);
    offer(1, false);
    cr_assert(reaches(SENDER_GATHERING));
    offer(1, true);
    cr_assert(line_arrives());
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(folder), 0);
    offer(1, false);
    sender_flush(10 * SECOND);
    cr_assert(line_arrives());
    offer(1, false);
    sender_stop(10 * SECOND);
    cr_assert(line_arrives());
    cr_assert_neq(atomic_load(&drainer), sys_gettid());
}

static int sends_in_child(void)
{
    sender_forget();
    if (sender_running())
        return 1;
    offer(1, true);
    sender_flush(10 * SECOND);
    return sender_running() && atomic_load(&waiting) == 0 ? 0 : 2;
}

Test(sender, a_forked_child_has_a_sender_of_its_own)
{
    int status;
    begin_udp(5);
    offer(1, true);
    cr_assert(line_arrives());
    pid_t child = fork();
    if (child == 0)
        _exit(sends_in_child());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert(line_arrives());
    offer(1, true);
    cr_assert(line_arrives(), "and the parent's goes on");
}

Test(sender, retired_it_is_gone)
{
    int before = threads();
    begin_udp(60000);
    cr_assert_not(sender_retire(SECOND), "there is none");
    offer(3, false);
    cr_assert(reaches(SENDER_GATHERING));
    cr_assert(sender_retire(10 * SECOND));
    cr_assert_eq(threads(), before, "the kernel does not know it either");
    cr_assert_not(sender_running());
    cr_assert_not(sender_retire(SECOND));
    cr_assert_eq(atomic_load(&waiting), 3);
    sender_start();
    sender_flush(10 * SECOND);
    cr_assert(line_arrives());
    cr_assert(sender_running());
}

/* However often threads follow one another, a line waits for as long as it would for one. */
Test(sender, its_successors_gather_for_what_is_left)
{
    begin_udp(300);
    uint64_t began = clock_now_ns();
    offer(1, false);
    while (atomic_load(&waiting) > 0) {
        cr_assert_lt(clock_now_ns() - began, 10 * SECOND);
        cr_assert(sender_retire(10 * SECOND));
        sender_start();
    }
    cr_assert_geq(clock_now_ns() - began, 300000000u);
    sender_flush(10 * SECOND);
    cr_assert(line_arrives());
}

Test(sender, retired_before_a_full_receiver_it_loses_nothing)
{
    struct collector collector;
    receiver_abstract(&receiver);
    begin(1);
    for (int i = 0; i < 50; i++) {
        offer(2000, true);
        cr_assert(sender_retire(10 * SECOND));
        sender_start();
    }
    collector_begin(&collector, &receiver);
    sender_stop(30 * SECOND);
    cr_assert_not(sender_running());
    cr_assert_eq(count_lines(collector_end(&collector), "line:1|c", ""), 100000);
    cr_assert_eq(sender_errors(), 0);
}

/* No other thread could be started. */
Test(sender, what_a_retired_one_left_the_caller_sends)
{
    begin_udp(60000);
    offer(1, false);
    cr_assert(sender_retire(10 * SECOND));
    cr_assert(sender_used());
    sender_flush(0);
    cr_assert(line_arrives());
    atomic_store(&waiting, 1);
    sender_stop(SECOND);
    cr_assert(line_arrives());
    cr_assert_not(sender_used());
    cr_assert(reaches(SENDER_ENDED));
}

static void *retire_often(void *nothing)
{
    (void)nothing;
    for (int i = 0; i < 200; i++) {
        offer(1, i % 2 == 0);
        if (sender_retire(10 * SECOND))
            sender_start();
    }
    return NULL;
}

Test(sender, retired_by_many_threads)
{
    struct collector collector;
    receiver_abstract(&receiver);
    begin(1);
    collector_begin(&collector, &receiver);
    cr_assert(on_threads(4, retire_often));
    sender_stop(30 * SECOND);
    cr_assert_eq(count_lines(collector_end(&collector), "line:1|c", ""), 800);
}
