#ifndef UNIT_DESK_H
#define UNIT_DESK_H

/*
 * desk: a server's side of connections, reported to flow/ as the shim does, and what came of it as
 * text: a line "LABEL ACTION STATUS OUTCOME" for each request that ended.
 */

#include "flow/flow.h"
#include "service.h"

#define DESK_FDS 256

static struct desk {
    struct service service;
    int client[DESK_FDS]; /* the other end, by the server's fd */
} desk;

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_EMPTY  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OK_OF(n)  "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n\r\n"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

static inline void desk_begin(void)
{
    service_begin(&desk.service);
    flow_begin(&desk.service.config);
}

/* A connection that was accepted. */
static inline int desk_accept(void)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert(ends[0] < DESK_FDS);
    desk.client[ends[0]] = ends[1];
    flow_accepted(ends[0]);
    return ends[0];
}

/* The client goes away. */
static inline void desk_client_leaves(int fd)
{
    close(desk.client[(unsigned)fd % DESK_FDS]);
}

static inline void desk_read_bytes(int fd, const char *at, size_t n)
{
    uint64_t word = flow_look(fd);
    if (word != 0)
        flow_read(word, fd, at, n);
}

static inline void desk_read(int fd, const char *text)
{
    desk_read_bytes(fd, text, strlen(text));
}

static inline void desk_write_bytes(int fd, const char *at, size_t n)
{
    uint64_t word = flow_look(fd);
    if (word != 0)
        flow_wrote(word, fd, at, n);
}

static inline void desk_write(int fd, const char *text)
{
    desk_write_bytes(fd, text, strlen(text));
}

static inline void desk_send_file(int fd, uint64_t n)
{
    uint64_t word = flow_look(fd);
    if (word != 0)
        flow_wrote_unseen(word, fd, n);
}

static inline void desk_close(int fd)
{
    uint64_t word = flow_look(fd);
    if (word != 0)
        flow_closing(word, fd);
    close(fd);
}

/* The text after `key` in a line of the request log, up to a quote or a comma. */
static inline struct bytes desk_value(struct bytes line, const char *key)
{
    const char *at = memmem(line.at, line.n, key, strlen(key));
    cr_assert_not_null(at, "%s in %.*s", key, (int)line.n, line.at);
    at += strlen(key);
    return (struct bytes){at, strcspn(at, "\",")};
}

static inline void desk_put_line(struct writer *w, struct bytes line)
{
    put_bytes(w, desk_value(line, "\"label\":\""));
    put_char(w, ' ');
    put_bytes(w, desk_value(line, "\"action\":\""));
    put_char(w, ' ');
    put_bytes(w, desk_value(line, "\"status\":"));
    put_char(w, ' ');
    put_bytes(w, desk_value(line, "\"outcome\":\""));
    put_char(w, '\n');
}

/* The requests that have ended until now. */
static inline const char *desk_ended(void)
{
    static char text[65536];
    struct writer w = writer_on(text, sizeof text - 1);
    for (struct bytes rest = service_journal(&desk.service); rest.n > 0;)
        desk_put_line(&w, bytes_cut(&rest, '\n'));
    text[w.n] = '\0';
    return text;
}

#define assert_ended(expected) cr_assert_str_eq(desk_ended(), expected)

/* A whole request, on a connection of its own. */
static inline void desk_serve(const char *request)
{
    int fd = desk_accept();
    desk_read(fd, request);
    desk_write(fd, OK_EMPTY);
    desk_close(fd);
}

/* What was sent says the same: so many requests began, and so many ended. Once only, at the end. */
static inline struct bytes desk_sent(size_t starts, size_t ends)
{
    struct bytes text = service_sent(&desk.service);
    cr_assert_eq(count_lines(text, "app.application.allRequests:1|m", ""), starts);
    cr_assert_eq(count_lines(text, "app.application.allRequests:", "|h"), ends);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.", "|m"), ends);
    return text;
}

#endif
