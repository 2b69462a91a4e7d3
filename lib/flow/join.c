#include "flow/join.h"

#include "base/clock.h"
#include "base/hot.h"
#include "proto/http1_scan.h"
#include "request/figures.h"
#include "request/names.h"

#define STATUS_CLIENT_GONE 499 /* as nginx logs it */
#define STATUS_NONE        0

static HOT_DATA struct {
    struct http1_id_header id_header;
    atomic_bool expects_tls;
} join;
static char id_header_text[64];

void join_begin(const struct config *config)
{
    http1_scan_wide_from_now(true);
    struct bytes name = config->request_id_header;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.at[i];
        id_header_text[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    join.id_header = http1_id_header((struct bytes){id_header_text, name.n});
}

void join_expect_tls(void)
{
    if (!atomic_load_explicit(&join.expects_tls, memory_order_relaxed))
        atomic_store_explicit(&join.expects_tls, true, memory_order_relaxed);
}

/* The time now, read once per call of the host's. */
static uint64_t once(uint64_t *now)
{
    if (*now == 0)
        *now = clock_now_ns();
    return *now;
}

static struct worker *take_worker(struct conn *conn)
{
    struct worker *worker = conn->spare;
    conn->spare = NULL;
    if (__builtin_expect(worker != NULL, 1))
        worker_renew(worker, conn->began_ns);
    else
        worker = worker_make(conn->began_ns);
    return worker;
}

static void give_back(struct conn *conn, struct worker *worker)
{
    if (conn->spare == NULL && worker_is_unused(worker))
        conn->spare = worker;
    else
        worker_free(worker);
}

static HOT struct worker *make_worker(struct conn *conn, const struct http1_event *line)
{
    struct thread *self = thread_self();
    struct worker *worker = self != NULL ? take_worker(conn) : NULL;
    if (__builtin_expect(worker == NULL, 0)) {
        figure_count(FIGURE_LOST);
        return NULL;
    }
    bool get = __builtin_expect(line->known == HTTP1_METHOD_GET, 1);
    worker_name(worker, names_label(&self->names, line->target),
                get ? names.get : names_action(line->method));
    worker->method = line->known & 0x7f;
    return worker;
}

/* The request is known to be one: it waits for its response from now on. */
static HOT bool open_request(struct conn *conn, struct worker *worker)
{
    struct thread *self = thread_self();
    conn->arriving = NULL;
    conn->began_ns = 0;
    if (__builtin_expect(worker == NULL, 0))
        return false;
    if (__builtin_expect(self == NULL || conn->pending == CONN_PENDING_MOST, 0)) {
        worker_free(worker);
        return false;
    }
    if (__builtin_expect(conn->oldest == NULL, 1))
        conn->oldest = worker;
    else
        conn->newest->next = worker;
    conn->newest = worker;
    conn->pending++;
    conn->served = true;
    worker_begin(worker, self);
    return true;
}

static HOT void close_oldest(struct conn *conn, int status, enum outcome outcome, uint64_t now_ns)
{
    struct worker *worker = conn->oldest;
    conn->oldest = worker->next;
    conn->pending--;
    if (__builtin_expect(
            worker_end(worker, thread_current, status, outcome, now_ns) && conn->spare == NULL, 1))
        conn->spare = worker;
    else
        give_back(conn, worker);
}

static void serve_oldest(struct conn *conn)
{
    struct thread *self = conn->oldest != NULL ? thread_self() : NULL;
    if (self != NULL)
        worker_served_by(conn->oldest, self);
}

/* What was read begins as TLS does, with a handshake's record; or it is an alert, by which Apache
 * wakes its own idle children. */
static bool begins_tls(const char *at, size_t n)
{
    return n > 0 && (at[0] == 0x16 || at[0] == 0x15) && (n == 1 || at[1] == 0x03);
}

static bool seal(struct conn *conn, const char *at, size_t n)
{
    if (!atomic_load_explicit(&join.expects_tls, memory_order_relaxed) ||
        conn_is(conn, CONN_TAPPED) || !begins_tls(at, n))
        return false;
    conn_set_apart(conn, CONN_SEALED);
    return true;
}

/* What nobody accepted here may well be something else. */
static void count_not_http(const struct conn *conn)
{
    if (!conn->served && !conn->given)
        figure_count(FIGURE_NOT_HTTP);
}

/* Bytes that are no request end the reading of requests; those that are open may still be answered.
 */
static __attribute__((cold, noinline)) bool no_more_requests(struct conn *conn, const char *at,
                                                             size_t n)
{
    conn->requests_over = true;
    if (conn->arriving != NULL)
        worker_free(conn->arriving);
    conn->arriving = NULL;
    if (!conn->served && seal(conn, at, n))
        return true;
    count_not_http(conn);
    return conn->oldest != NULL;
}

/* The request's line is known. */
static bool arrive(struct conn *conn, const struct http1_event *line, uint64_t *now)
{
    if (conn->began_ns == 0)
        conn->began_ns = once(now);
    conn->arriving = make_worker(conn, line);
    return conn->arriving != NULL;
}

/* `at` and `n`: the read that the event is of. */
static bool take_request_event(struct conn *conn, const struct http1_event *event, const char *at,
                               size_t n, uint64_t *now)
{
    switch (event->kind) {
    case HTTP1_REQUEST:
        if (!arrive(conn, event, now))
            return false;
        if (event->text.n > 0)
            worker_set_id(conn->arriving, event->text);
        return open_request(conn, conn->arriving);
    case HTTP1_REQUEST_LINE:
        return arrive(conn, event, now);
    case HTTP1_REQUEST_ID:
        worker_set_id(conn->arriving, event->text);
        return true;
    case HTTP1_REQUEST_HEAD:
        return open_request(conn, conn->arriving);
    case HTTP1_BAD:
        return no_more_requests(conn, at, n);
    default:
        return true;
    }
}

/* From byte `used` on. */
static __attribute__((noinline)) bool read_on(struct conn *conn, const char *at, size_t n,
                                              size_t used, uint64_t now)
{
    struct http1_event event;
    while (used < n && !conn->requests_over) {
        used += http1_request_feed(&conn->request, at + used, n - used, join.id_header, &event);
        if (!take_request_event(conn, &event, at, n, &now))
            return false;
    }
    if (conn->began_ns == 0 && http1_request_in_line(&conn->request))
        conn->began_ns = once(&now);
    return true;
}

static __attribute__((noinline)) bool read_any(struct conn *conn, const char *at, size_t n)
{
    uint64_t now = 0;
    if (http1_request_idle(&conn->request))
        conn->began_ns = once(&now);
    return read_on(conn, at, n, 0, now);
}

/* Most reads are a whole head, and nothing else. */
HOT bool join_read(struct conn *conn, const char *at, size_t n)
{
    struct http1_event event;
    serve_oldest(conn);
    if (!__builtin_expect(http1_request_is_fresh(&conn->request) && !conn->requests_over, 1))
        return read_any(conn, at, n);
    __builtin_prefetch(conn->spare, 1); /* for its record, while its head is read */
    uint64_t now = conn->began_ns = clock_read_ns();
    size_t head = http1_request_feed_usual(&conn->request, at, n, join.id_header, &event);
    if (__builtin_expect(head == 0, 0))
        return read_on(conn, at, n, 0, now);
    struct worker *worker = make_worker(conn, &event);
    if (__builtin_expect(worker != NULL && event.text.n > 0, 0))
        worker_set_id(worker, event.text);
    bool opened = open_request(conn, worker);
    return __builtin_expect(head == n, 1) || !opened ? opened : read_on(conn, at, n, head, now);
}

bool join_read_unseen(struct conn *conn, uint64_t n)
{
    serve_oldest(conn);
    if (!conn->requests_over && !http1_request_skip(&conn->request, n))
        return no_more_requests(conn, NULL, 0);
    return true;
}

bool join_client_gone(struct conn *conn)
{
    conn->client_gone = true;
    conn->requests_over = true;
    return conn->oldest != NULL || conn->arriving != NULL;
}

/*
 * A server may answer a request whose head it has not read to the end, or could not (408, 414,
 * 431): what came of it is enough for a label. Nothing that follows it is read as a request.
 */
static __attribute__((cold, noinline)) bool answer_early(struct conn *conn)
{
    struct http1_event line;
    if (conn->arriving == NULL && !conn->requests_over &&
        http1_request_partial(&conn->request, &line))
        conn->arriving = make_worker(conn, &line);
    if (conn->arriving == NULL)
        return false;
    conn->requests_over = true;
    return open_request(conn, conn->arriving);
}

static bool take_response_event(struct conn *conn, const struct http1_event *event, uint64_t *now)
{
    switch (event->kind) {
    case HTTP1_RESPONSE_END:
        close_oldest(conn, event->status, OUTCOME_DONE, once(now));
        return true;
    case HTTP1_TUNNEL:
        close_oldest(conn, event->status, OUTCOME_DONE, once(now));
        return false;
    case HTTP1_BAD:
        return false;
    default:
        return true;
    }
}

/* Bytes that answer nothing: a protocol in which the server speaks first is not HTTP; after a
 * request they are nobody's (a 408 to an idle client), and passed over. */
static __attribute__((cold, noinline)) bool unasked(struct conn *conn)
{
    count_not_http(conn);
    if (!conn->served)
        conn->requests_over = true;
    return !conn->requests_over;
}

static inline bool is_open(const struct conn *conn)
{
    return !conn->requests_over || conn->oldest != NULL;
}

/* From byte `used` on; those before, if there are any, gave `kind`. */
static __attribute__((noinline)) bool wrote_on(struct conn *conn, const char *at, size_t n,
                                               size_t used, enum http1_event_kind kind)
{
    struct http1_event event = {.kind = kind, .status = conn->response.status};
    uint64_t now = 0;
    if (used > 0 && !take_response_event(conn, &event, &now))
        return false;
    while (used < n) {
        if (conn->oldest == NULL && !answer_early(conn))
            return unasked(conn);
        used += http1_response_feed(&conn->response, at + used, n - used,
                                    (enum http1_method)conn->oldest->method, &event);
        if (!take_response_event(conn, &event, &now))
            return false;
    }
    if (http1_response_until_close(&conn->response))
        conn->wrote_ns = once(&now);
    return is_open(conn);
}

static __attribute__((noinline)) bool wrote_any_unseen(struct conn *conn, uint64_t n)
{
    struct http1_event event;
    uint64_t now = 0;
    if (conn->oldest == NULL)
        return unasked(conn);
    n -= http1_response_skip(&conn->response, n, &event);
    if (!take_response_event(conn, &event, &now))
        return false;
    if (http1_response_until_close(&conn->response))
        conn->wrote_ns = once(&now);
    if (n > 0 && conn->oldest != NULL)
        return false;
    return is_open(conn);
}

/* `n` bytes of the oldest request's response that are of a body with a length; false, and nothing
 * has changed, if they are not, or not all. */
static inline bool passes(struct conn *conn, uint64_t n)
{
    bool ends;
    if (!http1_response_passes(&conn->response, n, &ends))
        return false;
    if (__builtin_expect(ends, 1))
        close_oldest(conn, conn->response.status, OUTCOME_DONE, clock_read_ns());
    return true;
}

/* Most writes are a whole head, with its body or without, or such a body. */
HOT bool join_wrote(struct conn *conn, const char *at, size_t n)
{
    enum http1_event_kind kind = HTTP1_RESPONSE_HEAD;
    size_t head = 0;
    serve_oldest(conn);
    if (__builtin_expect(conn->oldest == NULL, 0))
        return wrote_on(conn, at, n, 0, HTTP1_MORE);
    if (__builtin_expect(http1_response_is_fresh(&conn->response), 1)) {
        head = http1_response_feed_head(&conn->response, at, n,
                                        (enum http1_method)conn->oldest->method, &kind);
        if (head == n && http1_response_has_length(&conn->response))
            return true;
    }
    if (kind == HTTP1_RESPONSE_HEAD && head < n && passes(conn, n - head))
        return is_open(conn);
    return wrote_on(conn, at, n, head, kind);
}

HOT bool join_wrote_unseen(struct conn *conn, uint64_t n)
{
    serve_oldest(conn);
    if (__builtin_expect(conn->oldest != NULL && passes(conn, n), 1))
        return is_open(conn);
    return wrote_any_unseen(conn, n);
}

/* The status line of the oldest request's response has gone out. */
static bool answering(const struct conn *conn)
{
    return !http1_response_idle(&conn->response) && conn->response.status >= 200;
}

bool join_unanswered(const struct conn *conn)
{
    return conn->oldest != NULL && !answering(conn);
}

static __attribute__((cold, noinline)) void end_all(struct conn *conn, int status)
{
    uint64_t now = 0;
    if (conn->arriving != NULL)
        worker_free(conn->arriving);
    conn->arriving = NULL;
    if (conn->oldest != NULL && http1_response_until_close(&conn->response))
        close_oldest(conn, conn->response.status, OUTCOME_DONE,
                     conn->wrote_ns != 0 ? conn->wrote_ns : once(&now));
    else if (conn->oldest != NULL && answering(conn))
        close_oldest(conn, conn->response.status, OUTCOME_ABORTED, once(&now));
    while (conn->oldest != NULL)
        close_oldest(conn, status, OUTCOME_ABORTED, once(&now));
}

void join_over(struct conn *conn)
{
    end_all(conn, conn->client_gone ? STATUS_CLIENT_GONE : STATUS_NONE);
}

void join_abandon(struct conn *conn)
{
    if (conn->oldest != NULL)
        figure_count(FIGURE_LOST);
    end_all(conn, STATUS_NONE);
}
