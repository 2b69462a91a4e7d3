/*
 * processes SCENARIO: families of processes, and programs that follow one another in a process.
 * What each process has to report is at the receiver when it ends. Scenarios in which the log is to
 * tell the processes apart print a line `pid N` for each one that serves.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "loopback.h"

static const char *self;

static void tell_pid(void)
{
    dprintf(STDOUT_FILENO, "pid %d\n", (int)getpid());
}

/* The parent accepts, the child serves. */
static void child_serves(void)
{
    for (int i = 0; i < 5; i++) {
        struct pair pair = pair_make();
        pid_t child = fork();
        if (child == 0) {
            tell_pid();
            exchanges(pair, "/child", 3);
            exit(0);
        }
        pair_close(pair);
        expect_child(child);
    }
}

/* Parent and child serve, each its own connection, with traffic before the fork. */
static void both_serve(void)
{
    tell_pid();
    serve("/parent", 20);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            tell_pid();
            serve("/child", 20);
            exit(0);
        }
        serve("/parent", 20);
        expect_child(child);
    }
}

/* Between two requests a connection goes on in the child. */
static void child_goes_on(void)
{
    struct pair pair = pair_make();
    tell_pid();
    exchange(pair, "/parent");
    pid_t child = fork();
    if (child == 0) {
        tell_pid();
        exchanges(pair, "/child", 2);
        exit(0);
    }
    EXPECT(close(pair.server) == 0);
    expect_child(child);
    EXPECT(close(pair.client) == 0);
}

/* A request under way is the parent's: a child that closes it, or ends, says nothing of it. */
static void request_stays_with_parent(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 4; i++) {
        ask(pair.client, "/parent");
        take(pair.server);
        pid_t child = fork();
        if (child == 0) {
            if (i % 2)
                close(pair.server);
            i < 2 ? exit(0) : _exit(0);
        }
        expect_child(child);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

/* In a child: two connections of three requests each. */
static _Noreturn void accept_two(int listener)
{
    tell_pid();
    for (int i = 0; i < 2; i++) {
        int server = accept(listener, NULL, NULL);
        EXPECT(server >= 0);
        for (int request = 0; request < 3; request++) {
            take(server);
            answer(server);
        }
        EXPECT(close(server) == 0);
    }
    exit(0);
}

/* Three children accept on a listener of their parent's, which is the client of them all. */
static void children_accept(void)
{
    int listener = loopback_listen(), clients[6];
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = fork();
        if (children[i] == 0)
            accept_two(listener);
    }
    for (int i = 0; i < 6; i++)
        clients[i] = loopback_connect(listener);
    for (int i = 0; i < 18; i++)
        ask(clients[i % 6], "/prefork");
    for (int i = 0; i < 18; i++)
        hear(clients[i % 6]);
    for (int i = 0; i < 3; i++)
        expect_child(children[i]);
}

static void grandchild_serves(void)
{
    struct pair pair = pair_make();
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild != 0)
            _exit(0);
        tell_pid();
        exchanges(pair, "/grandchild", 4);
        exit(0);
    }
    expect_child(child);
    EXPECT(close(pair.server) == 0 && close(pair.client) == 0);
}

static void becomes_daemon(void)
{
    tell_pid();
    serve("/before", 3);
    EXPECT(daemon(1, 1) == 0);
    alarm(PATIENCE_S);
    tell_pid();
    serve("/after", 3);
}

static void end_quietly(void)
{
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}

static void close_each(void)
{
    for (int fd = 3; fd < 2000; fd++)
        close(fd);
    end_quietly();
}

static void close_range_of_all(void)
{
    close_range(3, ~0u, 0);
    end_quietly();
}

static void close_from_three(void)
{
    closefrom(3);
    end_quietly();
}

static void end_at_once(void)
{
    _exit(0);
}

