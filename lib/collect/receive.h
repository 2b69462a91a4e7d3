#ifndef COLLECT_RECEIVE_H
#define COLLECT_RECEIVE_H

/*
 * receive: datagrams in, values out. A datagram that begins with `1|` is Stats Hero Protocol
 * version 1 and is taken exactly where estatsd takes it; every other one is statsd lines. A bad
 * header, length or gzip body refuses the whole datagram, a bad line only itself; each refusal is
 * counted by reason, and of each reason one example is kept. No input can make it fail, and it
 * reads nothing outside the datagram. One thread at a time.
 */

#include <stdint.h>

#include "base/bytes.h"
#include "collect/line.h"

/* The largest body after inflating, in bytes. */
#define RECEIVE_INFLATED_BYTES ((size_t)1 << 20)

/* The largest number of gzip layers around one body: estatsd unpacks each that it meets. */
#define RECEIVE_GZIP_LAYERS 4

/* The most of an example that is kept, in bytes. */
#define RECEIVE_EXAMPLE_BYTES ((size_t)64)

/* The first datagram or line that was refused for a reason. */
struct receive_example {
    char text[RECEIVE_EXAMPLE_BYTES]; /* how it began */
    size_t n;                         /* bytes of `text` */
    size_t whole;                     /* bytes that it had */
};

/* What came in so far. */
struct receive_counts {
    uint64_t datagrams;              /* all, refused ones too */
    uint64_t datagrams_refused;      /* whole */
    uint64_t lines;                  /* lines of datagrams not refused, blank ones not counted */
    uint64_t lines_refused;          /* of these */
    uint64_t lost;                   /* never seen here: the caller adds what the kernel tells */
    uint64_t refused[REFUSAL_KINDS]; /* datagrams and lines by reason */
    struct receive_example examples[REFUSAL_KINDS];
};

struct receive;

/* A receiver, to be given to receive_free; 0 or -ENOMEM. */
int receive_new(struct receive **receive);
void receive_free(struct receive *receive);

/*
 * Reads one datagram and calls `sink` with each value in it, in order. Returns why the whole of it
 * was refused, or REFUSED_NOT; lines refused alone show in the counts only.
 */
enum refusal receive_datagram(struct receive *receive, struct bytes datagram, line_sink *sink,
                              void *context);

/* Counts a datagram of which only the beginning arrived. */
void receive_truncated(struct receive *receive, struct bytes beginning);

/* The counts, owned by the receiver; the caller may add to `lost`. */
struct receive_counts *receive_counts(struct receive *receive);

#endif
