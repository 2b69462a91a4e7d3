#ifndef HOST_EXPECT_H
#define HOST_EXPECT_H

/*
 * expect: a host program is a table of scenarios; `program NAME` runs one of them. A condition that
 * does not hold is told on standard error and ends the process with status 1.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 30 };

struct scenario {
    const char *name;
    void (*run)(void);
};

static inline _Noreturn void expect_failed(const char *condition, const char *file, int line)
{
    dprintf(STDERR_FILENO, "%s:%d: %s does not hold, errno is %d\n", file, line, condition, errno);
    _Exit(1);
}

#define EXPECT(condition) ((condition) ? (void)0 : expect_failed(#condition, __FILE__, __LINE__))

/* Both evaluate `call` once: it fails with this error, and with no other. */
#define EXPECT_ERROR(error, call) EXPECT((call) == -1 && errno == (error))

static inline void expect_child(pid_t pid)
{
    int status;
    EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* All that waits is sent before a program is left for another one, also for one that is not there.
 */
static inline void have_sent(void)
{
    char *arguments[] = {NULL, NULL};
    EXPECT_ERROR(ENOENT, execve("/nonexistent", arguments, arguments));
}

/* For main: runs the scenario that the first argument names. No wait in it lasts for ever. */
static inline int scenario_run(const struct scenario *table, size_t n, int argc, char **argv)
{
    alarm(PATIENCE_S);
    for (size_t i = 0; argc > 1 && i < n; i++)
        if (strcmp(table[i].name, argv[1]) == 0) {
            table[i].run();
            return 0;
        }
    dprintf(STDERR_FILENO, "%s: no such scenario\n", argv[0]);
    return 2;
}

#define SCENARIO_RUN(table, argc, argv)                                                            \
    scenario_run(table, sizeof(table) / sizeof(table)[0], argc, argv)

#endif
