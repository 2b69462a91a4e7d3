#ifndef COLLECT_LINE_H
#define COLLECT_LINE_H

/*
 * line: one metric line, in SHP's spelling or in statsd's. Pure: no allocation, no state, never
 * reads outside the line.
 */

#include "base/bytes.h"

enum line_kind {
    LINE_COUNTER, /* SHP m; statsd c, m */
    LINE_TIMER,   /* SHP h; statsd ms, h, d */
    LINE_IGNORED  /* legal but not aggregated: SHP g, mr; statsd all others */
};

/* One value of a line. */
struct line {
    enum line_kind kind;
    struct bytes key; /* points into the line */
    double value;     /* as written: a timer's unit is the receiver's matter */
    double rate;      /* the sample rate of a statsd line, else 1: the value stands for 1 / rate */
};

/* Why something that arrived was not taken. */
enum refusal {
    REFUSED_NOT, /* it was taken */
    /* a whole datagram */
    REFUSED_HEADER,
    REFUSED_LENGTH,
    REFUSED_LENGTH_DIFFERS,
    REFUSED_GZIP,
    REFUSED_GZIP_LAYERS,
    REFUSED_TOO_LARGE,
    REFUSED_MEMORY,
    REFUSED_TRUNCATED,
    /* one line, see refusal_whole */
    REFUSED_FIELDS,
    REFUSED_KEY,
    REFUSED_VALUE,
    REFUSED_TYPE,
    REFUSED_RATE,
    REFUSAL_KINDS
};

/* Is it a whole datagram that is refused for this reason, not one line? */
static inline bool refusal_whole(enum refusal refusal)
{
    return refusal > REFUSED_NOT && refusal < REFUSED_FIELDS;
}

/* The reason as a short name for machines: "length_differs". */
const char *refusal_name(enum refusal refusal);

/* The reason as a sentence part for people: "the length differs from the body's size". */
const char *refusal_sentence(enum refusal refusal);

/* Told of each value of a line; `line` is valid during the call. */
typedef void line_sink(void *context, const struct line *line);

/*
 * Reads `text`, a line without its newline, as SHP version 1 does: fields separated by `:` or `|`,
 * key, integer, type (`m`, `h`, `g`, `mr`), then at most one `@` with a dotted float, whose value
 * is checked and otherwise ignored. The key may be empty. Calls `sink` once, or returns the
 * refusal.
 */
enum refusal line_read_shp(struct bytes text, line_sink *sink, void *context);

/*
 * Reads `text` as statsd and dogstatsd write it: `key:value[:value…]|type` (`c`, `m`, `ms`, `h`,
 * `d`; `g`, and any other, whose values are not looked at, is ignored), then any of `|@rate`,
 * `|#tags`, `|c:container`, `|Ttimestamp`; only the rate is used. One trailing carriage return is
 * no part of the line. Calls `sink` for each value, but for none of a line that has a bad one.
 */
enum refusal line_read_statsd(struct bytes text, line_sink *sink, void *context);

#endif
