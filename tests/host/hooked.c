/*
 * hooked SCENARIO: calls of functions that are hooked, and every way in which they don't return to
 * where they were called from, or not at once. serve and serve_text are requests; query, lookup and
 * those below them are timed.
 */
#include "hooked.h"

#include <dirent.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

#include "expect.h"

int serve(int (*work)(int), int argument);
int serve_text(const char *id, const char *label, const char *action);
int query(int n);
int lookup(int n);
int query_all(int n);
int too_short(int n);
int descend(int depth);
int ping(int depth);
int pong(int depth);
int tail_first(int n);
int tail_second(int n);
int tail_third(int n);
int serve_tail(int n);
int jump_out(int n);
int in_handler(int n);
int call_within(int (*work)(int), int argument);

extern char **environ;

HOOKED int serve(int (*work)(int), int argument)
{
    int status = work(argument);
    STAYS();
    return status;
}

HOOKED int serve_text(const char *id, const char *label, const char *action)
{
    LONG_ENOUGH();
    return id != label && label != action ? 200 : 500;
}

HOOKED int query(int n)
{
    LONG_ENOUGH();
    return n + 1;
}

HOOKED int lookup(int n)
{
    LONG_ENOUGH();
    return n + 2;
}

HOOKED int too_short(int n)
{
    STAYS();
    return n;
}

/* Of the same service as query. */
HOOKED int query_all(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += query(i);
    STAYS();
    return sum;
}

HOOKED int call_within(int (*work)(int), int argument)
{
    int result = work(argument);
    STAYS();
    return result;
}

static int do_queries(int n)
{
    for (int i = 0; i < n; i++)
        EXPECT(query(i) == i + 1 && lookup(i) == i + 2 && too_short(i) == i);
    return 200;
}

static void plain(void)
{
    for (int i = 0; i < 10; i++)
        EXPECT(serve(do_queries, i) == 200);
}

static int fail(int n)
{
    return n;
}

static void statuses(void)
{
    EXPECT(serve(fail, 404) == 404 && serve(fail, 500) == 500 && serve(fail, 200) == 200);
}

static void texts(void)
{
    EXPECT(serve_text("id-1", "shop", "buy") == 200);
    EXPECT(serve_text("id-2", (const char *)8, "buy") == 200);
    EXPECT(serve_text(NULL, "shop/../cart", "") == 200);
}

/* What is timed outside of requests counts nothing. */
static void outside(void)
{
    do_queries(1000);
    EXPECT(serve(do_queries, 1) == 200);
    do_queries(1000);
}

static int serve_within(int n)
{
    return serve(do_queries, n);
}

static void nested(void)
{
    EXPECT(serve(serve_within, 3) == 200);
}

static int do_query_all(int n)
{
    EXPECT(query_all(n) == n * (n + 1) / 2);
    return 200;
}

static void services(void)
{
    EXPECT(serve(do_query_all, 50) == 200);
}

HOOKED int descend(int depth)
{
    int below = depth > 0 ? descend(depth - 1) : 0;
    STAYS();
    return below + 1;
}

static void recursion(void)
{
    for (int i = 0; i < 3; i++)
        EXPECT(descend(100000) == 100001);
}

HOOKED int ping(int depth)
{
    int below = depth > 0 ? pong(depth - 1) : 0;
    STAYS();
    return below + 1;
}

HOOKED int pong(int depth)
{
    int below = depth > 0 ? ping(depth - 1) : 0;
    STAYS();
    return below + 1;
}

static int do_ping(int depth)
{
    EXPECT(ping(depth) == depth + 1);
    return 200;
}

static void mutual(void)
{
    EXPECT(serve(do_ping, 1000) == 200 && serve(do_ping, 30000) == 200);
}

HOOKED int tail_third(int n)
{
    LONG_ENOUGH();
    return n + 100;
}

