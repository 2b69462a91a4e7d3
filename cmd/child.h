#ifndef CMD_CHILD_H
#define CMD_CHILD_H

/*
 * child: the program as a process of ours, and the processes that it leaves behind. Daemons whose
 * parent has ended become our children (PR_SET_CHILD_SUBREAPER), as far as we are their nearest
 * ancestor.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "signals.h"

struct child {
    pid_t pid;
    bool ended;
    int status; /* as waitpid tells, once it ended */
};

/*
 * Starts `path` with `arguments` and our environment, with the signals as they were before
 * `signals` took them. 0, or a negative errno when it could not be started.
 */
int child_start(struct child *child, const char *path, char **arguments,
                const struct signals *signals);

/*
 * Collects what has ended; when the terminal stopped the program, stops us too, so that the shell
 * takes over, and continues both. False when no process is left.
 */
bool child_reap(struct child *child);

/*
 * Passes a signal on: to the program, or to the daemons that it left. The terminal's signals have
 * already reached all processes of our group.
 */
void child_signal(const struct child *child, struct signals_one one);

/* The exit status to end with: the program's own, or 128 and its signal. */
int child_exit_status(const struct child *child);

#endif
