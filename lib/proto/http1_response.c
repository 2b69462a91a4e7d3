#include "proto/http1.h"

#include "base/hot.h"
#include "proto/http1_head.h"

enum response_state { RESPONSE_LINE, RESPONSE_HEAD, RESPONSE_BODY, RESPONSE_BAD };

static const char least[] = "HTTP/1.1 200 ";

#define LEAST_BYTES (sizeof least - 1)

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* As many bytes as `least` has, and as many digits; a reason may follow a blank, or none the CR. */
static HOT bool is_status_line(const char *at)
{
    char after = at[12];
    return memcmp(at, least, strlen("HTTP/1.")) == 0 && digit(at[7]) && at[8] == ' ' &&
           digit(at[9]) && at[9] != '0' && digit(at[10]) && digit(at[11]) &&
           (after == ' ' || after == '\t' || after == '\r');
}

/* False if no status line begins with `text`: it would not even if the rest of it were right. */
static bool read_beginning(struct bytes text)
{
    if (text.n >= LEAST_BYTES)
        return is_status_line(text.at);
    char whole[sizeof least];
    memcpy(whole, least, sizeof least);
    memcpy(whole, text.at, text.n);
    return is_status_line(whole);
}

/* The blank behind the status may be missing where there is no reason. */
static bool read_line(struct bytes text, int16_t *status)
{
    if (text.n < LEAST_BYTES - 1 || !read_beginning(text))
        return false;
    const char *digits = text.at + strlen("HTTP/1.1 ");
    *status = (int16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    return true;
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
        bool begun = read_beginning((struct bytes){parser->kept, parser->line.n});
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
static HOT enum http1_event_kind end_head(struct http1_response *parser, enum http1_method method)
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

/* A head that begins at `at`, lies whole in the `n` bytes and is as most are: its size, else 0. */
static inline __attribute__((always_inline)) size_t
feed_whole(struct http1_response *parser, const char *at, size_t n, enum http1_method method,
           enum http1_event_kind *kind, http1_look *look, http1_look_for_end *look_for_end)
{
    if (parser->state != RESPONSE_LINE || parser->line.n > 0 || n < LEAST_BYTES ||
        !read_line((struct bytes){at, n}, &parser->status))
        return 0;
    struct http1_head head = {BYTES(""), sizeof parser->kept, &parser->body, {NULL, 0}};
    const char *end = http1_head_read(&head, at + LEAST_BYTES, at + n, look, look_for_end);
    if (end == NULL) {
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

static inline __attribute__((always_inline)) size_t
feed(struct http1_response *parser, const char *at, size_t n, enum http1_method method,
     struct http1_event *event, http1_look *look, http1_look_for_end *look_for_end)
{
    enum http1_event_kind kind = HTTP1_MORE;
    size_t whole = feed_whole(parser, at, n, method, &kind, look, look_for_end);
    struct bytes rest = {at + whole, n - whole};
    if (kind == HTTP1_MORE)
        kind = feed_pieces(parser, &rest, method);
    tell(parser, kind, event);
    return kind == HTTP1_BAD ? n : n - rest.n;
}

HOT __attribute__((noinline)) size_t http1_response_feed_narrow(struct http1_response *parser, const char *at, size_t n,
                                      enum http1_method method, struct http1_event *event)
{
    return feed(parser, at, n, method, event, http1_look_narrow, http1_look_for_end_narrow);
}

#ifdef HTTP1_WIDE
HOT __attribute__((target("avx2"))) size_t http1_response_feed_wide(struct http1_response *parser,
                                                                    const char *at, size_t n,
                                                                    enum http1_method method,
                                                                    struct http1_event *event)
{
    return feed(parser, at, n, method, event, http1_look_wide, http1_look_for_end_wide);
}
#endif

HOT uint64_t http1_response_skip(struct http1_response *parser, uint64_t n,
                                 struct http1_event *event)
{
    uint64_t taken = n;
    enum http1_event_kind kind = HTTP1_BAD;
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