HOOKED int tail_second(int n)
{
    STAYS();
    return tail_third(n + 10);
}

HOOKED int tail_first(int n)
{
    STAYS();
    return tail_second(n + 1);
}

HOOKED int serve_tail(int n)
{
    STAYS();
    return tail_first(n);
}

static void tail_calls(void)
{
    for (int i = 0; i < 1000; i++)
        EXPECT(serve_tail(i) == i + 111);
}

static sigjmp_buf out;

HOOKED int jump_out(int n)
{
    STAYS();
    if (n % 2 == 0)
        longjmp(out, 1);
    siglongjmp(out, 1);
}

static int volatile jumps;

static int jump_often(int n)
{
    for (jumps = 0; jumps < n; jumps++)
        if (sigsetjmp(out, 0) == 0)
            jump_out(jumps);
    return 200;
}

/* Over timed calls, and the one that they lie in stays. */
static void jumps_over_timers(void)
{
    EXPECT(serve(jump_often, 100000) == 200);
}

static void jumps_over_requests(void)
{
    for (jumps = 0; jumps < 40000; jumps++) {
        if (jumps % 1000 == 0)
            have_sent();
        if (sigsetjmp(out, 0) == 0)
            serve(jump_out, jumps);
    }
    EXPECT(serve(do_queries, 1) == 200);
}

/* From a depth to which the stack comes again with other calls on the way. */
static int deeper(int n)
{
    volatile char filling[512];
    filling[0] = 1;
    int result = query(n) + filling[0];
    STAYS();
    return result;
}

static int jump_once(int n)
{
    if (sigsetjmp(out, 0) == 0)
        call_within(jump_out, n);
    return 200;
}

static int call_deeper(int n)
{
    for (int i = 0; i < n; i++)
        EXPECT(deeper(i) == i + 2);
    return 200;
}

static void deeper_after_jump(void)
{
    for (int i = 0; i < 10; i++)
        EXPECT(serve(jump_once, 1) == 200 && serve(call_deeper, 5) == 200);
}

static void *serve_often(void *nothing)
{
    for (int i = 0; i < 50; i++)
        EXPECT(serve(do_queries, 30) == 200);
    return nothing;
}