/* What the child of a vfork does with our memory and its own fds leaves the request alone. */
static void child_of_vfork(void (*act)(void))
{
    struct pair pair = pair_make();
    for (int i = 0; i < 3; i++) {
        ask(pair.client, "/vfork");
        take(pair.server);
        pid_t child = vfork();
        if (child == 0)
            act();
        expect_child(child);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

static void vfork_close(void)
{
    child_of_vfork(close_each);
}

static void vfork_close_range(void)
{
    child_of_vfork(close_range_of_all);
}

static void vfork_closefrom(void)
{
    child_of_vfork(close_from_three);
}

static void vfork_exit(void)
{
    child_of_vfork(end_at_once);
}

static void spawn(void)
{
    struct pair pair = pair_make();
    char *arguments[] = {(char[]){"true"}, NULL};
    for (int i = 0; i < 3; i++) {
        posix_spawn_file_actions_t actions;
        pid_t child;
        ask(pair.client, "/spawn");
        take(pair.server);
        EXPECT(posix_spawn_file_actions_init(&actions) == 0);
        EXPECT(posix_spawn_file_actions_addclose(&actions, pair.server) == 0);
        EXPECT(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
        EXPECT(posix_spawn(&child, "/bin/true", &actions, NULL, arguments, environ) == 0);
        EXPECT(posix_spawn_file_actions_destroy(&actions) == 0);
        expect_child(child);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

static void system_and_popen(void)
{
    struct pair pair = pair_make();
    ask(pair.client, "/shell");
    take(pair.server);
    EXPECT(system("exec /bin/true") == 0);
    FILE *pipe = popen("exec /bin/true", "r");
    EXPECT(pipe != NULL && pclose(pipe) == 0);
    answer_and_hear(pair);
    pair_close(pair);
}

/* A child that no fork handler knows of does as it likes. */
static void raw_child(void)
{
    struct pair pair = pair_make();
    for (int i = 0; i < 3; i++) {
        ask(pair.client, "/raw");
        take(pair.server);
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            for (int fd = 3; fd < 2000; fd++)
                close(fd);
            _exit(0);
        }
        expect_child(child);
        answer_and_hear(pair);
    }
    pair_close(pair);
}

/* Another program takes the process over right after the last answer. */
static void served_twice(void)
{
    tell_pid();
    serve("/second", 2);
}

#define EXEC_AFTER_REQUESTS(name, call)                                                            \
    static void name(void)                                                                         \
    {                                                                                              \
        char *arguments[] = {(char *)(uintptr_t)self, (char[]){"served_twice"}, NULL};             \
        tell_pid();                                                                                \
        serve("/first", 3);                                                                        \
        call;                                                                                      \
        EXPECT(arguments[0] == NULL);                                                              \
    }

EXEC_AFTER_REQUESTS(by_execve, execve(self, arguments, environ))
EXEC_AFTER_REQUESTS(by_execv, execv(self, arguments))
EXEC_AFTER_REQUESTS(by_execvp, execvp(self, arguments))
EXEC_AFTER_REQUESTS(by_execvpe, execvpe(self, arguments, environ))
EXEC_AFTER_REQUESTS(by_fexecve, fexecve(open(self, O_RDONLY), arguments, environ))
EXEC_AFTER_REQUESTS(by_execl, execl(self, self, arguments[1], (char *)NULL))
EXEC_AFTER_REQUESTS(by_execlp, execlp(self, self, arguments[1], (char *)NULL))
EXEC_AFTER_REQUESTS(by_execle, execle(self, self, arguments[1], (char *)NULL, environ))

/* A program that is not there: the process goes on, and so does counting. */
static void failing_exec(void)
{
    char *arguments[] = {(char *)(uintptr_t)self, NULL};
    serve("/before", 3);
    EXPECT_ERROR(ENOENT, execve("/nonexistent", arguments, environ));
    serve("/after", 3);
}

/* The ends of a process. */
static void serve_three(void)
{
    serve("/last", 3);
}

static void by_return(void)
{
    serve_three();
}

static void by_exit(void)
{
    serve_three();
    exit(0);
}

static void by__exit(void)
{
    serve_three();
    _exit(0);
}

static void by__Exit(void)
{
    serve_three();
    _Exit(0);
}

static void by_quick_exit(void)
{
    serve_three();
    quick_exit(0);
}

static void by_syscall(void)
{
    serve_three();
    syscall(SYS_exit_group, 0);
}

static void serve_at_exit(void)
{
    serve("/atexit", 2);
}

/* Requests that are served while the process ends are reported, too. */
static void from_exit_handler(void)
{
    serve_three();
    EXPECT(atexit(serve_at_exit) == 0);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"child_serves", child_serves},
        {"both_serve", both_serve},
        {"child_goes_on", child_goes_on},
        {"request_stays_with_parent", request_stays_with_parent},
        {"children_accept", children_accept},
        {"grandchild_serves", grandchild_serves},
        {"becomes_daemon", becomes_daemon},
        {"vfork_close", vfork_close},
        {"vfork_close_range", vfork_close_range},
        {"vfork_closefrom", vfork_closefrom},
        {"vfork_exit", vfork_exit},
        {"spawn", spawn},
        {"system_and_popen", system_and_popen},
        {"raw_child", raw_child},
        {"served_twice", served_twice},
        {"by_execve", by_execve},
        {"by_execv", by_execv},
        {"by_execvp", by_execvp},
        {"by_execvpe", by_execvpe},
        {"by_fexecve", by_fexecve},
        {"by_execl", by_execl},
        {"by_execlp", by_execlp},
        {"by_execle", by_execle},
        {"failing_exec", failing_exec},
        {"by_return", by_return},
        {"by_exit", by_exit},
        {"by__exit", by__exit},
        {"by__Exit", by__Exit},
        {"by_quick_exit", by_quick_exit},
        {"by_syscall", by_syscall},
        {"from_exit_handler", from_exit_handler},
    };
    self = argv[0];
    return SCENARIO_RUN(table, argc, argv);
}
