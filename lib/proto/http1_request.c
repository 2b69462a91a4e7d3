#include "proto/http1.h"

#include "base/hot.h"
#include "proto/http1_head.h"

#define METHOD_MOST 32
/* Where in its line a target begins at the latest: after the longest method and as many blanks. */
#define TARGET_AT_MOST (2 * METHOD_MOST)

enum request_state { REQUEST_LINE, REQUEST_HEAD, REQUEST_BODY, REQUEST_BAD };

/* RFC 9110 5.6.2 */
static const bool token[256] = {
    ['0' ... '9'] = true,  ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
    ['#' ... '\''] = true, ['*'] = true,         ['+'] = true,         ['-'] = true,
    ['.'] = true,          ['^' ... '`'] = true, ['|'] = true,         ['~'] = true,
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* `text` up to its first blank; most targets end in the first sixteen bytes. */
static struct bytes to_blank(struct bytes text)
{
    size_t n = 0;
#ifdef __SSE2__
    for (; text.n - n >= 16; n += 16) {
        unsigned found = bytes_places_16(text.at + n, ' ') | bytes_places_16(text.at + n, '\t');
        if (found != 0)
            return (struct bytes){text.at, n + (size_t)__builtin_ctz(found)};
    }
#endif
    while (n < text.n && !blank(text.at[n]))
        n++;
    return (struct bytes){text.at, n};
}

/*
 * Reads as much of a request line as there is: `method` and `target` have no bytes while they have
 * not come. False if no request line begins with `text`.
 */
static bool read_beginning(struct bytes text, struct http1_event *event)
{
    size_t n = 0;
    event->method = event->target = (struct bytes){text.at, 0};
    while (n < text.n && token[(unsigned char)text.at[n]])
        if (++n > METHOD_MOST)
            return false;
    if (n == text.n)
        return true;
    if (n == 0 || !blank(text.at[n]))
        return false;
    event->method = (struct bytes){text.at, n};
    event->known = http1_method_of(event->method);
    while (n < text.n && blank(text.at[n]))
        if (++n >= TARGET_AT_MOST)
            return false;
    if (n < text.n)
        event->target = to_blank((struct bytes){text.at + n, text.n - n});
    return true;
}

/* Where the version stands that ends a line, of which these are the last bytes; NULL without one.
 */
static const char *find_version(struct bytes tail)
{
    static const struct bytes version = BYTES("HTTP/1.");
    while (tail.n > 0 && blank(tail.at[tail.n - 1]))
        tail.n--;
    if (tail.n < version.n + 2)
        return NULL;
    const char *at = tail.at + tail.n - version.n - 1;
    char digit = at[version.n];
    bool found =
        blank(at[-1]) && memcmp(at, version.at, version.n) == 0 && digit >= '0' && digit <= '9';
    return found ? at : NULL;
}

static bool read_line(const struct http1_text *line, struct http1_event *event)
{
    if (!read_beginning(line->text, event) || event->target.n == 0)
        return false;
    if (line->cut) {
        bool cr = line->tail[HTTP1_TAIL_BYTES - 1] == '\r';
        return find_version((struct bytes){line->tail, HTTP1_TAIL_BYTES - cr}) != NULL;
    }
    /* A line that is not cut may be so short that it ends with its target. */
    const char *version = find_version(line->text);
    return version != NULL && version > event->target.at;
}

static void become_bad(struct http1_request *parser, struct http1_event *event)
{
    parser->state = REQUEST_BAD;
    event->kind = HTTP1_BAD;
}

/* No byte of a request line has come, but maybe half the end of an empty line. */
static bool nothing_kept(const struct http1_request *parser)
{
    return parser->line.n == 0 || (parser->line.n == 1 && parser->kept[0] == '\r');
}

static void feed_line(struct http1_request *parser, struct bytes *rest, struct http1_event *event)
{
    struct http1_text line;
    if (!http1_line_take(&parser->line, parser->kept, sizeof parser->kept, rest, &line)) {
        struct http1_event begun = {.kind = HTTP1_MORE};
        if (!nothing_kept(parser) &&
            !read_beginning((struct bytes){parser->kept, parser->line.n}, &begun))
            become_bad(parser, event);
        return;
    }
    if (line.text.n == 0)
        return;
    if (!read_line(&line, event)) {
        become_bad(parser, event);
        return;
    }
    event->kind = HTTP1_REQUEST_LINE;
    parser->state = REQUEST_HEAD;
}

/* What can't be framed is bad from its next byte on: the head itself may still be answered. */
static enum request_state state_after_framed_head(struct http1_body *body)
{
    if (body->coding == HTTP1_CODING_CHUNKED) {
        http1_body_begin_chunked(body);
        return REQUEST_BODY;
    }
    if (body->coding != HTTP1_CODING_NONE || body->bad_length)
        return REQUEST_BAD;
    if (body->left > 0) {
        http1_body_begin_length(body);
        return REQUEST_BODY;
    }
    *body = (struct http1_body){0};
    return REQUEST_LINE;
}

static inline enum request_state state_after_head(struct http1_body *body)
{
    static const struct http1_body none;
    bool framed = memcmp(body, &none, offsetof(struct http1_body, bad_length) + 1) != 0;
    return framed ? state_after_framed_head(body) : REQUEST_LINE;
}

static void become_idle(struct http1_request *parser)
{
    parser->state = REQUEST_LINE;
    parser->body = (struct http1_body){0};
}

static void end_head(struct http1_request *parser, struct http1_event *event)
{
    event->kind = HTTP1_REQUEST_HEAD;
    parser->state = (uint8_t)state_after_head(&parser->body);
}

static void feed_head(struct http1_request *parser, struct bytes *rest, struct bytes id_header,
                      struct http1_event *event)
{
    struct http1_text line;
    while (rest->n > 0 &&
           http1_line_take(&parser->line, parser->kept, sizeof parser->kept, rest, &line)) {
        if (line.text.n == 0) {
            end_head(parser, event);
            return;
        }
        http1_framing_read(&parser->body, line.text, line.cut);
        if (id_header.n > 0 && http1_field_is(line.text, id_header, &event->text) &&
            event->text.n > 0) {
            event->kind = HTTP1_REQUEST_ID;
            return;
        }
    }
}

/* The method of a line that begins at `at` and has a byte that is no token's. */
static size_t method_bytes(const char *at)
{
    size_t n = 0;
    while (token[(unsigned char)at[n]] && n < METHOD_MOST)
        n++;
    return n;
}

/* The first byte that is a blank or a control, or `end`. */
static inline const char *find_blank(const char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        unsigned found = bytes_places_16_to(at, ' ');
        if (found != 0)
            return at + __builtin_ctz(found);
    }
#endif
    while (at < end && (unsigned char)*at > ' ')
        at++;
    return at;
}

