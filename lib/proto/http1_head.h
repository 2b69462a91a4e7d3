#ifndef PROTO_HTTP1_HEAD_H
#define PROTO_HTTP1_HEAD_H

/*
 * http1_head: the header lines of a head that lies whole in one piece and is spelled as nearly
 * every head is, in one pass over them. What is not so is left, untouched, to the reading line by
 * line, which has the last word on what a head means.
 */

#include "base/bytes.h"
#include "proto/http1_framing.h"
#include "proto/http1_look.h"

/* What is looked for, and what was found of it. */
struct http1_head {
    struct bytes id_header;  /* lower case; empty: none is wanted */
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

/* What ids are looked for by, where they can be: in the letter's place of its name, colon included.
 */
#define HTTP1_HEAD_ID_LEAST HTTP1_LOOK_LETTER

static inline char http1_head_letter(struct bytes id_header)
{
    if (id_header.n == 0)
        return 0;
    return id_header.n == HTTP1_LOOK_LETTER ? ':' : id_header.at[HTTP1_LOOK_LETTER] | 0x20;
}

/*
 * A line that may matter begins at `line`. True: it is read, and there are more. Else *over is
 * where the body begins, or NULL: the head is not whole, or unusual.
 */
static inline __attribute__((always_inline)) bool
http1_head_take(struct http1_head *head, const char *line, const char *end, const char **over)
{
    *over = NULL;
    if ((unsigned char)*line <= '\r') {
        if (end - line >= 2 && line[0] == '\r' && line[1] == '\n')
            *over = line + 2;
        return false;
    }
    if (!http1_line_may_matter(head, line, end))
        return true;
    if (head->id_header.n != sizeof "content-length" - 1 &&
        http1_framing_read_usual_length(head->body, line, end))
        return true;
    return http1_head_read_line(head, line, end);
}

/* As http1_head_read, of so few bytes that none may be read at once as many as a look takes. */
const char *http1_head_read_short(struct http1_head *head, const char *at, const char *end);

/* Where it is still to be looked, from `at` on. */
struct http1_gaze {
    const char *at, *end;
    const char *from; /* bit i of `found` is from[i] */
    uint32_t found;   /* what no line was read of yet */
    bool over;        /* nothing is left */
};

/*
 * Looks for the next lines, if there are more. The last look at whole lines goes back over places
 * that were looked at, not beyond the end. What that leaves has no room for a line that matters but
 * the head's end.
 */
static inline __attribute__((always_inline)) bool http1_gaze_on(struct http1_gaze *gaze,
                                                                char letter, http1_look *look,
                                                                http1_look_for_end *look_for_end)
{
    const char *at = gaze->at, *last = gaze->end - HTTP1_LOOK_READS;
    uint32_t found = 0;
    if (gaze->over)
        return false;
    while (at <= last && (found = look(at, letter)) == 0)
        at += HTTP1_LOOK_PLACES;
    if (at > last && at < last + HTTP1_LOOK_PLACES)
        found = look(last, letter) >> (at - last);
    if (found == 0) {
        at = gaze->end - HTTP1_LOOK_END_READS;
        found = look_for_end(at);
        gaze->over = true;
    }
    gaze->found = found;
    gaze->from = at;
    gaze->at = at + HTTP1_LOOK_PLACES;
    return found != 0;
}

/*
 * Reads the lines behind each newline from `at` on to the end of the head. Returns where the body
 * begins, or NULL: the head is not whole here, or unusual; what was found is of no use then.
 */
static inline __attribute__((always_inline)) const char *
http1_head_read(struct http1_head *head, const char *at, const char *end, http1_look *look,
                http1_look_for_end *look_for_end)
{
    const char letter = http1_head_letter(head->id_header), *over;
    struct http1_gaze gaze = {.at = at, .end = end};
    if (__builtin_expect(end - at < HTTP1_LOOK_READS, 0))
        return http1_head_read_short(head, at, end);
    while (http1_gaze_on(&gaze, letter, look, look_for_end))
        for (; gaze.found != 0; gaze.found &= gaze.found - 1)
            if (!http1_head_take(head, gaze.from + __builtin_ctz(gaze.found) + 1, end, &over))
                return over;
    return NULL;
}

#endif
