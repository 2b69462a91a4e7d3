/* A program's threads that start requests, add to them, look at them, hand them to each other,
 * report and stop them, and a server's thread whose requests they reach by their ids, while
 * short-lived threads die with requests of theirs in every way there is. Each request that began is
 * stopped, ended or DOWN, once, and nothing is left. STRESS_SECONDS (8) long. */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "receiver.h"
#include "request/monitor.h"
#include "request/names.h"
#include "request/registry.h"
#include "request/request.h"
#include "request/sweep.h"
#include "send/sender.h"

#define SECOND 1000000000ull

enum { ACTORS = 2, IDS = 100, HELD = 24, MORTALS = 3, LIVES = 200, KNOWN = 16 };

/* Sanitizers wait for ever for a thread that they did not see ending, or are confused by another
 * one on its stack: there such threads are detached, and, since their stacks stay, few. */
#ifdef __has_feature
#define SANITIZED (__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#else
#define SANITIZED false
#endif
enum { DETACHED_MOST = 150 };

static struct config config;

/* What was done, and what was heard of it. */
static _Atomic uint64_t begun, stopped, reported;
static uint64_t starts, ends, downs, dropped;

static _Atomic bool over;
static _Atomic pid_t known[KNOWN]; /* threads that may be alive */

static void nothing(void)
{
}

static void count_line(struct bytes line)
{
    static const char *const apps[] = {"app", "a", "b"};
    uint64_t n;
    for (int i = 0; i < 3; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s.application.allRequests:", apps[i]);
        if (receiver_value(line, key, 'm', &n))
            starts += n;
        if (receiver_value(line, key, 'h', &n))
            ends++;
    }
    if (receiver_value(line, "app.stats_hero.down:", 'm', &n))
        downs += n;
    if (receiver_value(line, "app.stats_hero.dropped:", 'm', &n))
        dropped += n;
}

static pid_t any_thread(uint64_t any)
{
    return any % 4 == 0 ? 0 : atomic_load(&known[any / 4 % KNOWN]);
}

/* Half of them are in the hands of few. */
static struct bytes make_id(char *text, size_t size, uint64_t any)
{
    uint64_t number = any % 2 == 0 ? any / 2 % 4 : any / 2 % IDS;
    return (struct bytes){text, (size_t)snprintf(text, size, "request-%d", (int)number)};
}

static struct bytes make_label(uint64_t any)
{
    static const struct bytes labels[] = {
        {"db.read", 7}, {"db.write", 8}, {"cache", 5}, {"log", 3}, {"x", 1}, {"y.z", 3},
    };
    return labels[any % 6];
}

static void start(struct bytes id, uint64_t any)
{
    struct request_start of = {
        .app = any % 2 == 0 ? BYTES("a") : BYTES("b"),
        .label = BYTES("things"),
        .action = BYTES("PUT"),
        .id = id,
        .prefixes = any % 4 < 2 ? BYTES("db,cache") : BYTES(""),
        .parent = any_thread(any >> 8),
    };
    int error = request_start(&of);
    expect(error == 0 || error == -ESRCH);
    atomic_fetch_add(&begun, error == 0);
}

static void count_entry(void *context, struct bytes name, uint64_t time_us, uint64_t count)
{
    uint64_t *entries = context;
    expect(name.n > 0);
    expect(*entries == 0 ? count == 0 : count > 0 && time_us >= count);
    ++*entries;
}

static void look(struct bytes id, uint64_t any)
{
    static __thread struct snapshot snapshot;
    uint64_t entries = 0;
    struct registry_entry entry;
    if (registry_find(id, &entry) == 0)
        expect(entry.tid > 0 && entry.start_ns > 0);
    int error = request_snapshot(id, &snapshot);
    expect(error == 0 || error == -ENOENT);
    if (error < 0)
        return;
    snapshot_tell(&snapshot, (enum snapshot_detail)(any % 3), count_entry, &entries);
    expect(entries >= 1 && snapshot.timers <= 6);
}

/* Whole messages in the order of their letters, from some letter on. */
static void read_log(struct bytes id, uint64_t any)
{
    char text[4096];
    struct writer w = writer_on(text, sizeof text);
    ssize_t n = request_read_log(id, make_label(any), &w);
    expect(n >= 0 || n == -ENOENT);
    for (size_t i = 0; n > 0 && i < w.n; i++)
        expect(text[i] == "abcdefghij"[i % 10]);
}

