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
    uint32_t n = batch->ready - batch->sent;
    if (n == 0)
        return;
    batch->sent += send_pool_send(batch->pool, batch->endpoint, batch->datagram + batch->sent, n);
    if (batch->sent < batch->ready && batch->pool->error == -ECANCELED)
        return;
    for (uint32_t i = batch->sent; i < batch->ready; i++)
        batch->lost |= batch->tags[i];
    memset(batch->tags, 0, batch->ready);
    batch->ready = batch->sent = 0;
}

/* Closes the datagram in hand. */
static void finish(struct batch *batch)
{
    char *lines = lines_in_hand(batch);
    size_t head = batch->head(lines, batch->n);
    batch->datagram[batch->ready++] = (struct bytes){lines - head, head + batch->n};
    batch->n = 0;
    if (batch->ready == SEND_DATAGRAMS) {
        send_ready(batch);
        batch->part_done = batch->in_parts && batch->ready == 0;
    }
}

static void finish_full(struct batch *batch)
{
    if (batch->fill) {
        memset(lines_in_hand(batch) + batch->n, '\n', batch->room - batch->n);
        batch->n = batch->room;
    }
    finish(batch);
}

static bool make_over(struct batch *batch, size_t n)
{
    if (batch->over_bytes - batch->over_n >= n)
        return true;
    size_t bytes = sys_whole_pages(2 * (batch->over_n + n));
    char *over = sys_pages(bytes);
    if (over == NULL)
        return false;
    if (batch->over != NULL) {
        memcpy(over, batch->over, batch->over_n);
        sys_pages_free(batch->over, batch->over_bytes);
    }
    batch->over = over;
    batch->over_bytes = bytes;
    return true;
}

static void take_over(struct batch *batch, struct bytes lines)
{
    if (!make_over(batch, lines.n)) {
        batch->pool->errors++;
        return;
    }
    memcpy(batch->over + batch->over_n, lines.at, lines.n);
    batch->over_n += lines.n;
}

/* False: all datagrams were put off. */
static inline __attribute__((always_inline)) bool take_in_hand(struct batch *batch,
                                                               struct bytes lines)
{
    if (batch->ready < SEND_DATAGRAMS && batch->room - batch->n < lines.n)
        finish_full(batch);
    if (batch->ready == SEND_DATAGRAMS)
        return false;
    memcpy(lines_in_hand(batch) + batch->n, lines.at, lines.n);
    batch->n += (uint32_t)lines.n;
    return true;
}

static void take(struct batch *batch, struct bytes lines)
{
    if (!take_in_hand(batch, lines))
        take_over(batch, lines);
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

bool batch_add_tagged(struct batch *batch, struct bytes line, uint8_t tags)
{
    if (line.n > batch->room || !take_in_hand(batch, line))
        return false;
    batch->tags[batch->ready] |= tags;
    return true;
}

bool batch_tagged(const struct batch *batch)
{
    for (int i = 0; i < SEND_DATAGRAMS; i++)
        if (batch->tags[i] != 0)
            return true;
    return false;
}

uint8_t batch_lost(struct batch *batch)
{
    uint8_t lost = batch->lost;
    batch->lost = 0;
    return lost;
}

static void flush(struct batch *batch)
{
    if (batch->n > 0)
        finish(batch);
    send_ready(batch);
}

/* The lines in it are none that a datagram can't hold. */
static void take_back(struct batch *batch)
{
    struct bytes lines = {batch->over, batch->over_n};
    size_t bytes = batch->over_bytes;
    batch->over = NULL;
    batch->over_n = batch->over_bytes = 0;
    batch_add(batch, lines);
    sys_pages_free((void *)(uintptr_t)lines.at, bytes);
}

void batch_flush(struct batch *batch)
{
    flush(batch);
    if (batch->over != NULL && batch->ready == 0) {
        take_back(batch);
        flush(batch);
    }
    if (!batch_waits(batch))
        batch->endpoint = SEND_POOL_ANY;
}

bool batch_waits(const struct batch *batch)
{
    return batch->ready > 0 || batch->over != NULL;
}

void batch_end(struct batch *batch)
{
    if (batch->over != NULL)
        sys_pages_free(batch->over, batch->over_bytes);
    sys_pages_free(batch->memory, memory_bytes(batch));
    batch->memory = NULL;
}
