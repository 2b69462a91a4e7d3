#ifndef CMD_SIGNALS_H
#define CMD_SIGNALS_H

/*
 * signals: signals as something to read. They are taken before a program starts, and the program
 * gets back what was set before, so that it begins as if it had been started without us.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define SIGNALS_MOST 16

struct signals {
    int fd; /* for poll: readable when one has come; -1: closed */
    size_t n;
    int list[SIGNALS_MOST];
    struct sigaction actions[SIGNALS_MOST];
    sigset_t mask;
};

struct signals_one {
    int number;
    bool from_kernel; /* by the terminal, not by a process */
};

/* Takes the `n` signals of `list`, ignored ones too. 0 or a negative errno. */
int signals_take(struct signals *signals, const int *list, size_t n);

/* Sets back mask and actions as they were; for a child that is about to exec. */
void signals_restore(const struct signals *signals);

/* The next signal that has come, or false. */
bool signals_next(const struct signals *signals, struct signals_one *one);

/* Closes. What comes from now on is too late for the program, and must not end us: it stays taken.
 */
void signals_close(struct signals *signals);

#endif
