/* statsd: etsy's statsd, "KEY:VALUE|c\n" and "KEY:VALUE|ms\n", many lines to a datagram. */
#include "metric/codec.h"

static void put_statsd_value(struct writer *w, int64_t value, enum metric_kind kind)
{
    put_char(w, ':');
    put_i64(w, value);
    put_bytes(w, kind == METRIC_COUNTER ? BYTES("|c\n") : BYTES("|ms\n"));
}

static size_t no_head(char *lines, size_t n)
{
    (void)lines;
    (void)n;
    return 0;
}

const struct codec codec_statsd = {"statsd", put_statsd_value, no_head, false};

/* DogStatsD takes statsd's lines as they are; its tags are its own addition, of which we send none.
 */
const struct codec codec_dogstatsd = {"dogstatsd", put_statsd_value, no_head, false};
