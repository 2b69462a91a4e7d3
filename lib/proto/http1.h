#ifndef PROTO_HTTP1_H
#define PROTO_HTTP1_H

/*
 * http1: the grammar of HTTP/1.0 and HTTP/1.1 (RFC 9112), one parser for each direction of a
 * connection. Bytes go in as they were read or written, in pieces of any size; events come out.
 * The parsers are pure: no allocation, no I/O, no clock, no globals; constant memory whatever comes
 * in. One thread at a time per parser. They are lenient where servers are (bare LF ends a line,
 * empty lines before a request line are skipped) and never invent: what does not frame is BAD.
 *
 * Both `feed` functions consume bytes up to and including the one that makes an event, and return
 * how many they consumed; with HTTP1_MORE and HTTP1_BAD that is everything. The caller loops:
 *     for (size_t at = 0; at < n;) at += http1_request_feed(&parser, bytes + at, n - at, &event);
 * Views in an event point into the fed bytes or into the parser, and live until the next call.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/http1_body.h"
#include "proto/http1_line.h"

/*
 * What is known of a line: its beginning, and of a request line its last bytes too. In place or
 * copied, whole or in pieces, so that events never depend on how the bytes were split. A header
 * line that frames the body and is longer than this does not frame.
 */
#define HTTP1_REQUEST_LINE_BYTES  512
#define HTTP1_RESPONSE_LINE_BYTES 96

enum http1_event_kind {
    HTTP1_MORE,         /* nothing to tell yet */
    HTTP1_REQUEST_LINE, /* method and target are known */
    HTTP1_REQUEST_ID,   /* a header that carries the request id: `text` is its value, not empty */
    HTTP1_REQUEST_HEAD, /* the request's head is complete; a body may follow */
    HTTP1_REQUEST, /* these three at once, for a head that came in one piece: method, target and
                    * `text`, the request id, empty if there is none */
    HTTP1_RESPONSE_HEAD, /* the final response's head is complete, a body follows: `status` */
    HTTP1_RESPONSE_END,  /* the response's last byte has gone by: `status` */
    HTTP1_TUNNEL,        /* as RESPONSE_END, and no HTTP follows: 101, or 2xx to CONNECT */
    HTTP1_BAD,           /* these bytes are not HTTP/1.x or can't be framed; feed no more */
};

/* How the request that a response answers changes the response's framing (RFC 9112 6.3). */
enum http1_method {
    HTTP1_METHOD_OTHER,
    HTTP1_METHOD_GET, /* as any other */
    HTTP1_METHOD_HEAD,
    HTTP1_METHOD_CONNECT,
};

enum http1_method http1_method_of(struct bytes method);

/* What does not belong to the kind is not set. */
struct http1_event {
    enum http1_event_kind kind;
    struct bytes method;     /* REQUEST_LINE, REQUEST: 1 to 32 token characters */
    struct bytes target;     /* of these, too: as sent up to a blank; of a long one the beginning */
    struct bytes text;       /* REQUEST_ID, REQUEST */
    enum http1_method known; /* REQUEST_LINE, REQUEST: what the method is, by http1_method_of */
    int status;              /* RESPONSE_HEAD, RESPONSE_END, TUNNEL: 100 to 999 */
};

/* Zero it to begin. */
struct http1_request {
    uint8_t state;
    struct http1_line line;
    struct http1_body body;
    char kept[HTTP1_REQUEST_LINE_BYTES];
};

/* The header that carries the request id, by its lower-case name; one without a name is in no
 * request. Names of fewer than ten letters are read a little slower. */
struct http1_id_header {
    struct bytes name;
    signed char letter; /* what its lines are looked for by (proto/http1_look.h); below 0: can't be */
};

struct http1_id_header http1_id_header(struct bytes name);

/*
 * Feeds `n` > 0 bytes from the client. A request without body begins anew right after REQUEST_HEAD
 * or REQUEST. Conflicting or overflowing Content-Length and chunk sizes give BAD, but not before
 * the head they stand in gave REQUEST_HEAD or REQUEST: that request may still be answered.
 * Content-Length with Transfer-Encoding: chunked is framed as chunked (RFC 9112 6.3).
 */
