#ifndef UNIT_SENDING_H
#define UNIT_SENDING_H

/* sending: a sender of statsd lines to a receiver, and what of a source most tests do not need. */

#include "metric/codec.h"
#include "receiver.h"
#include "send/sender.h"

static inline uint64_t never_due(void)
{
    return UINT64_MAX;
}

static inline void enter_nothing(void)
{
}

/* One socket, datagrams of 1,432 bytes. */
static inline void sending_begin(const struct receiver *receiver, uint32_t flush_ms,
                                 struct sender_source source)
{
    sender_begin(&(struct sender_options){
        .host = bytes_of(receiver->host),
        .port = receiver->port,
        .pool_size = 1,
        .datagram_bytes = 1432,
        .flush_ms = flush_ms,
        .head = codec_statsd.head,
        .source = source,
    });
}

#endif
