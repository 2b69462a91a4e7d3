#include "metric/codec.h"

const struct codec *codec_of(enum protocol protocol)
{
    static const struct codec *const codecs[] = {
        [PROTOCOL_ESTATSD] = &codec_shp,
        [PROTOCOL_STATSD] = &codec_statsd,
        [PROTOCOL_DOGSTATSD] = &codec_dogstatsd,
    };
    return codecs[protocol];
}