size_t http1_request_feed(struct http1_request *parser, const char *at, size_t n,
                          struct http1_id_header id_header, struct http1_event *event);

/* No byte of a request has come since the last one's end. */
static inline bool http1_request_is_fresh(const struct http1_request *parser)
{
    return parser->state == 0 && parser->line.n == 0;
}

/* The same where the parser is fresh, of a head that begins at `at`, lies whole in the `n` bytes
 * and is as most are: tells it as HTTP1_REQUEST and returns its size, else 0, and nothing has
 * changed. */
size_t http1_request_feed_usual(struct http1_request *parser, const char *at, size_t n,
                                struct http1_id_header id_header, struct http1_event *event);

/* `n` > 0 bytes went by unseen (splice). False if not all can have been body bytes: feed no more.
 */
bool http1_request_skip(struct http1_request *parser, uint64_t n);

/* Between two requests: no byte of the next one has come. */
bool http1_request_idle(const struct http1_request *parser);

/* Inside a request line that has not ended. */
bool http1_request_in_line(const struct http1_request *parser);

/*
 * Inside a request line that has not ended, whose method and at least one byte of target have come
 * (a server may answer such a request: 408, 414). Fills `event` as REQUEST_LINE does and is true.
 */
bool http1_request_partial(const struct http1_request *parser, struct http1_event *event);

/* Zero it to begin. */
struct http1_response {
    uint8_t state;
    int16_t status; /* of the response in hand, once its status line is complete */
    struct http1_line line;
    struct http1_body body;
    char kept[HTTP1_RESPONSE_LINE_BYTES];
};

/*
 * Feeds `n` > 0 bytes from the server that answer a request whose method was `method`; ask at each
 * response's start for the oldest request without response. Interim responses (1xx but 101) give
 * no event. A response without a body (HEAD, 204, 304, length 0) gives no RESPONSE_HEAD: the head's
 * last byte gives RESPONSE_END (or TUNNEL) at once. The parser is then idle, ready for the next
 * one.
 */
size_t http1_response_feed(struct http1_response *parser, const char *at, size_t n,
                           enum http1_method method, struct http1_event *event);

/* No byte of a response has gone since the last one's end. */
static inline bool http1_response_is_fresh(const struct http1_response *parser)
{
    return parser->state == 0 && parser->line.n == 0;
}

/* The same where the parser is fresh, of a head that begins at `at`, lies whole in the `n` bytes
 * and is as most are: returns its size and tells as `*kind` what its last byte gives, MORE for an
 * interim one. Else 0, and nothing has changed. */
size_t http1_response_feed_head(struct http1_response *parser, const char *at, size_t n,
                                enum http1_method method, enum http1_event_kind *kind);

/* Inside a body that has a length. */
static inline bool http1_response_has_length(const struct http1_response *parser)
{
    return parser->body.state == HTTP1_BODY_LENGTH;
}

/* `n` > 0 bytes, no matter which, are the last of a body, or not: false in any other case, and
 * nothing has changed. */
static inline bool http1_response_passes(struct http1_response *parser, uint64_t n, bool *ends);

/*
 * `n` > 0 bytes went by unseen (sendfile, splice): `event` is RESPONSE_END when they end the body,
 * MORE when not, BAD when they can't have been body bytes: there is no body, or they go beyond a
 * chunk's data. Returns how many were consumed: with RESPONSE_END those that the body had left.
 */
uint64_t http1_response_skip(struct http1_response *parser, uint64_t n, struct http1_event *event);

/* Between two responses: no byte of the next one has gone. */
bool http1_response_idle(const struct http1_response *parser);

/* Inside a body that lasts until the connection is closed; `status` is then its end's. */
bool http1_response_until_close(const struct http1_response *parser);

static inline bool http1_response_passes(struct http1_response *parser, uint64_t n, bool *ends)
{
    if (!http1_body_passes(&parser->body, n, ends))
        return false;
    if (*ends)
        parser->state = 0;
    return true;
}

#endif
