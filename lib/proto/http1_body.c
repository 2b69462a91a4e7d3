#include "proto/http1_body.h"

#include "base/hot.h"

enum body_state {
    BODY_NONE,
    BODY_LENGTH = HTTP1_BODY_LENGTH,
    BODY_UNTIL_CLOSE,
    BODY_SIZE_FIRST, /* a chunk's size: its first digit */
    BODY_SIZE,
    BODY_SIZE_LF,
    BODY_EXTENSION,
    BODY_DATA,
    BODY_DATA_CR, /* the line end after a chunk's data */
    BODY_DATA_LF,
    BODY_TRAILER, /* a trailer line's first byte */
    BODY_TRAILER_CR,
    BODY_TRAILER_LINE,
};

void http1_body_begin_length(struct http1_body *body)
{
    body->state = BODY_LENGTH;
}

void http1_body_begin_chunked(struct http1_body *body)
{
    body->state = BODY_SIZE_FIRST;
    body->left = 0;
}

void http1_body_begin_until_close(struct http1_body *body)
{
    body->state = BODY_UNTIL_CLOSE;
}

bool http1_body_is_until_close(const struct http1_body *body)
{
    return body->state == BODY_UNTIL_CLOSE;
}

/* Takes bytes from `rest` up to and including the first LF, all of it if there is none. */
static bool to_line_end(struct bytes *rest)
{
    const char *end = memchr(rest->at, '\n', rest->n);
    size_t n = end != NULL ? (size_t)(end - rest->at) + 1 : rest->n;
    rest->at += n;
    rest->n -= n;
    return end != NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char letter = (char)(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static enum body_state size_end(const struct http1_body *body)
{
    return body->left > 0 ? BODY_DATA : BODY_TRAILER;
}

/* The state after a byte of a chunk's size; BODY_NONE if it can't stand there. */
static enum body_state size_byte(struct http1_body *body, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (body->left >> 59 != 0)
            return BODY_NONE;
        body->left = body->left << 4 | (unsigned)digit;
        return BODY_SIZE;
    }
    if (body->state == BODY_SIZE_FIRST)
        return BODY_NONE;
    switch (c) {
    case '\n':
        return size_end(body);
    case '\r':
        return BODY_SIZE_LF;
    case ';':
    case ' ':
    case '\t':
        return BODY_EXTENSION;
    default:
        return BODY_NONE;
    }
}

/* The state after a byte of those that are looked at one by one; BODY_NONE if it can't stand there.
 */
static enum body_state framing_byte(struct http1_body *body, char c)
{
    switch (body->state) {
    case BODY_SIZE_FIRST:
    case BODY_SIZE:
        return size_byte(body, c);
    case BODY_SIZE_LF:
        return c == '\n' ? size_end(body) : BODY_NONE;
    case BODY_DATA_CR:
        return c == '\n' ? BODY_SIZE_FIRST : c == '\r' ? BODY_DATA_LF : BODY_NONE;
    case BODY_DATA_LF:
        return c == '\n' ? BODY_SIZE_FIRST : BODY_NONE;
    default:
        return BODY_NONE;
    }
}

/* Trailers end with an empty line, and nothing else in them matters. */
static enum http1_body_progress trailer_byte(struct http1_body *body, char c)
{
    if (c == '\n')
        return HTTP1_BODY_END;
    body->state = c == '\r' && body->state == BODY_TRAILER ? BODY_TRAILER_CR : BODY_TRAILER_LINE;
    return HTTP1_BODY_MORE;
}

static char next(struct bytes *rest)
{
    rest->n--;
    return *rest->at++;
}

static enum http1_body_progress step(struct http1_body *body, struct bytes *rest)
{
    switch (body->state) {
    case BODY_LENGTH:
    case BODY_DATA:
    case BODY_UNTIL_CLOSE: {
        uint64_t n = body->state == BODY_UNTIL_CLOSE || rest->n < body->left ? rest->n : body->left;
        rest->at += n;
        rest->n -= n;
        return http1_body_skip(body, &n);
    }
    case BODY_EXTENSION:
        if (to_line_end(rest))
            body->state = (uint8_t)size_end(body);
        return HTTP1_BODY_MORE;
    case BODY_TRAILER_LINE:
        if (to_line_end(rest))
            body->state = BODY_TRAILER;
        return HTTP1_BODY_MORE;
    case BODY_TRAILER:
    case BODY_TRAILER_CR:
        return trailer_byte(body, next(rest));
    default:
        body->state = (uint8_t)framing_byte(body, next(rest));
        return body->state == BODY_NONE ? HTTP1_BODY_BAD : HTTP1_BODY_MORE;
    }
}

enum http1_body_progress http1_body_feed(struct http1_body *body, struct bytes *rest)
{
    enum http1_body_progress progress = HTTP1_BODY_MORE;
    while (rest->n > 0 && progress == HTTP1_BODY_MORE)
        progress = step(body, rest);
    return progress;
}

static enum http1_body_progress skip_length(struct http1_body *body, uint64_t *n)
{
    if (*n > body->left)
        *n = body->left;
    body->left -= *n;
    return body->left == 0 ? HTTP1_BODY_END : HTTP1_BODY_MORE;
}

static enum http1_body_progress skip_chunk(struct http1_body *body, uint64_t *n)
{
    if (*n > body->left) {
        *n = body->left;
        return HTTP1_BODY_BAD;
    }
    body->left -= *n;
    if (body->left == 0)
        body->state = BODY_DATA_CR;
    return HTTP1_BODY_MORE;
}

HOT enum http1_body_progress http1_body_skip(struct http1_body *body, uint64_t *n)
{
    switch (body->state) {
    case BODY_LENGTH:
        return skip_length(body, n);
    case BODY_DATA:
        return skip_chunk(body, n);
    case BODY_UNTIL_CLOSE:
        return HTTP1_BODY_MORE;
    default:
        return HTTP1_BODY_BAD;
    }
}
