/*
 * threads SCENARIO: connections that go from thread to thread, threads that end amid a request, and
 * processes that can't have another thread. A line `tid N` on standard output names each thread
 * that serves, where the log is to tell them apart; `served N` says how many requests there were.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "loopback.h"

enum { NOBODY = 65534 };

static void tell_tid(void)
{
    dprintf(STDOUT_FILENO, "tid %d\n", (int)syscall(SYS_gettid));
}

static void run_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, run, argument) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

static void *serve_pair(void *pair)
{
    tell_tid();
    exchanges(*(struct pair *)pair, "/thread", 3);
    return NULL;
}

static void served_elsewhere(void)
{
    struct pair pair = pair_make();
    run_thread(serve_pair, &pair);
    run_thread(serve_pair, &pair);
    pair_close(pair);
}

static void *answer_pair(void *pair)
{
    tell_tid();
    answer_and_hear(*(struct pair *)pair);
    return NULL;
}

/* Read here, answered there: its owner is who carries it on. */
static void answered_elsewhere(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 3; i++) {
        ask(pair.client, "/thread");
        take(pair.server);
        run_thread(answer_pair, &pair);
    }
    pair_close(pair);
}

/* A thread that ends with a request of its own: the way it does is the second one's. */
struct taking {
    struct pair pair;
    int taken[2]; /* a pipe: told once the request was read */
};

static void take_and_tell(struct taking *taking)
{
    take(taking->pair.server);
    write_all(taking->taken[1], "!", 1);
}

static void *take_and_return(void *taking)
{
    take_and_tell(taking);
    return NULL;
}

static void *take_and_exit(void *taking)
{
    take_and_tell(taking);
    pthread_exit(NULL);
}

static void *take_and_wait(void *taking)
{
    take_and_tell(taking);
    while (pause() < 0)
        continue;
    return NULL;
}

/* There is nothing more to read. */
static void *take_and_read(void *argument)
{
    struct taking *taking = argument;
    char c;
    take_and_tell(taking);
    read_all(taking->pair.server, &c, 1);
    return NULL;
}

static pthread_t begin_taking(struct taking *taking, void *(*run)(void *))
{
    pthread_t thread;
    char c;
    EXPECT(pipe(taking->taken) == 0);
    taking->pair = pair_make();
    ask(taking->pair.client, "/down");
    EXPECT(pthread_create(&thread, NULL, run, taking) == 0);
    read_all(taking->taken[0], &c, 1);
    return thread;
}

/* The request is over with its thread; neither an answer nor a close is the end of it. */
static void end_taking(struct taking *taking, pthread_t thread, bool answered)
{
    EXPECT(pthread_join(thread, NULL) == 0);
    if (answered)
        answer_and_hear(taking->pair);
    pair_close(taking->pair);
    serve("/other", 2);
}

static void down_by_return(void)
{
    struct taking taking;
    end_taking(&taking, begin_taking(&taking, take_and_return), false);
}

static void down_by_exit(void)
{
    struct taking taking;
    end_taking(&taking, begin_taking(&taking, take_and_exit), false);
}

static void down_by_cancel(void)
{
    struct taking taking;
    pthread_t thread = begin_taking(&taking, take_and_wait);
    EXPECT(pthread_cancel(thread) == 0);
    end_taking(&taking, thread, false);
}

static void cancelled_amid_read(void)
{
    struct taking taking;
    pthread_t thread = begin_taking(&taking, take_and_read);
    EXPECT(pthread_cancel(thread) == 0);
    end_taking(&taking, thread, false);
}

static void down_then_answered(void)
{
    struct taking taking;
    end_taking(&taking, begin_taking(&taking, take_and_return), true);
}

static void *serve_many(void *number)
{
    for (int i = 0; i < 25; i++)
        serve(number, 4);
    return NULL;
}

static void many_threads(void)
{
    static char targets[8][8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        snprintf(targets[i], sizeof targets[i], "/t%d", i);
        EXPECT(pthread_create(&threads[i], NULL, serve_many, targets[i]) == 0);
    }
    for (int i = 0; i < 8; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
}

static void *answer_quietly(void *pair)
{
    answer_and_hear(*(struct pair *)pair);
    return NULL;
}

/* One thread after the other, more than there may be at once. */
static void thread_after_thread(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 500; i++) {
        ask(pair.client, "/thread");
        take(pair.server);
        run_thread(answer_quietly, &pair);
    }
    pair_close(pair);
}

/* A key's destructor of the host's may still serve, whichever runs first. */
static struct pair last_pair;

static void serve_last(void *nothing)
{
    EXPECT(nothing != NULL);
    exchange(last_pair, "/destructor");
}

static void *set_key(void *key)
{
    EXPECT(pthread_setspecific(*(pthread_key_t *)key, key) == 0);
    exchange(last_pair, "/thread");
    return NULL;
}

static void destructor_serves(void)
{
    pthread_key_t key;
    last_pair = pair_make();
    EXPECT(pthread_key_create(&key, serve_last) == 0);
    for (int i = 0; i < 3; i++)
        run_thread(set_key, &key);
    pair_close(last_pair);
}

static void limit(int resource, rlim_t most)
{
    struct rlimit limits;
    EXPECT(getrlimit((__rlimit_resource_t)resource, &limits) == 0);
    limits.rlim_cur = most < limits.rlim_max ? most : limits.rlim_max;
    EXPECT(setrlimit((__rlimit_resource_t)resource, &limits) == 0);
}

static int threads(void)
{
    struct stat tasks;
    EXPECT(stat("/proc/self/task", &tasks) == 0);
    return (int)tasks.st_nlink - 2; /* . and .. */
}

/* Requests that come before the sender can be started are sent once it is. */
static void no_thread_at_first(void)
{
    int served = 100;
    EXPECT(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
    limit(RLIMIT_NPROC, 0);
    serve("/limited", served);
    EXPECT(threads() == 1);
    limit(RLIMIT_NPROC, RLIM_INFINITY);
    for (; threads() == 1; served++)
        serve("/limited", 1);
    dprintf(STDOUT_FILENO, "served %d\n", served);
}

static void no_thread(void)
{
    EXPECT(geteuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
    limit(RLIMIT_NPROC, 0);
    serve("/limited", 1000);
    EXPECT(threads() == 1);
}

/* No address space is left for anything of ours. */
static void no_memory(void)
{
    volatile char stack[1 << 16]; /* has its pages before there are no more */
    for (size_t i = 0; i < sizeof stack; i += 1024)
        stack[i] = 0;
    limit(RLIMIT_AS, 0);
    serve("/limited", 1000);
    EXPECT(threads() == 1);
}

/* No number is left for a socket of ours. */
static void no_number(void)
{
    struct pair pair = pair_make();
    limit(RLIMIT_NOFILE, (rlim_t)pair.server + 1);
    exchanges(pair, "/limited", 1000);
    pair_close(pair);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"served_elsewhere", served_elsewhere},
        {"answered_elsewhere", answered_elsewhere},
        {"down_by_return", down_by_return},
        {"down_by_exit", down_by_exit},
        {"down_by_cancel", down_by_cancel},
        {"cancelled_amid_read", cancelled_amid_read},
        {"down_then_answered", down_then_answered},
        {"many_threads", many_threads},
        {"thread_after_thread", thread_after_thread},
        {"destructor_serves", destructor_serves},
        {"no_thread_at_first", no_thread_at_first},
        {"no_thread", no_thread},
        {"no_memory", no_memory},
        {"no_number", no_number},
    };
    return SCENARIO_RUN(table, argc, argv);
}
