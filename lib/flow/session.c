#include "flow/session.h"

#include "base/hot.h"
#include "flow/conn.h"
#include "flow/fdtable.h"
#include "flow/join.h"
#include "flow/passing.h"
#include "flow/peer.h"
#include "request/monitor.h"

/*
 * A session's word is its connection's, and may outlive it: the last fd of a shared one is closed
 * before the session is freed as often as after. The generation in the word tells (flow/conn.h).
 */

void session_pass(const void *key)
{
    session_table_put(&(struct session){key, 0, -1, 0});
}

/* A connection of the session's own. It ends with the session, or when it is given up. */
static bool is_own(const struct conn *conn)
{
    return !conn_is(conn, CONN_SEALED);
}

/* The session leads to the connection no more, which is left: another one may come to its fd. */
static void detach(struct conn *conn)
{
    if (is_own(conn)) {
        conn_end(conn);
    } else {
        conn_renew(conn, CONN_SEALED);
        conn_leave(conn);
    }
}

/* The session's bytes are not followed any more, those of its fd neither. */
static __attribute__((noinline, cold)) void abandon(struct conn *conn, const void *key)
{
    join_abandon(conn);
    if (is_own(conn))
        conn_end(conn);
    else
        conn_leave(conn);
    session_pass(key);
}

/* Enters its connection, unless that is over or was given up. */
static inline struct conn *enter(const struct session *session)
{
    if (session->word == 0)
        return NULL;
    struct conn *conn = conn_enter(session->word);
    if (conn == NULL) {
        session_pass(session->key);
    } else if (__builtin_expect(conn_is(conn, CONN_MISSED), 0)) {
        abandon(conn, session->key);
        return NULL;
    }
    return conn;
}

static inline void leave(struct conn *conn, const struct session *session, bool worthwhile)
{
    if (__builtin_expect(worthwhile, 1))
        conn_leave(conn);
    else
        abandon(conn, session->key);
}

/* Joins the connection of the fd, if it was accepted and no other session has it: its word, or 0.
 */
static uint64_t share(int fd)
{
    uint64_t word = fdtable_look(fd);
    struct conn *conn = word != 0 ? conn_enter(word) : NULL;
    if (conn == NULL)
        return 0;
    bool vacant = !conn_is(conn, CONN_TAPPED | CONN_MISSED);
    if (vacant) {
        bool client_gone = conn->client_gone;
        join_abandon(conn);
        conn_renew(conn, CONN_SEALED | CONN_TAPPED);
        conn->client_gone = client_gone;
    }
    conn_leave(conn);
    return vacant ? word : 0;
}

static uint64_t make_own(int fd)
{
    bool wanted = fd >= 0 ? peer_on_wanted_port(fd) : peer_any_port();
    uint64_t word = wanted && monitor_ready() ? conn_make() : 0;
    if (word != 0)
        conn_set_apart(conn_of(word), CONN_TAPPED);
    return word;
}

static void end_unused(uint64_t word)
{
    struct conn *conn = conn_enter(word);
    if (conn != NULL)
        detach(conn);
}

/* GnuTLS tells half of a pointer as the fd where the host's functions take one. */
static bool is_known(int fd)
{
    return fd >= 0 && fdtable_look(fd) != 0;
}

void session_begin(const void *key, bool server, int fd, struct session *session)
{
    *session = (struct session){key, 0, -1, 0};
    join_expect_tls();
    if (passing_fd >= 0 && !is_known(fd))
        fd = passing_fd;
    if (server)
        session->word = share(fd);
    if (session->word != 0)
        session->fd = fd;
    else if (server)
        session->word = make_own(fd);
    if (session_table_put(session) || session->word == 0)
        return;
    end_unused(session->word);
    session->word = 0;
}

HOT void session_read(const struct session *session, const void *at, size_t n)
{
    struct conn *conn = enter(session);
    if (conn != NULL)
        leave(conn, session, join_read(conn, at, n));
}

HOT void session_wrote(const struct session *session, const void *at, size_t n)
{
    struct conn *conn = enter(session);
    if (conn != NULL)
        leave(conn, session, join_wrote(conn, at, n));
}

void session_wrote_unseen(const struct session *session, size_t n)
{
    struct conn *conn = enter(session);
    if (conn != NULL)
        leave(conn, session, join_wrote_unseen(conn, n));
}

bool session_waits(const struct session *session)
{
    struct conn *conn = enter(session);
    if (conn == NULL)
        return false;
    bool waits = !conn->client_gone && join_unanswered(conn);
    conn_leave(conn);
    return waits;
}

/* What the library has read before may still bring requests. */
void session_client_gone(const struct session *session)
{
    struct conn *conn = enter(session);
    if (conn == NULL)
        return;
    conn->client_gone = true;
    conn_leave(conn);
}

static void end(const struct session *session)
{
    struct conn *conn = session->word != 0 ? conn_enter(session->word) : NULL;
    if (conn == NULL)
        return;
    if (session->fd >= 0 && !conn->client_gone && join_unanswered(conn))
        conn->client_gone = peer_hung_up(session->fd);
    join_over(conn);
    detach(conn);
}

void session_over(const void *key)
{
    struct session session;
    if (!session_table_find(key, &session) || session.word == 0)
        return;
    end(&session);
    session_pass(key);
}

void session_held(const void *key)
{
    session_table_hold(key);
}

/* First what is known of it, and then its connection: another thread may find the session no more
 * when that is over. */
static void forget(const void *key, void (*forget_key)(const void *key))
{
    struct session session;
    if (!session_table_find(key, &session))
        session.word = 0;
    forget_key(key);
    end(&session);
}

void session_freed(const void *key)
{
    if (!session_table_let_go(key))
        forget(key, session_table_remove);
}

void session_cleared(const void *key)
{
    forget(key, session_table_clear);
}

void session_made(const void *key)
{
    join_expect_tls();
    forget(key, session_table_remove);
}