static void join_all(pthread_t *threads, int n)
{
    for (int i = 0; i < n; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
}

static void eight_threads(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        EXPECT(pthread_create(&threads[i], NULL, serve_often, NULL) == 0);
    join_all(threads, 8);
}

static void *serve_once(void *nothing)
{
    EXPECT(serve(do_queries, 2) == 200);
    return nothing;
}

/* On the smallest stacks that there are. */
static void short_threads(void)
{
    const size_t least = (size_t)PTHREAD_STACK_MIN;
    pthread_attr_t attributes;
    pthread_t threads[4];
    EXPECT(pthread_attr_init(&attributes) == 0);
    EXPECT(pthread_attr_setstacksize(&attributes, least) == 0);
    for (int i = 0; i < 500; i++) {
        for (int k = 0; k < 4; k++)
            EXPECT(pthread_create(&threads[k], &attributes, serve_once, NULL) == 0);
        join_all(threads, 4);
    }
}

static int end_thread(int n)
{
    if (n == 0)
        pthread_exit(NULL);
    if (n == 1)
        syscall(SYS_exit, 0);
    for (;;)
        pause();
}

static int spin_for_ever(int n)
{
    EXPECT(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    for (volatile int i = n;; i++)
        query(i);
}

static void *end_within(void *n)
{
    serve(end_thread, (int)(intptr_t)n);
    return NULL;
}

static void *spin_within(void *nothing)
{
    serve(spin_for_ever, 0);
    return nothing;
}

static void end_one(void *(*run)(void *), intptr_t n, bool cancel)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, run, (void *)n) == 0);
    EXPECT(!cancel || pthread_cancel(thread) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

static void down_by_exit(void)
{
    end_one(end_within, 0, false);
    serve_once(NULL);
}

static void down_by_cancel(void)
{
    end_one(end_within, 2, true);
    serve_once(NULL);
}

/* Wherever it finds the thread. */
static void async_cancels(void)
{
    for (int i = 0; i < 200; i++)
        end_one(spin_within, 0, true);
    serve_once(NULL);
}

static void down_by_raw_exit(void)
{
    end_one(end_within, 1, false);
    serve_once(NULL);
}

static pthread_key_t key;

static void serve_at_end(void *nothing)
{
    (void)nothing;
    serve_once(NULL);
}

static void *set_key(void *nothing)
{
    EXPECT(pthread_setspecific(key, &key) == 0);
    return serve_once(nothing);
}

static void in_destructors(void)
{
    EXPECT(pthread_key_create(&key, serve_at_end) == 0);
    for (int i = 0; i < 100; i++)
        end_one(set_key, 0, false);
}

static pid_t forked;

static int fork_within(int n)
{
    query(n);
    forked = fork();
    EXPECT(forked >= 0);
    query(n);
    return 200;
}

static void forks(void)
{
    for (int i = 0; i < 5; i++) {
        EXPECT(call_within(fork_within, i) == 200);
        if (forked > 0)
            expect_child(forked);
        if (forked == 0)
            exit(0);
    }
    EXPECT(serve(fork_within, 0) == 200);
    EXPECT(serve(do_queries, 1) == 200);
    if (forked > 0)
        expect_child(forked);
}

static int start_programs(int n)
{
    char *arguments[] = {"true", NULL};
    pid_t pid;
    query(n);
    EXPECT(posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) == 0);
    expect_child(pid);
    pid = vfork();
    if (pid == 0)
        _exit(query(6) - 7);
    expect_child(pid);
    query(n);
    return 200;
}

static void programs(void)
{
    for (int i = 0; i < 20; i++)
        EXPECT(serve(start_programs, i) == 200);
}

HOOKED int in_handler(int n)
{
    LONG_ENOUGH();
    return n * 2;
}

static volatile sig_atomic_t handled;

static void call_hooked(int number)
{
    int saved = errno;
    errno = 77;
    if (in_handler(number) != 2 * number || query(number) != number + 1 || errno != 77)
        _Exit(3);
    handled = handled + 1;
    errno = saved;
}

static void serve_in_handler(int number)
{
    (void)number;
    serve_once(NULL);
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    EXPECT(sigaction(number, &action, NULL) == 0);
}

static void use_other_stack(void)
{
    static char stack[65536];
    EXPECT(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0);
}

static void handlers_serve(void)
{
    use_other_stack();
    for (int i = 0; i < 100; i++) {
        handle(SIGUSR1, serve_in_handler, i % 2 == 0 ? SA_ONSTACK : 0);
        EXPECT(raise(SIGUSR1) == 0);
    }
}

static int raise_within(int n)
{
    query(n);
    EXPECT(raise(SIGUSR1) == 0);
    query(n);
    return 200;
}

/* A handler's calls are part of the request that it interrupts. */
static void handlers_within(void)
{
    use_other_stack();
    handle(SIGUSR1, serve_in_handler, SA_ONSTACK);
    for (int i = 0; i < 100; i++)
        EXPECT(serve(raise_within, i) == 200);
}

enum { HANDLED_LEAST = 200 };

static int served;

static void serve_under_signals(void (*handler)(int), int flags)
{
    handle(SIGPROF, handler, SA_RESTART | flags);
    struct itimerval timer = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    EXPECT(setitimer(ITIMER_PROF, &timer, NULL) == 0);
    for (; handled < HANDLED_LEAST; served++)
        EXPECT(serve(do_queries, 1000) == 200);
    EXPECT(setitimer(ITIMER_PROF, &off, NULL) == 0);
    dprintf(STDOUT_FILENO, "served %d\n", served);
}

