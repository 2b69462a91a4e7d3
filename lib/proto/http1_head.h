#ifndef PROTO_HTTP1_HEAD_H
#define PROTO_HTTP1_HEAD_H

/*
 * http1_head: the header lines of a head that lies whole in one piece and is spelled as nearly
 * every head is, in one pass over them. What is not so is left, untouched, to the reading line by
 * line, which has the last word on what a head means.
 */

#include "base/bytes.h"
#include "proto/http1_framing.h"

/* What is looked for, and what was found of it. */
struct http1_head {
    struct bytes id_header;  /* lower case; empty: none is wanted */
    size_t line_most;        /* a line that matters is this long at most, CR included */
    struct http1_body *body; /* how the fields frame it; all zero before */
    struct bytes id;         /* the id header's value; empty without one */
};

/*
 * Each line's beginning in turn, found 64 bytes at a time; the last look goes back over bytes that
 * were looked at, not beyond the end. A newline in the very last byte is not told: no line begins
 * behind it.
 */
struct http1_lines {
    const char *begin, *next, *last; /* from `next` on, to `last`, it is still to be looked */
    const char *behind;              /* one past the first byte of those that were looked at last */
    uint64_t found;                  /* newlines among them that are not told yet */
};

#define HTTP1_LINES_LEAST 33 /* bytes to begin with */

/* `n` >= HTTP1_LINES_LEAST bytes. */
static inline struct http1_lines http1_lines_on(const char *at, size_t n)
{
    return (struct http1_lines){at, at, at + n - 1, at + 1, 0};
}

/* What is left, fewer than 64 bytes. */
static inline bool http1_lines_look_last(struct http1_lines *lines)
{
    unsigned left = (unsigned)(lines->last - lines->next);
    if (left == 0)
        return false;
    if (lines->last - lines->begin >= 64) {
        lines->behind = lines->last - 63;
        lines->found = bytes_places_64(lines->last - 64, '\n') >> (64 - left) << (64 - left);
    } else {
        lines->behind = lines->next + 1;
        lines->found = bytes_places_32(lines->next, '\n') |
                       (uint64_t)bytes_places_32(lines->last - 32, '\n') << (left - 32);
    }
    lines->next = lines->last;
    return true;
}

static inline bool http1_lines_look(struct http1_lines *lines)
{
    if (lines->last - lines->next < 64)
        return http1_lines_look_last(lines);
    lines->behind = lines->next + 1;
    lines->found = bytes_places_64(lines->next, '\n');
    lines->next += 64;
    return true;
}

/* The first byte of the next line that has one; NULL past the last. */
static inline const char *http1_lines_next(struct http1_lines *lines)
{
    while (__builtin_expect(lines->found == 0, 0))
        if (!http1_lines_look(lines))
            return NULL;
    const char *line = lines->behind + (unsigned)__builtin_ctzll(lines->found);
    lines->found &= lines->found - 1;
    return line;
}

/* A set of bytes, each known by its lower six bits: those of both cases of a letter, too. */
static inline uint64_t http1_letter(char c)
{
    return 1ull << (c & 63) | 1ull << ((c ^ 0x20) & 63);
}

/* What a line begins with that may matter: framing, the id, the head's end. */
static inline uint64_t http1_first_bytes(struct bytes id_header)
{
    uint64_t first = http1_letter('c') | http1_letter('t') | 1ull << '\r' | 1ull << '\n';
    return id_header.n > 0 ? first | http1_letter(id_header.at[0]) : first;
}

static inline bool http1_colon_at(const char *line, const char *end, size_t place)
{
    return (size_t)(end - line) > place && line[place] == ':';
}

/* By its colon's place. */
static inline bool http1_line_may_matter(const struct http1_head *head, const char *line,
                                         const char *end)
{
    return http1_colon_at(line, end, sizeof "content-length" - 1) ||
           http1_colon_at(line, end, sizeof "transfer-encoding" - 1) ||
           (head->id_header.n > 0 && http1_colon_at(line, end, head->id_header.n));
}

/* Reads a line that may matter, slowly. False: it is not whole, or the line by line's to judge. */
bool http1_head_read_line(struct http1_head *head, const char *line, const char *end);

/*
 * Reads the lines from `line` on to the end of the head. Returns where the body begins, or NULL:
 * not whole here (no `line` either), or unusual; what was found is of no use then.
 */
static inline __attribute__((always_inline)) const char *
http1_head_read(struct http1_head *head, struct http1_lines *lines, const char *line)
{
    const char *end = lines->last + 1;
    uint64_t first = http1_first_bytes(head->id_header);
    for (; line != NULL; line = http1_lines_next(lines)) {
        if (__builtin_expect((first >> (*line & 63) & 1) == 0, 1))
            continue;
        if (*line == '\r')
            return end - line >= 2 && line[1] == '\n' ? line + 2 : NULL;
        if (*line == '\n')
            return NULL;
        if (!http1_line_may_matter(head, line, end))
            continue;
        if (head->id_header.n != sizeof "content-length" - 1 &&
            http1_framing_read_usual_length(head->body, line, end))
            continue;
        if (!http1_head_read_line(head, line, end))
            return NULL;
    }
    return NULL;
}

#endif