/* Reads the usual request line: one blank between its parts. Returns the newline that ends it, or
 * NULL: it is not whole here, or unusual. */
static inline const char *read_usual_line(const char *at, const char *end,
                                          struct http1_event *event)
{
    static const char version[] = " HTTP/1.";
    bool get = memcmp(at, "GET ", 4) == 0;
    size_t n = __builtin_expect(get, 1) ? 3 : method_bytes(at);
    const char *target = at + n + 1, *blank = find_blank(target, end);
    const char *newline = blank + strlen(version) + strlen("1\r");
    const char *most =
        end - at > HTTP1_REQUEST_LINE_BYTES ? at + HTTP1_REQUEST_LINE_BYTES : end - 1;
    if (__builtin_expect(
            newline > most || blank == target || memcmp(blank, version, strlen(version)) != 0 ||
                (unsigned char)(newline[-2] - '0') > 9 || memcmp(newline - 1, "\r\n", 2) != 0,
            0))
        return NULL;
    if (__builtin_expect(!get, 0) && (n == 0 || target[-1] != ' '))
        return NULL;
    event->method = (struct bytes){at, n};
    event->known = __builtin_expect(get, 1) ? HTTP1_METHOD_GET : http1_method_of(event->method);
    event->target = (struct bytes){target, (size_t)(blank - target)};
    return newline;
}

