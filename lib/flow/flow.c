#include "flow/flow.h"

#include "base/hot.h"
#include "base/process.h"
#include "flow/conn.h"
#include "flow/join.h"
#include "flow/passing.h"
#include "flow/peer.h"
#include "request/monitor.h"

void flow_begin(const struct config *config)
{
    join_begin(config);
    peer_begin(config);
}

/* One fd leads to the connection no more; the last one's end is the connection's. Leaves. */
static void detach(struct conn *conn)
{
    if (--conn->fds > 0) {
        conn_leave(conn);
        return;
    }
    join_over(conn);
    conn_end(conn);
}

/* The connection is followed no more: this fd forgets it now, its copies when they are used next.
 */
static __attribute__((noinline, cold)) void abandon(struct conn *conn, uint64_t word, int fd)
{
    join_abandon(conn);
    conn->requests_over = true;
    conn_set_apart(conn, CONN_MISSED);
    if (fdtable_clear(fd, word))
        detach(conn);
    else
        conn_leave(conn);
}

/* Ciphertext passes, or something was missed before. */
static __attribute__((noinline, cold)) void look_away(struct conn *conn, uint64_t word, int fd)
{
    if (conn_is(conn, CONN_SEALED)) {
        passing_note(fd);
        conn_leave(conn);
    } else {
        abandon(conn, word, fd);
    }
}

/* Enters the connection, unless it is sealed, has ended, was given up, or is held by a thread that
 * never releases it: then the fd forgets it, so that this is found out once. */
static inline __attribute__((always_inline)) struct conn *enter(uint64_t word, int fd)
{
    struct conn *conn = conn_enter(word);
    if (__builtin_expect(conn == NULL, 0)) {
        fdtable_clear(fd, word);
        return NULL;
    }
    if (__builtin_expect(conn_is(conn, ~0u), 0)) {
        look_away(conn, word, fd);
        return NULL;
    }
    return conn;
}

/* The same for what concerns a sealed connection as well. */
static struct conn *enter_sealed_too(uint64_t word, int fd)
{
    struct conn *conn = conn_enter(word);
    if (conn == NULL) {
        fdtable_clear(fd, word);
    } else if (conn_is(conn, CONN_MISSED) && !conn_is(conn, CONN_SEALED)) {
        abandon(conn, word, fd);
        return NULL;
    }
    return conn;
}

static inline __attribute__((always_inline)) void leave(struct conn *conn, uint64_t word, int fd,
                                                        bool worthwhile)
{
    if (__builtin_expect(worthwhile, 1))
        conn_leave(conn);
    else
        abandon(conn, word, fd);
}

HOT void flow_read(uint64_t word, int fd, const char *at, size_t n)
{
    struct conn *conn = enter(word, fd);
    if (conn != NULL)
        leave(conn, word, fd, join_read(conn, at, n));
}

HOT void flow_wrote(uint64_t word, int fd, const char *at, size_t n)
{
    struct conn *conn = enter(word, fd);
    if (conn != NULL)
        leave(conn, word, fd, join_wrote(conn, at, n));
}

/* The first `n` bytes of the vector, one piece after the other. */
static void follow_pieces(uint64_t word, int fd, const struct iovec *vector, size_t parts, size_t n,
                          bool (*join)(struct conn *conn, const char *at, size_t n))
{
    struct conn *conn = enter(word, fd);
    bool worthwhile = true;
    for (size_t i = 0; conn != NULL && i < parts && n > 0 && worthwhile; i++) {
        size_t here = vector[i].iov_len < n ? vector[i].iov_len : n;
        if (here > 0)
            worthwhile = join(conn, vector[i].iov_base, here);
        n -= here;
    }
    if (conn != NULL)
        leave(conn, word, fd, worthwhile);
}

void flow_read_pieces(uint64_t word, int fd, const struct iovec *vector, size_t parts, size_t n)
{
    follow_pieces(word, fd, vector, parts, n, join_read);
}

void flow_wrote_pieces(uint64_t word, int fd, const struct iovec *vector, size_t parts, size_t n)
{
    follow_pieces(word, fd, vector, parts, n, join_wrote);
}

void flow_read_unseen(uint64_t word, int fd, uint64_t n)
{
    struct conn *conn = enter(word, fd);
    if (conn != NULL)
        leave(conn, word, fd, join_read_unseen(conn, n));
}

HOT void flow_wrote_unseen(uint64_t word, int fd, uint64_t n)
{
    struct conn *conn = enter(word, fd);
    if (conn != NULL)
        leave(conn, word, fd, join_wrote_unseen(conn, n));
}

void flow_client_gone(uint64_t word, int fd)
{
    struct conn *conn = enter_sealed_too(word, fd);
    if (conn == NULL)
        return;
    if (conn_is(conn, CONN_SEALED)) { /* the session may still hold requests */
        conn->client_gone = true;
        conn_leave(conn);
    } else {
        leave(conn, word, fd, join_client_gone(conn));
    }
}

static void ask_for_client(struct conn *conn, int fd)
{
    if (!conn->client_gone && join_unanswered(conn))
        conn->client_gone = peer_hung_up(fd);
}

void flow_shutting(uint64_t word, int fd)
{
    struct conn *conn = enter_sealed_too(word, fd);
    if (conn == NULL)
        return;
    ask_for_client(conn, fd);
    join_over(conn);
    conn->requests_over = true;
    look_away(conn, word, fd);
}

/* The fd is not to lead there any more. `ask`: it still does, so its client can be asked after. */
static void forget(uint64_t word, int fd, bool ask)
{
    if (!fdtable_clear(fd, word))
        return;
    struct conn *conn = conn_enter(word);
    if (conn == NULL)
        return;
    if (ask && conn->fds == 1)
        ask_for_client(conn, fd);
    detach(conn);
}

/* A vfork child that closes its fds shares our memory, but its fds are its own: it is told by its
 * pid. One system call for each connection's end. */
void flow_closing(uint64_t word, int fd)
{
    if (process_is_ours())
        forget(word, fd, true);
}

void flow_duplicated(uint64_t word, int copy)
{
    uint64_t before = fdtable_look(copy);
    if (!process_is_ours())
        return;
    if (before != 0)
        forget(before, copy, false);
    struct conn *conn = word != 0 ? enter_sealed_too(word, copy) : NULL;
    if (conn == NULL)
        return;
    if (fdtable_put(copy, word))
        conn->fds++;
    conn_leave(conn);
}

/* What the fd led to before, unseen by us, it leads to no more. */
static void forget_stale(int fd)
{
    uint64_t stale = fdtable_look(fd);
    if (stale != 0)
        forget(stale, fd, false);
}

static void begin_following(int fd, bool given)
{
    if (!peer_on_wanted_port(fd) || !monitor_ready())
        return;
    uint64_t word = conn_make();
    if (word == 0)
        return;
    conn_of(word)->given = given;
    if (!fdtable_put(fd, word))
        detach(conn_enter(word));
}

void flow_accepted(int fd)
{
    forget_stale(fd);
    begin_following(fd, false);
}

void flow_given(int fd)
{
    forget_stale(fd);
    if (peer_is_internet(fd))
        begin_following(fd, true);
}

void flow_missed(uint64_t word)
{
    conn_miss(word);
}
