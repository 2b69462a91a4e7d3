#ifndef PROTO_HTTP1_BODY_H
#define PROTO_HTTP1_BODY_H

/*
 * http1_body: follows a message's body to its last byte (RFC 9112, 6 and 7). The same for both
 * directions; which framing the head's fields mean is each direction's own decision.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* What Transfer-Encoding says. */
enum http1_coding {
    HTTP1_CODING_NONE,
    HTTP1_CODING_CHUNKED, /* the last coding is chunked */
    HTTP1_CODING_OTHER,   /* the last coding is another one */
    HTTP1_CODING_UNKNOWN, /* the field is too long: its last coding was not seen */
};

/* In http1_body.state, of those that have a length. */
#define HTTP1_BODY_LENGTH 1

/* Zero it at the beginning of each message. */
struct http1_body {
    uint8_t state;   /* where in the body; 0 while in the head */
    uint8_t coding;  /* enum http1_coding */
    bool has_length; /* Content-Length was given, and `left` is its value until the body begins */
    bool bad_length; /* Content-Length was not a number up to INT64_MAX, or it contradicts itself */
    uint64_t left;   /* bytes still to come of the body or, when chunked, of the chunk */
};

enum http1_body_progress { HTTP1_BODY_MORE, HTTP1_BODY_END, HTTP1_BODY_BAD };

/* There is one Content-Length, not 0, and nothing else that frames. */
static inline bool http1_body_has_usual_length(const struct http1_body *body)
{
    static const struct http1_body usual = {.has_length = true};
    return memcmp(body, &usual, offsetof(struct http1_body, bad_length) + 1) == 0 && body->left > 0;
}

/*
 * The head is complete, and the body is framed by `left` bytes (not 0), by chunks, or by the
 * connection's end.
 */
void http1_body_begin_length(struct http1_body *body);
void http1_body_begin_chunked(struct http1_body *body);
void http1_body_begin_until_close(struct http1_body *body);

/* Follows the body through `rest` and takes what belongs to it; all of `rest` unless it is END. */
enum http1_body_progress http1_body_feed(struct http1_body *body, struct bytes *rest);

/*
 * `*n` bytes went by unseen: leaves in `*n` how many of them were taken. BAD where they can't all
 * be data: the bytes that frame chunks are never skipped. More bytes than a body of known length
 * has left are END, and not all taken.
 */
enum http1_body_progress http1_body_skip(struct http1_body *body, uint64_t *n);

/* `n` > 0 bytes of a body that has a length pass; `*ends`: they are its last, and it is as zeroed.
 * False, and nothing has changed, where they are not, or not all. */
static inline bool http1_body_passes(struct http1_body *body, uint64_t n, bool *ends)
{
    if (body->state != HTTP1_BODY_LENGTH || n > body->left)
        return false;
    *ends = n == body->left;
    body->left -= n;
    if (*ends)
        *body = (struct http1_body){0};
    return true;
}

bool http1_body_is_until_close(const struct http1_body *body);

#endif
