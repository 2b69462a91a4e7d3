#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

static void become(const char *path, char **arguments, const struct signals *signals, int report)
{
    signals_restore(signals);
    execv(path, arguments);
    int error = errno;
    ssize_t told = write(report, &error, sizeof error);
    _exit(told == sizeof error ? EXIT_OURSELVES : EXIT_NO_ENTRY);
}

/* The pipe closes when the exec succeeds; before that it carries the error. */
static int exec_error(int report)
{
    int error = 0;
    ssize_t n;
    do
        n = read(report, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    return n == sizeof error ? -error : 0;
}

int child_start(struct child *child, const char *path, char **arguments,
                const struct signals *signals)
{
    int ends[2];
    *child = (struct child){.pid = -1};
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    child->pid = fork();
    int rc = child->pid < 0 ? -errno : 0;
    if (child->pid == 0)
        become(path, arguments, signals, ends[1]);
    close(ends[1]);
    if (rc == 0)
        rc = exec_error(ends[0]);
    close(ends[0]);
    if (rc != 0 && child->pid > 0)
        waitpid(child->pid, NULL, 0);
    return rc;
}

static bool stopped_by_terminal(int status)
{
    int stop = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
    return stop == SIGTSTP || stop == SIGTTIN || stop == SIGTTOU;
}

static void stop_with(const struct child *child)
{
    raise(SIGSTOP);
    kill(child->pid, SIGCONT);
}

bool child_reap(struct child *child)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid != child->pid)
            continue;
        if (stopped_by_terminal(status)) {
            stop_with(child);
        } else if (!WIFSTOPPED(status)) {
            child->ended = true;
            child->status = status;
        }
    }
    return pid == 0;
}

static void pass(pid_t pid, struct signals_one one)
{
    if (!one.from_kernel || getpgid(pid) != getpgrp())
        kill(pid, one.number);
}

/* The parent of process `pid`, 0 when that can't be told. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    int parent = 0;
    /* The program's name may hold anything but ends at the last parenthesis. */
    const char *end = n > 0 ? strrchr(text, ')') : NULL;
    return end != NULL && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* /proc/self/task/TID/children is not in every kernel: the parents of all processes tell the same.
 */
static void pass_to_daemons(struct signals_one one)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    if (processes == NULL)
        return;
    while ((entry = readdir(processes)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            parent_of(entry->d_name) == getpid())
            pass(atoi(entry->d_name), one);
    closedir(processes);
}

void child_signal(const struct child *child, struct signals_one one)
{
    if (child->ended)
        pass_to_daemons(one);
    else
        pass(child->pid, one);
}

int child_exit_status(const struct child *child)
{
    if (WIFSIGNALED(child->status))
        return EXIT_BY_SIGNAL + WTERMSIG(child->status);
    return WEXITSTATUS(child->status);
}
