#ifndef PROTO_HTTP1_LINE_H
#define PROTO_HTTP1_LINE_H

/*
 * http1_line: takes lines off a stream that comes in pieces. A line that lies whole in one piece is
 * seen in place; only one that is split over pieces is copied. Both look the same to the caller,
 * long lines included, so that what is parsed never depends on how the stream was split.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* What is known of a long line's end, CR included. */
#define HTTP1_TAIL_BYTES 16

/* The line in hand; its beginning is in a buffer beside this. Zero it to begin. */
struct http1_line {
    uint16_t n; /* bytes kept; 0: no byte of the line has come */
    bool cut;   /* more bytes came than are kept, and `tail` has the last ones */
    char tail[HTTP1_TAIL_BYTES];
};

/* A line without its LF. Views into the stream, or into the parser until it is fed again. */
struct http1_text {
    struct bytes text; /* without CR; when `cut` the first `most` bytes */
    bool cut;
    const char *tail; /* when `cut`: the last HTTP1_TAIL_BYTES bytes, with CR */
};

static inline void http1_text_set(struct http1_text *line, const char *at, size_t n, size_t most)
{
    line->cut = n > most;
    if (line->cut)
        line->tail = at + n - HTTP1_TAIL_BYTES;
    else if (n > 0 && at[n - 1] == '\r')
        n--;
    line->text = (struct bytes){at, n < most ? n : most};
}

/*
 * The slow part of http1_line_take: goes on with a line of which `line->n` bytes are in `kept`.
 * `end` is its LF in `rest`, or NULL.
 */
__attribute__((cold, noinline)) bool http1_line_join(struct http1_line *line, char *kept,
                                                     size_t most, struct bytes *rest,
                                                     const char *end, struct http1_text *text);

/*
 * Takes bytes from `rest` up to and including the first LF. True if there was one: `*text` is the
 * line. Otherwise all of `rest` was taken, and what fits of it was kept in the `most` bytes
 * (HTTP1_TAIL_BYTES at least) at `kept`, the same for every call.
 */
static inline bool http1_line_take(struct http1_line *line, char *kept, size_t most,
                                   struct bytes *rest, struct http1_text *text)
{
    const char *end = bytes_find(rest->at, rest->n, '\n');
    if (end == NULL || line->n != 0)
        return http1_line_join(line, kept, most, rest, end, text);
    size_t n = (size_t)(end - rest->at);
    http1_text_set(text, rest->at, n, most);
    rest->at += n + 1;
    rest->n -= n + 1;
    return true;
}

#endif