static void under_signals(void)
{
    serve_under_signals(call_hooked, 0);
}

static void under_signals_elsewhere(void)
{
    use_other_stack();
    serve_under_signals(call_hooked, SA_ONSTACK);
}

static sigjmp_buf around;

static void jump_from_handler(int number)
{
    handled = handled + 1;
    siglongjmp(around, number);
}

/* Out of whatever it interrupts. What follows may not be counted; the host goes on. */
static void jumps_from_handlers(void)
{
    sigsetjmp(around, 1);
    serve_under_signals(jump_from_handler, 0);
    served = 0;
    do_queries(100000);
}

static const void *caller;

/* What was moved from a function's start, of no module, is where a look back ends. */
static bool is_in_trace(void *const *trace, int n)
{
    Dl_info nothing;
    for (int i = 0; i < n; i++)
        if (trace[i] == caller)
            return true;
    return n > 0 && dladdr(trace[n - 1], &nothing) == 0;
}

static void look_back(int number)
{
    void *trace[64];
    (void)number;
    if (!is_in_trace(trace, backtrace(trace, 64)))
        _Exit(4);
    handled = handled + 1;
}

static int look_back_within(int n)
{
    look_back(n);
    return 200;
}

static void __attribute__((noinline)) trace_within(void)
{
    caller = __builtin_return_address(0);
    EXPECT(serve(look_back_within, 0) == 200);
    STAYS();
}

static void __attribute__((noinline)) trace_under_signals(void)
{
    caller = __builtin_return_address(0);
    serve_under_signals(look_back, 0);
    STAYS();
}

/* Who looks back finds all callers. */
static void backtraces(void)
{
    trace_within();
    STAYS();
}

/* Wherever a signal comes in between. */
static void backtraces_under_signals(void)
{
    trace_under_signals();
    STAYS();
}

enum { ROUTINES = 4, STEPS = 50, STACK_BYTES = 65536 };

static ucontext_t scheduler, routine[ROUTINES];
static int running, left;

static int pass_on(int n)
{
    for (int i = 0; i < n; i++) {
        int self = running;
        EXPECT(swapcontext(&routine[self], &scheduler) == 0 && self == running);
    }
    return 200;
}

static void run_routine(void)
{
    for (int i = 0; i < STEPS; i++)
        EXPECT(call_within(pass_on, 2) == 200);
    left--;
}

static void make_routine(int i)
{
    char *stack =
        mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(stack != MAP_FAILED && getcontext(&routine[i]) == 0);
    routine[i].uc_stack = (stack_t){.ss_sp = stack, .ss_size = STACK_BYTES};
    routine[i].uc_link = &scheduler;
    makecontext(&routine[i], run_routine, 0);
    left++;
}

static int run_routines(int n)
{
    for (int i = 0; i < n; i++)
        make_routine(i);
    for (int i = 0; i < n * (2 * STEPS + 1); i++) {
        running = i % n;
        EXPECT(swapcontext(&scheduler, &routine[running]) == 0);
        query(i);
    }
    EXPECT(left == 0);
    return 200;
}

static void coroutines(void)
{
    EXPECT(serve(run_routines, ROUTINES) == 200);
    EXPECT(serve(run_routines, 1) == 200);
}

static void *resume(void *nothing)
{
    EXPECT(swapcontext(&scheduler, &routine[0]) == 0);
    return nothing;
}

static void serve_asleep(void)
{
    EXPECT(serve(pass_on, 2) == 200);
    left--;
}

/* The call begins here, goes on there, and returns on a third thread. */
static void moved(void)
{
    for (int i = 0; i < 20; i++) {
        make_routine(0);
        makecontext(&routine[0], serve_asleep, 0);
        resume(NULL);
        end_one(resume, 0, false);
        end_one(resume, 0, false);
        EXPECT(left == 0);
        EXPECT(serve(do_queries, 1) == 200);
    }
}

