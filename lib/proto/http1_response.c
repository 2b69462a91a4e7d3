#include "proto/http1.h"

#include "base/hot.h"
#include "proto/http1_head.h"

enum response_state { RESPONSE_LINE, RESPONSE_HEAD, RESPONSE_BODY, RESPONSE_BAD };

static const char least[] = "HTTP/1.1 200 ";

#define LEAST_BYTES (sizeof least - 1)

/* Whether the four bytes of `text` are a blank and three digits, of which the first is not 0, and
 * the number. */
static inline bool read_status(const char *text, int16_t *status)
{
    uint32_t four, digits;
    memcpy(&four, text, sizeof four);
    digits = four - 0x30303020; /* ' ', '0', '0', '0' from the lowest byte on */
    *status = (int16_t)((digits >> 8 & 15) * 100 + (digits >> 16 & 15) * 10 + (digits >> 24));
    return (digits & 0xf0f0f0ff) == 0 && ((digits + 0x06060600) & 0xf0f0f000) == 0 &&
           (digits & 0xf00) != 0;
}

/* As many bytes as `least` has, and as many digits; a reason may follow a blank, or none the CR. */
static inline bool is_status_line(const char *at, int16_t *status)
{
    char after = at[12];
    if (__builtin_expect(memcmp(at, least, sizeof least - 1) == 0, 1)) {
        *status = 200;
        return true;
    }
    return memcmp(at, least, strlen("HTTP/1.")) == 0 && (unsigned char)(at[7] - '0') <= 9 &&
           read_status(at + 8, status) && (after == ' ' || after == '\t' || after == '\r');
}

/* False if no status line begins with `text`: it would not even if the rest of it were right. */
static bool read_beginning(struct bytes text, int16_t *status)
{
    char whole[sizeof least];
    memcpy(whole, least, sizeof least);
    memcpy(whole, text.at, text.n < LEAST_BYTES ? text.n : LEAST_BYTES);
    return is_status_line(whole, status);
}

/* The blank behind the status may be missing where there is no reason. */
static bool read_line(struct bytes text, int16_t *status)
{
    return text.n >= LEAST_BYTES - 1 && read_beginning(text, status);
}

static enum http1_event_kind become_bad(struct http1_response *parser)
{
    parser->state = RESPONSE_BAD;
    return HTTP1_BAD;
}

static enum http1_event_kind become_idle(struct http1_response *parser, enum http1_event_kind kind)
{
    parser->state = RESPONSE_LINE;
    parser->body = (struct http1_body){0};
    return kind;
}

static enum http1_event_kind feed_line(struct http1_response *parser, struct bytes *rest)
{
    struct http1_text line;
    parser->status = 0;
    if (!http1_line_take(&parser->line, parser->kept, sizeof parser->kept, rest, &line)) {
        int16_t status;
        bool begun = read_beginning((struct bytes){parser->kept, parser->line.n}, &status);
        return begun ? HTTP1_MORE : become_bad(parser);
    }
    if (!read_line(line.text, &parser->status))
        return become_bad(parser);
    parser->state = RESPONSE_HEAD;
    return HTTP1_MORE;
}

static enum http1_event_kind begin_body(struct http1_response *parser)
{
    struct http1_body *body = &parser->body;
    if (body->coding == HTTP1_CODING_CHUNKED)
        http1_body_begin_chunked(body);
    else if (body->coding == HTTP1_CODING_OTHER)
        http1_body_begin_until_close(body);
    else if (body->coding == HTTP1_CODING_UNKNOWN || body->bad_length)
        return become_bad(parser);
    else if (!body->has_length)
        http1_body_begin_until_close(body);
    else if (body->left == 0)
        return become_idle(parser, HTTP1_RESPONSE_END);
    else
        http1_body_begin_length(body);
    parser->state = RESPONSE_BODY;
    return HTTP1_RESPONSE_HEAD;
}

/* RFC 9112 6.3, in its order: what has no body ends here whatever its fields say. */
static __attribute__((noinline)) enum http1_event_kind end_any_head(struct http1_response *parser,
                                                                    enum http1_method method)
{
    int status = parser->status;
    if (status == 101 || (method == HTTP1_METHOD_CONNECT && status / 100 == 2))
        return become_idle(parser, HTTP1_TUNNEL);
    if (status < 200)
        return become_idle(parser, HTTP1_MORE);
    if (method == HTTP1_METHOD_HEAD || status == 204 || status == 304)
        return become_idle(parser, HTTP1_RESPONSE_END);
    return begin_body(parser);
}

