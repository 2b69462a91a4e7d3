#ifndef TESTS_UNIT_HTTP1_EVENTS_H
#define TESTS_UNIT_HTTP1_EVENTS_H

/*
 * http1_events: what the HTTP/1 parsers make of a stream, as text: a line per event and a last one
 * that says how the parser stands. For the unit tests and the fuzzer.
 *
 * line METHOD TARGET · id VALUE · head · bad, then = idle, = partial METHOD TARGET or = inside;
 * for responses head STATUS · end STATUS · tunnel STATUS · bad, then = idle, = inside or
 * = until-close STATUS. Nothing follows bad and tunnel. Bytes that are not graphic are \xNN.
 */

#include <stdlib.h>

#include "proto/http1.h"
#include "proto/http1_scan.h"

#define EVENTS_BYTES (1 << 20)

struct events {
    bool over; /* the last line is written */
    struct writer out;
};

static inline void events_put(struct events *events, struct bytes text)
{
    static const char hex[] = "0123456789abcdef";
    put_char(&events->out, ' ');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c > ' ' && c < 0x7f && c != '\\') {
            put_char(&events->out, (char)c);
            continue;
        }
        put_string(&events->out, "\\x");
        put_char(&events->out, hex[c >> 4]);
        put_char(&events->out, hex[c & 15]);
    }
}

static inline void events_put_line(struct events *events, const struct http1_event *event)
{
    if (event->known != http1_method_of(event->method))
        abort();
    events_put(events, event->method);
    events_put(events, event->target);
}

static inline void events_put_status(struct events *events, int status)
{
    put_char(&events->out, ' ');
    put_i64(&events->out, status);
}

struct request_run {
    struct http1_request parser;
    struct events events;
};

static inline void request_note(struct events *events, const struct http1_event *event)
{
    switch (event->kind) {
    case HTTP1_MORE:
        return;
    case HTTP1_REQUEST:
        put_string(&events->out, "line");
        events_put_line(events, event);
        if (event->text.n > 0) {
            put_string(&events->out, "\nid");
            events_put(events, event->text);
        }
        put_string(&events->out, "\nhead");
        break;
    case HTTP1_REQUEST_LINE:
        put_string(&events->out, "line");
        events_put_line(events, event);
        break;
    case HTTP1_REQUEST_ID:
        put_string(&events->out, "id");
        events_put(events, event->text);
        break;
    case HTTP1_REQUEST_HEAD:
        put_string(&events->out, "head");
        break;
    case HTTP1_BAD:
        put_string(&events->out, "bad");
        events->over = true;
        break;
    default:
        abort();
    }
    put_char(&events->out, '\n');
}

/* Feeds a piece as a caller does, and insists that each call makes progress and stays inside it. */
static inline void request_piece(struct request_run *run, const char *at, size_t n)
{
    while (n > 0 && !run->events.over) {
        struct http1_event event = {.known = HTTP1_METHOD_CONNECT};
        size_t taken =
            http1_request_feed(&run->parser, at, n, http1_id_header(BYTES("x-request-id")), &event);
        if (taken == 0 || taken > n || (taken < n && event.kind == HTTP1_MORE))
            abort();
        request_note(&run->events, &event);
        at += taken;
        n -= taken;
    }
}

static inline void request_finish(struct request_run *run)
{
    struct events *events = &run->events;
    struct http1_event event;
    if (events->over)
        return;
    if (http1_request_partial(&run->parser, &event)) {
        put_string(&events->out, "= partial");
        events_put_line(events, &event);
    } else {
        put_string(&events->out, http1_request_idle(&run->parser) ? "= idle" : "= inside");
    }
    put_char(&events->out, '\n');
    events->over = true;
}

struct response_run {
    struct http1_response parser;
    struct bytes methods; /* of the requests that are answered, one after the other: "GET HEAD" */
    struct events events;
};

static inline enum http1_method response_method(const struct response_run *run)
{
    struct bytes rest = run->methods;
    return rest.at == NULL ? HTTP1_METHOD_OTHER : http1_method_of(bytes_cut(&rest, ' '));
}

static inline void response_note(struct response_run *run, const struct http1_event *event)
{
    struct events *events = &run->events;
    if (event->kind == HTTP1_MORE)
        return;
    if (event->kind == HTTP1_BAD) {
        put_string(&events->out, "bad\n");
        events->over = true;
        return;
    }
    events->over = event->kind == HTTP1_TUNNEL;
    put_string(&events->out, event->kind == HTTP1_TUNNEL         ? "tunnel"
                             : event->kind == HTTP1_RESPONSE_END ? "end"
                                                                 : "head");
    events_put_status(events, event->status);
    put_char(&events->out, '\n');
    if (event->kind == HTTP1_RESPONSE_END && run->methods.at != NULL)
        bytes_cut(&run->methods, ' ');
}

static inline void response_piece(struct response_run *run, const char *at, size_t n)
{
    while (n > 0 && !run->events.over) {
        struct http1_event event;
        enum http1_method method = response_method(run);
        size_t taken = http1_response_feed(&run->parser, at, n, method, &event);
        if (taken == 0 || taken > n || (taken < n && event.kind == HTTP1_MORE))
            abort();
        response_note(run, &event);
        at += taken;
        n -= taken;
    }
}

static inline void response_finish(struct response_run *run)
{
    struct events *events = &run->events;
    if (events->over)
        return;
    if (http1_response_until_close(&run->parser)) {
        put_string(&events->out, "= until-close");
        events_put_status(events, run->parser.status);
    } else {
        put_string(&events->out, http1_response_idle(&run->parser) ? "= idle" : "= inside");
    }
    put_char(&events->out, '\n');
    events->over = true;
}

static inline bool body_same(const struct http1_body *a, const struct http1_body *b)
{
    return a->state == b->state && a->left == b->left;
}

/* Bytes that may be skipped are skipped exactly as they are fed. */
static inline bool request_skip_agrees(const struct http1_request *now, const char *at, size_t n)
{
    struct http1_request skipped = *now, fed = *now;
    struct http1_event event;
    if (!http1_request_skip(&skipped, n))
        return true;
    return http1_request_feed(&fed, at, n, http1_id_header(BYTES("x-request-id")), &event) == n &&
           event.kind == HTTP1_MORE && fed.state == skipped.state &&
           body_same(&fed.body, &skipped.body);
}

static inline bool response_skip_agrees(const struct http1_response *now, const char *at, size_t n)
{
    struct http1_response skipped = *now, fed = *now;
    struct http1_event event, expected;
    uint64_t taken = http1_response_skip(&skipped, n, &event);
    if (taken > n)
        return false;
    if (event.kind == HTTP1_BAD)
        return true;
    return http1_response_feed(&fed, at, n, HTTP1_METHOD_OTHER, &expected) == taken &&
           event.kind == expected.kind && event.status == expected.status &&
           fed.state == skipped.state && body_same(&fed.body, &skipped.body);
}

#endif
