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

/* A header line that begins with `rest` may be `name`, by its first byte and its colon's place. */
static inline bool http1_field_may_be(struct bytes rest, struct bytes name)
{
    return name.n > 0 && (rest.at[0] | 0x20) == (name.at[0] | 0x20) &&
           (rest.n <= name.n || rest.at[name.n] == ':');
}

/*
 * Passes the header lines at the beginning of `rest` that are whole, do not end the head, and can
 * be neither framing nor `name` (lower case, or empty): most of them, at little cost.
 */
static inline void http1_framing_pass(struct bytes *rest, struct bytes name)
{
    while (rest->n > 0 && *rest->at != '\r' && *rest->at != '\n' &&
           !http1_field_may_be(*rest, HTTP1_CONTENT_LENGTH) &&
           !http1_field_may_be(*rest, HTTP1_TRANSFER_ENCODING) &&
           !http1_field_may_be(*rest, name)) {
        const char *end = memchr(rest->at, '\n', rest->n);
        if (end == NULL)
            return;
        rest->n -= (size_t)(end + 1 - rest->at);
        rest->at = end + 1;
    }
}

#endif