static void add(struct bytes id, uint64_t any)
{
    int error = any % 4 == 0 ? request_append(id, make_label(any >> 8), BYTES("abcdefghij"))
                             : request_add_time(id, make_label(any >> 8), 1 + any % 1000);
    expect(error == 0 || error == -ENOENT || error == -EINVAL || error == -ENOSPC);
}

static void hand_over(struct bytes id, uint64_t any)
{
    int error = request_reparent(id, any_thread(any));
    expect(error == 0 || error == -ENOENT || error == -ESRCH);
}

static void finish(struct bytes id, uint64_t any)
{
    int error = any % 2 == 0 ? request_report(id, 200) : request_stop(id);
    expect(error == 0 || error == -ENOENT || error == -EPERM);
    atomic_fetch_add(any % 2 == 0 ? &reported : &stopped, error == 0);
}

static void step(uint64_t any)
{
    char text[64];
    struct bytes id = make_id(text, sizeof text, any >> 32);
    uint64_t choice = any % 64, more = any >> 6;
    if (choice < 16)
        start(id, more);
    else if (choice < 32)
        add(id, more);
    else if (choice < 38)
        look(id, more);
    else if (choice < 40)
        read_log(id, more);
    else if (choice < 48)
        hand_over(id, more);
    else if (choice < 63)
        finish(id, more);
    else if (more % 64 == 0)
        monitor_flush(SECOND);
    else
        request_watch(any_thread(more >> 6));
}

static uint64_t seed_of(void *number)
{
    return ((uint64_t)(uintptr_t)number + 1) * 0x9e3779b97f4a7c15 ^ (uint64_t)gettid();
}

static void *act(void *number)
{
    uint64_t random = seed_of(number);
    atomic_store(&known[(uintptr_t)number], gettid());
    while (!atomic_load(&over))
        step(next_random(&random));
    return NULL;
}

/* A server's requests: only their holder ends them, though any thread may own them. */
static void hold_and_end(struct worker **place, uint64_t any)
{
    char text[64];
    struct thread *self = thread_self();
    if (*place != NULL) {
        worker_served_by(*place, self);
        worker_end(*place, self, 204, OUTCOME_DONE, clock_now_ns());
        worker_free(*place);
        *place = NULL;
    }
    if (any % 4 == 0)
        return;
    *place = worker_make(clock_now_ns());
    expect(*place != NULL);
    worker_name(*place, 0, names.get);
    worker_scope(*place, 0);
    if (any % 8 != 1)
        worker_set_id(*place, make_id(text, sizeof text, any >> 8));
    worker_begin(*place, self);
    atomic_fetch_add(&begun, 1);
}

static void *hold(void *number)
{
    struct worker *held[HELD] = {NULL};
    uint64_t random = seed_of(number);
    atomic_store(&known[(uintptr_t)number], gettid());
    for (int i = 1; !atomic_load(&over); i++) {
        uint64_t any = next_random(&random);
        hold_and_end(&held[any % HELD], any >> 8);
        if (i % 1000 == 0) /* the sender and the others keep up */
            monitor_flush(SECOND);
    }
    for (int i = 0; i < HELD; i++)
        hold_and_end(&held[i], 0);
    return NULL;
}

enum death { BY_RETURN, BY_EXIT, BY_CANCELLATION, BY_SYSTEM_CALL, DEATHS };

struct mortal {
    enum death death;
    uint64_t steps;
};

/* The shim's guard keeps cancellation out of the library; here it is only let in between calls. */
static void may_be_cancelled(void)
{
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

/* Of such an end the kernel alone tells the sweep; a sanitizer must see an order in memory too. */
static void exit_unseen(void)
{
    struct thread *self = thread_current;
    if (self != NULL)
        atomic_fetch_add(&self->owned, 0);
    syscall(SYS_exit, 0);
}

static void *live_and_die(void *mortal)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    const struct mortal me = *(const struct mortal *)mortal;
    free(mortal);
    uint64_t random = seed_of((void *)(uintptr_t)me.steps);
    atomic_store(&known[ACTORS + 1 + next_random(&random) % (KNOWN - ACTORS - 1)], gettid());
    for (uint64_t i = 0; i < me.steps || me.death == BY_CANCELLATION; i++) {
        step(next_random(&random));
        may_be_cancelled();
    }
    if (me.death == BY_EXIT)
        pthread_exit(NULL);
    if (me.death == BY_SYSTEM_CALL)
        exit_unseen();
    return NULL;
}

