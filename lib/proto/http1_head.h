#ifndef PROTO_HTTP1_HEAD_H
#define PROTO_HTTP1_HEAD_H

/*
 * http1_head: the header lines of a head that lies whole in one piece and is spelled as nearly
 * every head is, in one pass over them. What is not so is left, untouched, to the reading line by
 * line, which has the last word on what a head means.
 */

#include "base/bytes.h"
#include "proto/http1_framing.h"
#include "proto/http1_scan.h"

/* What is looked for, and what was found of it. */
struct http1_head {
    struct bytes id_header;  /* lower case; empty: none is wanted */
    char letter;             /* what lines with ids are looked for by; 0: none are wanted */
    size_t line_most;        /* a line that matters is this long at most, CR included */
    struct http1_body *body; /* how the fields frame it; all zero before */
    struct bytes id;         /* the id header's value; empty without one */
};

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

/* A line that may matter, and does not end the head. False: it is unusual. Only a copy of `head` is
 * told to others, so that it can stay in registers. */
static inline __attribute__((always_inline)) bool http1_head_take(struct http1_head *head,
                                                                  const char *line, const char *end)
{
    if (head->id_header.n != sizeof "content-length" - 1 &&
        http1_framing_read_usual_length(head->body, line, end))
        return true;
    if (!http1_line_may_matter(head, line, end))
        return true;
    struct http1_head copy = *head;
    bool usual = http1_head_read_line(&copy, line, end);
    head->id = copy.id;
    return usual;
}

/* As http1_head_read, of so few bytes that they can't be scanned in place. */
__attribute__((noinline)) const char *http1_head_read_short(struct http1_head *head, const char *at,
                                                            const char *end);

/* Reads `n` lines; returns as http1_head_read. */
static inline __attribute__((always_inline)) const char *
http1_head_take_all(struct http1_head *head, const char *const *line, unsigned n, const char *end)
{
    if (__builtin_expect(n == 0, 0))
        return NULL;
    const char *const *last = line + n - 1;
    if (__builtin_expect(end - *last < 2 || memcmp(*last, "\r\n", 2) != 0, 0))
        return NULL;
    for (; line < last; line++)
        if (__builtin_expect(!http1_head_take(head, *line, end), 0))
            return NULL;
    return *last + 2;
}

/*
 * Reads the lines behind each newline from `at` on to the end of the head; between `begin` and
 * there stands none, and what does may be looked at, too. Returns where the body begins, or NULL:
 * the head is not whole here, or unusual; what was found is of no use then.
 */
static inline __attribute__((always_inline)) const char *
http1_head_read(struct http1_head *head, const char *begin, const char *at, const char *end)
{
    const char *line[HTTP1_SCAN_LINES];
    if (__builtin_expect(end - begin < HTTP1_LOOK_READS, 0)) {
        struct http1_head copy = *head;
        const char *over = http1_head_read_short(&copy, at, end);
        head->id = copy.id;
        return over;
    }
    return http1_head_take_all(head, line, http1_scan(at, end, head->letter, line), end);
}

#endif
