#ifndef SEND_BATCH_H
#define SEND_BATCH_H

/*
 * batch: groups of lines in, full datagrams out, many per system call. A group (the lines of one
 * event) is kept together in one datagram; one that is larger than a datagram is split between
 * lines; a line is never split. Where the dialect allows it, full datagrams are filled up with
 * newlines to one size, which lets the kernel take many of them as one (see send/pool.h). What the
 * pool puts off stays, and whatever else is added meanwhile, until batch_flush. Only for the
 * sender's thread.
 */

#include "base/bytes.h"
#include "send/pool.h"

/* Writes a datagram's head before its lines; see metric/codec.h. */
typedef size_t batch_head(char *lines, size_t n);

#define BATCH_HEAD_BYTES 8

struct batch {
    struct send_pool *pool;
    uint32_t endpoint; /* by which it goes; SEND_POOL_ANY: each batch by the next */
    batch_head *head;
    char *memory;    /* SEND_DATAGRAMS of `stride` bytes */
    uint32_t room;   /* for lines in one datagram */
    uint32_t stride; /* from one datagram's memory to the next */
    bool fill;       /* full datagrams are filled up to `room` */
    uint32_t ready;  /* datagrams that are full */
    uint32_t sent;   /* of these; the others were put off */
    uint32_t n;      /* bytes of lines in the datagram in hand */
    bool in_parts;   /* who adds should stop when some were sent */
    bool part_done;  /* some were */
    char *over;      /* lines for which there was no datagram, since all were put off */
    size_t over_n, over_bytes;
    uint32_t refused; /* lines too long for any datagram, ever */
    uint8_t lost;     /* tags of what was given up */
    uint8_t tags[SEND_DATAGRAMS];
    struct bytes datagram[SEND_DATAGRAMS];
};

/* `datagram_bytes` is the largest datagram, its head included; `fill`: newlines may fill it up. 0
 * or -ENOMEM. */
int batch_begin(struct batch *batch, struct send_pool *pool, batch_head *head,
                uint32_t datagram_bytes, bool fill);

/* Adds whole lines. Sends when SEND_DATAGRAMS are full. 0, or -EMSGSIZE if a line was longer than a
 * datagram; the other lines are taken. */
int batch_add(struct batch *batch, struct bytes lines);

/* Adds one line, not an empty one, under `tags`, bits of the caller's choice, by which batch_lost
 * speaks of it. May send, as batch_add does. False, and nothing is added or counted: no datagram
 * has room for it, for sending is put off, or it is too long for any. */
bool batch_add_tagged(struct batch *batch, struct bytes line, uint8_t tags);

/* The tags of lines that were given up since it was asked last. What neither waits nor is named
 * here was handed to the kernel. */
uint8_t batch_lost(struct batch *batch);

/* Whether something waits that has tags. */
bool batch_tagged(const struct batch *batch);

/* Sends what is there; the next batch goes to the endpoint whose turn it is. */
void batch_flush(struct batch *batch);

/* Something was put off. */
bool batch_waits(const struct batch *batch);

/* Whoever adds should stop soon: sending is put off. */
static inline bool batch_hurried(const struct batch *batch)
{
    return send_pool_hurried(batch->pool);
}

/* From now on, and unless `in_parts` is false: batch_part_done says when datagrams were sent
 * because they were full. */
static inline void batch_begin_part(struct batch *batch, bool in_parts)
{
    batch->in_parts = in_parts;
    batch->part_done = false;
}

static inline bool batch_part_done(const struct batch *batch)
{
    return batch->part_done;
}

void batch_end(struct batch *batch);

#endif
