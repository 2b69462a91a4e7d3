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

/* The names worth a closer look, by their first letters: bit 0 is `a`. */
static inline uint32_t http1_first_letters(struct bytes name)
{
    uint32_t letters = 1u << ('c' - 'a') | 1u << ('t' - 'a');
    if (name.n > 0 && name.at[0] >= 'a' && name.at[0] <= 'z')
        letters |= 1u << (name.at[0] - 'a');
    return letters;
}

/* A header line that begins at `at` and runs into `end` may be `name`, by its colon's place. */
static inline bool http1_field_may_be(const char *at, const char *end, struct bytes name)
{
    return (size_t)(end - at) <= name.n || at[name.n] == ':';
}

/* False for a header line that can't be framing or `name`, by its first letter and its colon. */
static inline bool http1_field_may_matter(const char *at, const char *end, struct bytes name,
                                          uint32_t letters)
{
    unsigned letter = (unsigned char)(*at | 0x20) - (unsigned)'a';
    if (__builtin_expect(letter < 26 && !(letters >> letter & 1), 1))
        return false;
    if (letter == 'c' - 'a' && http1_field_may_be(at, end, HTTP1_CONTENT_LENGTH))
        return true;
    if (letter == 't' - 'a' && http1_field_may_be(at, end, HTTP1_TRANSFER_ENCODING))
        return true;
    return letter >= 26 || (name.n > 0 && http1_field_may_be(at, end, name));
}

/* What a scan over header lines looks for. */
struct http1_scan {
    const char *end;
    struct bytes name;
    uint32_t letters;
};

/* The first of the lines that begin behind the newlines at `found` (bit 0 is `block`) that may
 * matter or has no byte yet; NULL if there is none, and then `*line` is the last one's beginning.
 */
static inline const char *http1_scan_lines(const struct http1_scan *scan, const char *block,
                                           uint32_t found, const char **line)
{
    for (; found != 0; found &= found - 1) {
        *line = block + __builtin_ctz(found) + 1;
        if (*line == scan->end ||
            http1_field_may_matter(*line, scan->end, scan->name, scan->letters))
            return *line;
    }
    return NULL;
}

/* Past the lines from `begin` on that are whole, the first one whatever it says, the others if they
 * can't matter: the beginning of the first line that is not. 32 bytes are looked at once, the last
 * time over bytes that were looked at before. */
static inline const char *http1_scan_past(const struct http1_scan *scan, const char *begin)
{
    const char *line = begin, *at = begin, *found;
#ifdef __SSE2__
    for (; scan->end - at >= 32; at += 32)
        if ((found = http1_scan_lines(scan, at, bytes_places_32(at, '\n'), &line)) != NULL)
            return found;
    if (at < scan->end && scan->end - begin >= 32) {
        unsigned seen = 32 - (unsigned)(scan->end - at);
        at = scan->end - 32;
        found = http1_scan_lines(scan, at, bytes_places_32(at, '\n') >> seen << seen, &line);
        return found != NULL ? found : line;
    }
#endif
    for (; at < scan->end; at++)
        if (*at == '\n' && (found = http1_scan_lines(scan, at, 1, &line)) != NULL)
            return found;
    return line;
}

/*
 * Passes the header lines at the beginning of `rest` that are whole, do not end the head, and can
 * be neither framing nor `name` (lower case, or empty): most of them, at little cost.
 */
static inline void http1_framing_pass(struct bytes *rest, struct bytes name)
{
    struct http1_scan scan = {rest->at + rest->n, name, http1_first_letters(name)};
    if (rest->n == 0 || http1_field_may_matter(rest->at, scan.end, name, scan.letters))
        return;
    rest->at = http1_scan_past(&scan, rest->at);
    rest->n = (size_t)(scan.end - rest->at);
}

/* The same, but the first line is passed whatever it says. */
static inline void http1_framing_pass_first(struct bytes *rest)
{
    struct http1_scan scan = {rest->at + rest->n, BYTES(""), http1_first_letters(BYTES(""))};
    rest->at = http1_scan_past(&scan, rest->at);
    rest->n = (size_t)(scan.end - rest->at);
}

/* Takes the empty line that ends a head, spelled as nearly everyone does. */
static inline bool http1_framing_take_end(struct bytes *rest)
{
    if (rest->n < 2 || rest->at[0] != '\r' || rest->at[1] != '\n')
        return false;
    rest->at += 2;
    rest->n -= 2;
    return true;
}

/* Takes a whole Content-Length line if it is the first and spelled as nearly everyone does, with up
 * to 18 digits. */
bool http1_framing_take_length(struct http1_body *body, struct bytes *rest);

#endif
