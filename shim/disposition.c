/*
 * disposition: where a host gives a signal that asks it to end its default action back, after it
 * had a handler. The next one ends it on the spot: so do handlers that raise their signal once
 * more, and interpreters late in their own end, whose supervisors ask twice. What waits is sent
 * first.
 */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "export.h"
#include "libc.h"
#include "life.h"

static bool asks_to_end(int number)
{
    return number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT;
}

static bool is_default(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == SIG_DFL;
}

static bool is_handled(int number)
{
    struct sigaction now;
    return libc.sigaction(number, NULL, &now) == 0 && !is_default(&now) &&
           ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_IGN);
}

EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    if (action != NULL && asks_to_end(number) && is_default(action) && is_handled(number))
        life_leaving();
    return libc.sigaction(number, action, before);
}

EXPORT libc_handler *signal(int number, libc_handler *handler)
{
    if (handler == SIG_DFL && asks_to_end(number) && is_handled(number))
        life_leaving();
    return libc.signal(number, handler);
}
