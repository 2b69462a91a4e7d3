#include "tap.h"

#include "base/hot.h"
#include "flow/session.h"
#include "guard.h"
#include "life.h"

/* The session that this thread reported last, since it last began a call. */
static __thread const void *latest __attribute__((tls_model("initial-exec")));

/* False inside us: what a signal handler of the host's does on a session then is not seen. */
static bool begin(void)
{
    if (guard_up || !life_active())
        return false;
    guard_raise();
    return true;
}

HOT struct tap tap_on(const void *session, const void *functions, tap_ask *ask)
{
    latest = NULL;
    session_call();
    return (struct tap){session, functions, ask};
}

static void find_or_begin(const struct tap *tap, struct session *session)
{
    bool server = false;
    int fd = -1;
    if (session_find(tap->session, session))
        return;
    tap->ask(tap->functions, tap->session, &server, &fd);
    session_begin(tap->session, server, fd, session);
}

void tap_ready(const struct tap *tap)
{
    struct session session;
    if (begin()) {
        find_or_begin(tap, &session);
        guard_lower();
    }
}

/* Bytes have passed: the session to report them of; false if there are none, or it was done. */
static inline bool report(const struct tap *tap, size_t n, struct session *session)
{
    if (n == 0 || latest == tap->session || !begin())
        return false;
    latest = tap->session;
    find_or_begin(tap, session);
    return true;
}

HOT void tap_read(const struct tap *tap, const void *at, size_t n)
{
    struct session session;
    if (report(tap, n, &session)) {
        session_read(&session, at, n);
        guard_lower();
    }
}

HOT void tap_wrote(const struct tap *tap, const void *at, size_t n)
{
    struct session session;
    if (report(tap, n, &session)) {
        session_wrote(&session, at, n);
        guard_lower();
    }
}

void tap_wrote_unseen(const struct tap *tap, size_t n)
{
    struct session session;
    if (report(tap, n, &session)) {
        session_wrote_unseen(&session, n);
        guard_lower();
    }
}

bool tap_waits(const struct tap *tap)
{
    struct session session;
    if (!begin())
        return false;
    bool waits = session_find(tap->session, &session) && session_waits(&session);
    guard_lower();
    return waits;
}

void tap_client_gone(const struct tap *tap)
{
    struct session session;
    if (!begin())
        return;
    if (session_find(tap->session, &session))
        session_client_gone(&session);
    guard_lower();
}

/* What is reported of a session by its address alone. */
static void tell(void (*what)(const void *), const void *session)
{
    if (session == NULL || !begin())
        return;
    what(session);
    guard_lower();
}

void tap_made(const void *session)
{
    tell(session_made, session);
}

void tap_pass(const void *session)
{
    tell(session_pass, session);
}

void tap_held(const void *session)
{
    tell(session_held, session);
}

void tap_over(const void *session)
{
    tell(session_over, session);
}

void tap_freed(const void *session)
{
    tell(session_freed, session);
}

void tap_cleared(const void *session)
{
    tell(session_cleared, session);
}
