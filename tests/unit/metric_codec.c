#include <criterion/criterion.h>

#include "metric/codec.h"

static struct bytes value(const struct codec *codec, int64_t number, enum metric_kind kind)
{
    static char text[64];
    struct writer w = writer_on(text, sizeof text);
    put_string(&w, "key");
    codec->value(&w, number, kind);
    return (struct bytes){text, w.n};
}

static void assert_value(const struct codec *codec, int64_t number, enum metric_kind kind,
                         const char *expected)
{
    struct bytes is = value(codec, number, kind);
    cr_assert(bytes_equal(is, bytes_of(expected)), "%.*s, not %s", (int)is.n, is.at, expected);
}

Test(codec, shp_lines)
{
    assert_value(&codec_shp, 1, METRIC_COUNTER, "key:1|m\n");
    assert_value(&codec_shp, 109, METRIC_TIMER, "key:109|h\n");
    assert_value(&codec_shp, 0, METRIC_TIMER, "key:0|h\n");
    assert_value(&codec_shp, -5, METRIC_TIMER, "key:-5|h\n");
    assert_value(&codec_shp, INT64_MAX, METRIC_TIMER, "key:9223372036854775807|h\n");
    assert_value(&codec_shp, INT64_MIN, METRIC_TIMER, "key:-9223372036854775808|h\n");
}

Test(codec, statsd_lines)
{
    assert_value(&codec_statsd, 1, METRIC_COUNTER, "key:1|c\n");
    assert_value(&codec_statsd, 109, METRIC_TIMER, "key:109|ms\n");
    assert_value(&codec_dogstatsd, 1, METRIC_COUNTER, "key:1|c\n");
    assert_value(&codec_dogstatsd, 109, METRIC_TIMER, "key:109|ms\n");
}

/* The head that stands before `n` bytes of lines. */
static struct bytes head(const struct codec *codec, size_t n)
{
    static char room[CODEC_HEAD_BYTES + 1];
    char *lines = room + CODEC_HEAD_BYTES;
    size_t size = codec->head(lines, n);
    cr_assert_leq(size, CODEC_HEAD_BYTES);
    return (struct bytes){lines - size, size};
}

Test(codec, heads)
{
    cr_assert(bytes_equal(head(&codec_shp, 0), BYTES("1|0\n")));
    cr_assert(bytes_equal(head(&codec_shp, 9), BYTES("1|9\n")));
    cr_assert(bytes_equal(head(&codec_shp, 638), BYTES("1|638\n")));
    cr_assert(bytes_equal(head(&codec_shp, 65499), BYTES("1|65499\n")));
    cr_assert_eq(head(&codec_statsd, 638).n, 0);
    cr_assert_eq(head(&codec_dogstatsd, 638).n, 0);
}

Test(codec, of_each_protocol)
{
    cr_assert_eq(codec_of(PROTOCOL_ESTATSD), &codec_shp);
    cr_assert_eq(codec_of(PROTOCOL_STATSD), &codec_statsd);
    cr_assert_eq(codec_of(PROTOCOL_DOGSTATSD), &codec_dogstatsd);
    cr_assert_str_eq(codec_shp.name, "estatsd");
    cr_assert_str_eq(codec_statsd.name, "statsd");
    cr_assert_str_eq(codec_dogstatsd.name, "dogstatsd");
}
