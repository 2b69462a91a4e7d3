#ifndef METRIC_CODEC_H
#define METRIC_CODEC_H

/*
 * codec: how a dialect spells a line and a datagram. A line is KEY, then what `value` adds; a
 * datagram is what `head` puts before its lines, then the lines. One dialect a file.
 */

#include "base/bytes.h"
#include "base/config.h"
#include "metric/metric.h"

/* The most bytes that a head takes. */
#define CODEC_HEAD_BYTES 8

struct codec {
    const char *name;
    /* Ends the line whose key was just put: ":VALUE|TYPE" and a newline. */
    void (*value)(struct writer *w, int64_t value, enum metric_kind kind);
    /* Writes the datagram's head so that it ends right before `lines`, where `n` bytes of lines
     * stand and CODEC_HEAD_BYTES before them are free. Returns the head's size. */
    size_t (*head)(char *lines, size_t n);
    /* Its receivers pass over blank lines: a datagram may be filled up with newlines. */
    bool blank_lines;
};

extern const struct codec codec_shp;       /* Stats Hero Protocol version 1 */
extern const struct codec codec_statsd;    /* etsy's statsd */
extern const struct codec codec_dogstatsd; /* DogStatsD */

const struct codec *codec_of(enum protocol protocol);

#endif