/* The usual response has status 200, and a length. */
static inline enum http1_event_kind end_head(struct http1_response *parser,
                                             enum http1_method method)
{
    if (parser->status != 200 || method > HTTP1_METHOD_GET ||
        !http1_body_has_usual_length(&parser->body))
        return end_any_head(parser, method);
    http1_body_begin_length(&parser->body);
    parser->state = RESPONSE_BODY;
    return HTTP1_RESPONSE_HEAD;
}

static enum http1_event_kind feed_head(struct http1_response *parser, struct bytes *rest,
                                       enum http1_method method)
{
    struct http1_text line;
    while (rest->n > 0 &&
           http1_line_take(&parser->line, parser->kept, sizeof parser->kept, rest, &line)) {
        if (line.text.n == 0)
            return end_head(parser, method);
        http1_framing_read(&parser->body, line.text, line.cut);
    }
    return HTTP1_MORE;
}

HOT size_t http1_response_feed_head(struct http1_response *parser, const char *at, size_t n,
                                    enum http1_method method, enum http1_event_kind *kind)
{
    if (__builtin_expect(n < LEAST_BYTES || !is_status_line(at, &parser->status), 0))
        return 0;
    struct http1_head head = {BYTES(""), 0, sizeof parser->kept, &parser->body, {NULL, 0}};
    const char *end = http1_head_read(&head, at, at + LEAST_BYTES, at + n);
    if (__builtin_expect(end == NULL, 0)) {
        parser->body = (struct http1_body){0};
        return 0;
    }
    *kind = end_head(parser, method);
    return (size_t)(end - at);
}

static enum http1_event_kind after_body(struct http1_response *parser,
                                        enum http1_body_progress progress)
{
    if (progress == HTTP1_BODY_END)
        return become_idle(parser, HTTP1_RESPONSE_END);
    return progress == HTTP1_BODY_BAD ? become_bad(parser) : HTTP1_MORE;
}

static void tell(const struct http1_response *parser, enum http1_event_kind kind,
                 struct http1_event *event)
{
    event->kind = kind;
    event->status = parser->status;
}

static __attribute__((noinline)) enum http1_event_kind
feed_pieces(struct http1_response *parser, struct bytes *rest, enum http1_method method)
{
    enum http1_event_kind kind = HTTP1_MORE;
    while (rest->n > 0 && kind == HTTP1_MORE) {
        switch (parser->state) {
        case RESPONSE_LINE:
            kind = feed_line(parser, rest);
            break;
        case RESPONSE_HEAD:
            kind = feed_head(parser, rest, method);
            break;
        case RESPONSE_BODY:
            kind = after_body(parser, http1_body_feed(&parser->body, rest));
            break;
        default:
            kind = HTTP1_BAD;
        }
    }
    return kind;
}

size_t http1_response_feed(struct http1_response *parser, const char *at, size_t n,
                           enum http1_method method, struct http1_event *event)
{
    enum http1_event_kind kind = HTTP1_MORE;
    struct bytes rest = {at, n};
    if (http1_response_is_fresh(parser)) {
        size_t head = http1_response_feed_head(parser, at, n, method, &kind);
        rest = (struct bytes){at + head, n - head};
    }
    if (kind == HTTP1_MORE)
        kind = feed_pieces(parser, &rest, method);
    tell(parser, kind, event);
    return kind == HTTP1_BAD ? n : n - rest.n;
}

HOT uint64_t http1_response_skip(struct http1_response *parser, uint64_t n,
                                 struct http1_event *event)
{
    uint64_t taken = n;
    enum http1_event_kind kind = HTTP1_BAD;
    if (parser->state == RESPONSE_LINE)
        parser->status = 0;
    if (parser->state == RESPONSE_BODY)
        kind = after_body(parser, http1_body_skip(&parser->body, &taken));
    else
        parser->state = RESPONSE_BAD;
    tell(parser, kind, event);
    return taken;
}

bool http1_response_idle(const struct http1_response *parser)
{
    return parser->state == RESPONSE_LINE && parser->line.n == 0;
}

bool http1_response_until_close(const struct http1_response *parser)
{
    return parser->state == RESPONSE_BODY && http1_body_is_until_close(&parser->body);
}
