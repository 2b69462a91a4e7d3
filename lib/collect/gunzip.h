#ifndef COLLECT_GUNZIP_H
#define COLLECT_GUNZIP_H

/* gunzip: inflates a whole gzip body, of one member or several, into memory of a given size. */

#include "base/bytes.h"

/* Does `body` begin as gzip data does? */
static inline bool gunzip_wanted(struct bytes body)
{
    return bytes_start_with(body, BYTES("\x1f\x8b"));
}

/*
 * Inflates `packed` into the `size` bytes at `to` and sets `*n`. 0, -EBADMSG (corrupt, cut short,
 * or followed by something else), -EFBIG (more than `size`) or -ENOMEM.
 */
int gunzip(struct bytes packed, char *to, size_t size, size_t *n);

#endif
