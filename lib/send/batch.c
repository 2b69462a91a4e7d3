#include "send/batch.h"

#include <errno.h>

#include "base/sys.h"

static size_t memory_bytes(const struct batch *batch)
{
    return sys_whole_pages((size_t)batch->stride * SEND_DATAGRAMS);
}

int batch_begin(struct batch *batch, struct send_pool *pool, batch_head *head,
                uint32_t datagram_bytes, bool fill)
{
    *batch = (struct batch){.pool = pool, .endpoint = SEND_POOL_ANY, .head = head, .fill = fill};
    batch->room = datagram_bytes - BATCH_HEAD_BYTES;
    batch->stride = (datagram_bytes + BATCH_HEAD_BYTES + 63) & ~63u;
    batch->memory = sys_pages(memory_bytes(batch));
    return batch->memory == NULL ? -ENOMEM : 0;
}

static char *lines_in_hand(const struct batch *batch)
{
    return batch->memory + (size_t)batch->ready * batch->stride + BATCH_HEAD_BYTES;
}

static void send_ready(struct batch *batch)
{
    if (batch->ready > 0)
        send_pool_send(batch->pool, batch->endpoint, batch->datagram, batch->ready);
    batch->ready = 0;
}

/* Closes the datagram in hand. */
static void finish(struct batch *batch)
{
    char *lines = lines_in_hand(batch);
    size_t head = batch->head(lines, batch->n);
    batch->datagram[batch->ready++] = (struct bytes){lines - head, head + batch->n};
    batch->n = 0;
    if (batch->ready == SEND_DATAGRAMS)
        send_ready(batch);
}

static void finish_full(struct batch *batch)
{
    if (batch->fill) {
        memset(lines_in_hand(batch) + batch->n, '\n', batch->room - batch->n);
        batch->n = batch->room;
    }
    finish(batch);
}

static void take(struct batch *batch, struct bytes lines)
{
    if (batch->room - batch->n < lines.n)
        finish_full(batch);
    memcpy(lines_in_hand(batch) + batch->n, lines.at, lines.n);
    batch->n += (uint32_t)lines.n;
}

int batch_add(struct batch *batch, struct bytes lines)
{
    int error = 0;
    if (lines.n <= batch->room) {
        take(batch, lines);
        return 0;
    }
    while (lines.n > 0) {
        const char *end = memchr(lines.at, '\n', lines.n);
        size_t n = end != NULL ? (size_t)(end - lines.at) + 1 : lines.n;
        if (n <= batch->room) {
            take(batch, (struct bytes){lines.at, n});
        } else {
            batch->refused++;
            error = -EMSGSIZE;
        }
        lines.at += n;
        lines.n -= n;
    }
    return error;
}

void batch_flush(struct batch *batch)
{
    if (batch->n > 0)
        finish(batch);
    send_ready(batch);
}

void batch_end(struct batch *batch)
{
    sys_pages_free(batch->memory, memory_bytes(batch));
    batch->memory = NULL;
}
