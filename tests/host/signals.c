/*
 * signals SCENARIO: handlers that do I/O while requests are served. `served N` on standard output
 * says how many there were.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

#include "loopback.h"

enum { HANDLED_LEAST = 200, PERIOD_US = 1000 };

static volatile sig_atomic_t handled;
static int pipes[2];
static struct pair other;

static void use_pipe(int number)
{
    char c = (char)number;
    int saved = errno;
    errno = 77;
    if (write(pipes[1], &c, 1) != 1 || read(pipes[0], &c, 1) != 1 || errno != 77)
        _Exit(3);
    int copy = dup(pipes[1]);
    if (copy < 0 || close(copy) != 0 || fcntl(pipes[0], F_GETFD) < 0 || errno != 77)
        _Exit(4);
    handled = handled + 1;
    errno = saved;
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    EXPECT(sigaction(number, &action, NULL) == 0);
}

static void repeat_timer(__itimer_which_t which, suseconds_t period_us)
{
    struct itimerval timer = {{0, period_us}, {0, period_us}};
    alarm(0);
    EXPECT(setitimer(which, &timer, NULL) == 0);
}

/* Serves until the handler ran often enough; its program is under its caller's time limit. */
static void serve_meanwhile(__itimer_which_t which, int number, int flags)
{
    struct pair pair = pair_make();
    int served = 0;
    EXPECT(pipe(pipes) == 0);
    handle(number, use_pipe, flags);
    repeat_timer(which, PERIOD_US);
    for (; handled < HANDLED_LEAST; served++)
        exchange(pair, "/load");
    repeat_timer(which, 0);
    pair_close(pair);
    dprintf(STDOUT_FILENO, "served %d\n", served);
}

static void restarted(void)
{
    serve_meanwhile(ITIMER_REAL, SIGALRM, SA_RESTART);
}

static void interrupted(void)
{
    serve_meanwhile(ITIMER_REAL, SIGALRM, 0);
}

/* As a profiler has it: a tick for each millisecond of the processor's. */
static void profiled(void)
{
    serve_meanwhile(ITIMER_PROF, SIGPROF, SA_RESTART);
}

/* A handler that answers, as some servers do it: here nobody is amid a call. */
static void answer_other(int number)
{
    EXPECT(number == SIGUSR1);
    answer(other.server);
}

static void answered_by_handler(void)
{
    other = pair_make();
    handle(SIGUSR1, answer_other, 0);
    for (int i = 0; i < 10; i++) {
        ask(other.client, "/handler");
        take(other.server);
        EXPECT(raise(SIGUSR1) == 0);
        hear(other.client);
    }
    pair_close(other);
}

/* A read that a signal ends has read nothing. */
static void do_nothing(int number)
{
    EXPECT(number == SIGALRM);
    handled = handled + 1;
}

static void interrupted_read(void)
{
    struct pair pair = pair_make();
    char c;
    handle(SIGALRM, do_nothing, 0);
    for (int i = 0; i < 5; i++) {
        repeat_timer(ITIMER_REAL, PERIOD_US);
        EXPECT_ERROR(EINTR, read(pair.server, &c, 1));
        EXPECT_ERROR(EINTR, recv(pair.server, &c, 1, 0));
        repeat_timer(ITIMER_REAL, 0);
        exchange(pair, "/interrupted");
    }
    pair_close(pair);
}

/* The signals of the host arrive at its own threads: the sender takes none of them. */
static void note_thread(int number)
{
    EXPECT(number == SIGUSR1);
    if (gettid() != getpid())
        _Exit(5);
    handled = handled + 1;
}

static void delivered_to_host(void)
{
    struct pair pair = pair_make();
    sigset_t set, before;
    exchange(pair, "/mask");
    EXPECT(sigprocmask(SIG_SETMASK, NULL, &set) == 0 && sigismember(&set, SIGUSR1) == 0);
    handle(SIGUSR1, note_thread, SA_RESTART);
    EXPECT(sigemptyset(&set) == 0 && sigaddset(&set, SIGUSR1) == 0);
    EXPECT(sigprocmask(SIG_BLOCK, &set, &before) == 0);
    EXPECT(kill(getpid(), SIGUSR1) == 0);
    exchanges(pair, "/mask", 100);
    EXPECT(handled == 0);
    EXPECT(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    EXPECT(handled == 1);
    pair_close(pair);
}

/* Handlers that end their process by the signal that they were called for. */
static void end_by(int number)
{
    EXPECT(signal(number, SIG_DFL) == end_by);
    raise(number);
}

static void end_by_action(int number)
{
    handle(number, SIG_DFL, 0);
    EXPECT(kill(getpid(), number) == 0);
}

static void ends_by(int number, void (*handler)(int))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        handle(number, handler, 0);
        serve("/ended", 5);
        raise(number);
        _Exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == number);
}

static void ended_by_handler(void)
{
    ends_by(SIGTERM, end_by);
    ends_by(SIGINT, end_by_action);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"restarted", restarted},
        {"interrupted", interrupted},
        {"profiled", profiled},
        {"answered_by_handler", answered_by_handler},
        {"interrupted_read", interrupted_read},
        {"delivered_to_host", delivered_to_host},
        {"ended_by_handler", ended_by_handler},
    };
    return SCENARIO_RUN(table, argc, argv);
}
