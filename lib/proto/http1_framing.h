#ifndef PROTO_HTTP1_FRAMING_H
#define PROTO_HTTP1_FRAMING_H

/*
 * http1_framing: the header fields that frame a message's body, Content-Length and
 * Transfer-Encoding (RFC 9112 6), read into the body that they frame.
 */

#include "proto/http1_body.h"

#define HTTP1_CONTENT_LENGTH    BYTES("content-length")
#define HTTP1_TRANSFER_ENCODING BYTES("transfer-encoding")

/*
 * True if the header line is `name` (lower case): `*value` is then what follows the colon, without
 * blanks around it.
 */
bool http1_field_is(struct bytes line, struct bytes name, struct bytes *value);

/* Reads a header line, `cut` if it is only the beginning of one. Other fields change nothing. */
void http1_framing_read(struct http1_body *body, struct bytes line, bool cut);

#ifdef __SSE2__

static inline bool http1_is_content_length(const char *line)
{
    const __m128i letters = _mm_setr_epi8(0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0, 0x20, 0x20,
                                          0x20, 0x20, 0x20, 0x20, 0, 0);
    const __m128i usual = _mm_setr_epi8('c', 'o', 'n', 't', 'e', 'n', 't', '-', 'l', 'e', 'n', 'g',
                                        't', 'h', ':', ' ');
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)line);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(here, letters), usual)) == 0xffff;
}

#else

static inline bool http1_is_content_length(const char *line)
{
    return strncasecmp(line, "content-length: ", 16) == 0;
}

#endif

/*
 * Reads a whole Content-Length line at `line`, if it is the first one and spelled as nearly
 * everyone does, with up to 7 digits; letters of either case. False, and nothing is read, for any
 * other.
 */
static inline __attribute__((always_inline)) bool
http1_framing_read_usual_length(struct http1_body *body, const char *line, const char *end)
{
    enum { NAME = 16, DIGITS = 8 };
    uint64_t length;
    if (end - line < NAME + DIGITS || body->has_length || !http1_is_content_length(line))
        return false;
    unsigned n = bytes_read_digits_8(line + NAME, &length);
    if (n - 1 > DIGITS - 2 || end - line < NAME + n + 2 || memcmp(line + NAME + n, "\r\n", 2) != 0)
        return false;
    body->has_length = true;
    body->left = length;
    return true;
}

#endif