static void *begin_asleep(void *nothing)
{
    make_routine(0);
    makecontext(&routine[0], serve_asleep, 0);
    return resume(nothing);
}

/* The thread that the call began on has gone with the request, the call has not. */
static void left_asleep(void)
{
    end_one(begin_asleep, 0, false);
    resume(NULL);
    resume(NULL);
    EXPECT(left == 0);
    serve_once(NULL);
}

static int move_timer(int n)
{
    make_routine(0);
    for (int i = 0; i < n; i++)
        end_one(resume, 0, false);
    EXPECT(left == 0);
    return 200;
}

static void start_timer(void)
{
    EXPECT(call_within(pass_on, 1) == 200);
    left--;
}

/* A timed call that began here has returned elsewhere: the next ones count. */
static int move_timer_out(int n)
{
    make_routine(0);
    makecontext(&routine[0], start_timer, 0);
    resume(NULL);
    end_one(resume, 0, false);
    for (int i = 0; i < n; i++)
        EXPECT(call_within(fail, i) == i);
    return 200;
}

static void moved_timer(void)
{
    for (int i = 0; i < 5; i++)
        EXPECT(serve(move_timer_out, 3) == 200);
    EXPECT(serve(move_timer, 2 * STEPS + 1) == 200);
}

static int leave(int n)
{
    exit(n);
}

static void exits(void)
{
    serve_once(NULL);
    serve(leave, 0);
}

static int names_in(const char *path, char *names, size_t size)
{
    int n = 0;
    size_t at = 0;
    DIR *folder = opendir(path);
    EXPECT(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder)) {
            at += (size_t)snprintf(names + at, size - at, " %s", entry->d_name);
            n++;
        }
    EXPECT(closedir(folder) == 0);
    return n;
}

/* How many threads, and which numbers. */
static void idle(void)
{
    char names[256];
    do_queries(10);
    int threads = names_in("/proc/self/task", names, sizeof names);
    names_in("/proc/self/fd", names, sizeof names);
    dprintf(STDOUT_FILENO, "%d%s\n", threads, names);
}

static void maps(void)
{
    char line[512];
    FILE *file = fopen("/proc/self/maps", "r");
    bool found = false;
    EXPECT(file != NULL);
    while (fgets(line, sizeof line, file) != NULL)
        found = found || strstr(line, "libstatshero-hooks") != NULL;
    fclose(file);
    printf("%s\n", found ? "mapped" : "not mapped");
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"plain", plain},
        {"statuses", statuses},
        {"texts", texts},
        {"outside", outside},
        {"nested", nested},
        {"services", services},
        {"recursion", recursion},
        {"mutual", mutual},
        {"tail_calls", tail_calls},
        {"jumps_over_timers", jumps_over_timers},
        {"jumps_over_requests", jumps_over_requests},
        {"deeper_after_jump", deeper_after_jump},
        {"eight_threads", eight_threads},
        {"short_threads", short_threads},
        {"down_by_exit", down_by_exit},
        {"down_by_cancel", down_by_cancel},
        {"async_cancels", async_cancels},
        {"down_by_raw_exit", down_by_raw_exit},
        {"in_destructors", in_destructors},
        {"forks", forks},
        {"programs", programs},
        {"handlers_serve", handlers_serve},
        {"handlers_within", handlers_within},
        {"under_signals", under_signals},
        {"under_signals_elsewhere", under_signals_elsewhere},
        {"jumps_from_handlers", jumps_from_handlers},
        {"backtraces", backtraces},
        {"backtraces_under_signals", backtraces_under_signals},
        {"coroutines", coroutines},
        {"moved", moved},
        {"left_asleep", left_asleep},
        {"moved_timer", moved_timer},
        {"exits", exits},
        {"idle", idle},
        {"maps", maps},
    };
    return SCENARIO_RUN(table, argc, argv);
}
