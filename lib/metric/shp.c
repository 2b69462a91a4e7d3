/*
 * shp: Stats Hero Protocol, version 1, as Chef's stats_hero sends it to estatsd: a frame is
 * "1|LENGTH\n" and LENGTH bytes of lines "KEY:INTEGER|TYPE\n", the last newline included.
 */
#include "metric/codec.h"

static void put_shp_value(struct writer *w, int64_t value, enum metric_kind kind)
{
    put_char(w, ':');
    put_i64(w, value);
    put_bytes(w, kind == METRIC_COUNTER ? BYTES("|m\n") : BYTES("|h\n"));
}

static size_t put_shp_head(char *lines, size_t n)
{
    char head[CODEC_HEAD_BYTES];
    struct writer w = writer_on(head, sizeof head);
    put_string(&w, "1|");
    put_u64(&w, n);
    put_char(&w, '\n');
    memcpy(lines - w.n, head, w.n);
    return w.n;
}

const struct codec codec_shp = {"estatsd", put_shp_value, put_shp_head, true};
