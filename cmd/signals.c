#include "signals.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_take(struct signals *signals, const int *list, size_t n)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t set;
    sigemptyset(&set);
    *signals = (struct signals){.fd = -1, .n = n};
    for (size_t i = 0; i < n; i++) {
        signals->list[i] = list[i];
        sigaddset(&set, list[i]);
    }
    sigprocmask(SIG_BLOCK, &set, &signals->mask);
    /* An ignored signal, as under nohup, would never reach the fd; an ignored SIGCHLD would lose
     * the children's statuses. */
    for (size_t i = 0; i < n; i++)
        sigaction(list[i], &standard, &signals->actions[i]);
    signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals->fd < 0 ? -errno : 0;
}

void signals_restore(const struct signals *signals)
{
    for (size_t i = 0; i < signals->n; i++)
        sigaction(signals->list[i], &signals->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

bool signals_next(const struct signals *signals, struct signals_one *one)
{
    struct signalfd_siginfo info;
    if (read(signals->fd, &info, sizeof info) != sizeof info)
        return false;
    *one = (struct signals_one){(int)info.ssi_signo, info.ssi_code > 0};
    return true;
}

void signals_close(struct signals *signals)
{
    if (signals->fd >= 0)
        close(signals->fd);
    signals->fd = -1;
}
