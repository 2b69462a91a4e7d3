#include "collect/gunzip.h"

#include <errno.h>
#include <zlib.h>

enum { GZIP_WINDOW = 16 + MAX_WBITS }; /* 16: a gzip header is required */

static int error_of(const z_stream *stream, int rc)
{
    if (rc == Z_MEM_ERROR)
        return -ENOMEM;
    return (rc == Z_OK || rc == Z_BUF_ERROR) && stream->avail_out == 0 ? -EFBIG : -EBADMSG;
}

static int inflate_members(z_stream *stream)
{
    int rc;
    while ((rc = inflate(stream, Z_FINISH)) == Z_STREAM_END) {
        if (stream->avail_in == 0)
            return 0;
        if (inflateReset(stream) != Z_OK)
            return -EBADMSG;
    }
    return error_of(stream, rc);
}

int gunzip(struct bytes packed, char *to, size_t size, size_t *n)
{
    z_stream stream = {
        .next_in = (z_const Bytef *)packed.at,
        .avail_in = (uInt)packed.n,
        .next_out = (Bytef *)to,
        .avail_out = (uInt)size,
    };
    if (packed.n > UINT32_MAX || size > UINT32_MAX)
        return -EFBIG;
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return -ENOMEM;
    int rc = inflate_members(&stream);
    inflateEnd(&stream);
    if (rc == 0)
        *n = size - stream.avail_out;
    return rc;
}