/* Its thread, which owns what it is given. */
static pthread_t give_birth(enum death death, uint64_t steps)
{
    struct mortal *mortal = malloc(sizeof *mortal);
    pthread_t thread;
    expect(mortal != NULL);
    *mortal = (struct mortal){death, steps};
    expect(pthread_create(&thread, NULL, live_and_die, mortal) == 0);
    return thread;
}

static void await(pthread_t thread, enum death death)
{
    if (death == BY_CANCELLATION)
        expect(pthread_cancel(thread) == 0);
    if (SANITIZED && death == BY_SYSTEM_CALL)
        expect(pthread_detach(thread) == 0);
    else
        expect(pthread_join(thread, NULL) == 0);
}

static enum death choose_death(uint64_t any)
{
    static int detached;
    enum death death = (enum death)(any % DEATHS);
    if (SANITIZED && death == BY_SYSTEM_CALL && detached++ >= DETACHED_MOST)
        return BY_RETURN;
    return death;
}

/* Some come after others have gone, some while they are there. */
static void *breed(void *number)
{
    uint64_t random = seed_of(number);
    pthread_t thread[MORTALS];
    enum death death[MORTALS];
    while (!atomic_load(&over)) {
        for (int i = 0; i < MORTALS; i++) {
            death[i] = choose_death(next_random(&random));
            thread[i] = give_birth(death[i], next_random(&random) % LIVES);
        }
        for (int i = 0; i < MORTALS; i++)
            await(thread[i], death[i]);
    }
    return NULL;
}

static void *take_part(void *number)
{
    int me = (int)(intptr_t)number;
    return me < ACTORS ? act(number) : me == ACTORS ? hold(number) : breed(number);
}

/* While a thread is DOWN its requests are still on their way out of the registry. */
static bool is_left(void)
{
    return request_count() > 0 || thread_downs() > 0;
}

/* Unseen ends are found within SWEEP_NS. */
static void wait_for_none_left(void)
{
    uint64_t deadline = clock_now_ns() + 30 * SECOND;
    while (is_left() && clock_now_ns() < deadline)
        poll(NULL, 0, 1);
    expect(!is_left());
    expect(registry_count() == 0);
}

static uint64_t count_diagnostics(int fd)
{
    struct stat status;
    uint64_t n = 0;
    expect(fstat(fd, &status) == 0);
    if (status.st_size == 0)
        return 0;
    char *text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    expect(text != MAP_FAILED);
    for (struct bytes rest = {text, (size_t)status.st_size}; rest.n > 0;) {
        struct bytes line = bytes_cut(&rest, '\n');
        n += memmem(line.at, line.n, " ended before its response did", 30) != NULL;
    }
    return n;
}

static void *end_after_a_while(void *nobody)
{
    const char *text = getenv("STRESS_SECONDS");
    uint64_t deadline = clock_now_ns() + (text != NULL ? strtoull(text, NULL, 10) : 8) * SECOND;
    while (clock_now_ns() < deadline)
        poll(NULL, 0, 10);
    atomic_store(&over, true);
    return nobody;
}

int main(void)
{
    char log[64];
    pthread_t timer;
    int diagnostics = memfd_create("log", MFD_CLOEXEC);
    snprintf(log, sizeof log, "/proc/self/fd/%d", diagnostics);
    log_begin(bytes_of(log), LOG_WARN);
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    receiver_begin(count_line);
    config.host = bytes_of(receiver.host);
    config.request_log = BYTES("/dev/null");
    config.flush_ms = 2;
    config.queue_events = 1 << 20;
    expect(monitor_begin(&config, (struct monitor_guard){nothing, nothing}) == 0 &&
           monitor_ready());
    expect(pthread_create(&timer, NULL, end_after_a_while, NULL) == 0);
    on_threads(ACTORS + 2, take_part);
    expect(pthread_join(timer, NULL) == 0);
    wait_for_none_left();
    monitor_end(60 * SECOND);
    expect(!sender_running() && sender_errors() == 0);
    receiver_end();
    printf("%lu begun, %lu stopped, %lu reported: %lu starts, %lu ends, %lu down, %lu dropped\n",
           begun, stopped, reported, starts, ends, downs, dropped);
    expect(downs > 0 && ends > 0 && stopped > 0);
    expect(count_diagnostics(diagnostics) == downs);
    /* What a holder has ended is what was neither stopped nor DOWN. */
    uint64_t ended = begun - stopped - downs;
    expect(starts + ends + dropped == begun + reported + ended);
    expect(dropped > 0 || starts == begun);
    return 0;
}