HOT size_t http1_request_feed_usual(struct http1_request *parser, const char *at, size_t n,
                                    struct http1_id_header id_header, struct http1_event *event)
{
    if (__builtin_expect(n <= METHOD_MOST || id_header.letter < 0, 0))
        return 0;
    const char *fields = read_usual_line(at, at + n, event);
    if (__builtin_expect(fields == NULL, 0))
        return 0;
    struct http1_head head = {
        id_header.name, id_header.letter, sizeof parser->kept, &parser->body, {NULL, 0}};
    const char *end = http1_head_read(&head, at, fields, at + n);
    if (__builtin_expect(end == NULL, 0)) {
        parser->body = (struct http1_body){0};
        return 0;
    }
    parser->state = (uint8_t)state_after_head(&parser->body);
    event->kind = HTTP1_REQUEST;
    event->text = head.id;
    return (size_t)(end - at);
}

static void feed_body(struct http1_request *parser, struct bytes *rest, struct http1_event *event)
{
    switch (http1_body_feed(&parser->body, rest)) {
    case HTTP1_BODY_END:
        become_idle(parser);
        break;
    case HTTP1_BODY_BAD:
        become_bad(parser, event);
        break;
    case HTTP1_BODY_MORE:
        break;
    }
}

static __attribute__((noinline)) size_t feed_pieces(struct http1_request *parser, struct bytes rest,
                                                    struct bytes id_header,
                                                    struct http1_event *event)
{
    size_t n = rest.n;
    event->kind = HTTP1_MORE;
    while (rest.n > 0 && event->kind == HTTP1_MORE) {
        switch (parser->state) {
        case REQUEST_LINE:
            feed_line(parser, &rest, event);
            break;
        case REQUEST_HEAD:
            feed_head(parser, &rest, id_header, event);
            break;
        case REQUEST_BODY:
            feed_body(parser, &rest, event);
            break;
        default:
            become_bad(parser, event);
        }
    }
    return event->kind == HTTP1_BAD ? n : n - rest.n;
}

size_t http1_request_feed(struct http1_request *parser, const char *at, size_t n,
                          struct http1_id_header id_header, struct http1_event *event)
{
    if (http1_request_is_fresh(parser)) {
        size_t whole = http1_request_feed_usual(parser, at, n, id_header, event);
        if (whole > 0)
            return whole;
    }
    return feed_pieces(parser, (struct bytes){at, n}, id_header.name, event);
}

struct http1_id_header http1_id_header(struct bytes name)
{
    struct http1_id_header header = {name, 0};
    if (name.n > HTTP1_LOOK_LETTER)
        header.letter = (signed char)(name.at[HTTP1_LOOK_LETTER] | 0x20);
    else if (name.n == HTTP1_LOOK_LETTER)
        header.letter = ':';
    else if (name.n > 0)
        header.letter = -1;
    return header;
}

bool http1_request_skip(struct http1_request *parser, uint64_t n)
{
    uint64_t taken = n;
    enum http1_body_progress progress = HTTP1_BODY_BAD;
    if (parser->state == REQUEST_BODY)
        progress = http1_body_skip(&parser->body, &taken);
    if (progress == HTTP1_BODY_END)
        become_idle(parser);
    if (progress == HTTP1_BODY_BAD || taken < n)
        parser->state = REQUEST_BAD;
    return parser->state != REQUEST_BAD;
}

bool http1_request_idle(const struct http1_request *parser)
{
    return parser->state == REQUEST_LINE && nothing_kept(parser);
}

bool http1_request_in_line(const struct http1_request *parser)
{
    return parser->state == REQUEST_LINE && !nothing_kept(parser);
}

bool http1_request_partial(const struct http1_request *parser, struct http1_event *event)
{
    event->kind = HTTP1_MORE;
    if (parser->state != REQUEST_LINE)
        return false;
    struct http1_text line;
    http1_text_set(&line, parser->kept, parser->line.n, sizeof parser->kept);
    if (!read_beginning(line.text, event) || event->target.n == 0)
        return false;
    event->kind = HTTP1_REQUEST_LINE;
    return true;
}

enum http1_method http1_method_of(struct bytes method)
{
    if (bytes_equal(method, BYTES("GET")))
        return HTTP1_METHOD_GET;
    if (bytes_equal(method, BYTES("HEAD")))
        return HTTP1_METHOD_HEAD;
    if (bytes_equal(method, BYTES("CONNECT")))
        return HTTP1_METHOD_CONNECT;
    return HTTP1_METHOD_OTHER;
}
