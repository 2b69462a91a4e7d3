#include "request/alog.h"

#include <errno.h>

/* A message stands in one or more pieces, each in one block and with its label: the label's size,
 * the text's size, the label, the text. A piece whose label's size is NO_MORE ends a block. */
enum { PIECE_HEAD = 2, NO_MORE = 0xff };

static bool next_piece(const struct block **block, size_t *at, struct bytes *label,
                       struct bytes *text)
{
    while (*block != NULL &&
           (*at + PIECE_HEAD > BLOCK_BYTES || (uint8_t)(*block)->at[*at] == NO_MORE)) {
        *block = (*block)->next;
        *at = 0;
    }
    if (*block == NULL)
        return false;
    const char *piece = (*block)->at + *at;
    *label = (struct bytes){piece + PIECE_HEAD, (uint8_t)piece[0]};
    *text = (struct bytes){label->at + label->n, (uint8_t)piece[1]};
    *at += PIECE_HEAD + label->n + text->n;
    return true;
}

/* The next block of the chain, which must not be seen before the message is whole. */
static struct block *add_block(struct block *last)
{
    struct block *block = block_make();
    if (block == NULL)
        return NULL;
    block->at[0] = (char)NO_MORE;
    if (last != NULL)
        last->next = block;
    return block;
}

static void put_piece(struct block *block, uint32_t *at, struct bytes label, struct bytes text)
{
    char *piece = block->at + *at;
    piece[0] = (char)label.n;
    piece[1] = (char)text.n;
    memcpy(piece + PIECE_HEAD, label.at, label.n);
    if (text.n > 0)
        memcpy(piece + PIECE_HEAD + label.n, text.at, text.n);
    *at += (uint32_t)(PIECE_HEAD + label.n + text.n);
    if (*at < BLOCK_BYTES)
        block->at[*at] = (char)NO_MORE;
}

/* Takes back what a message without memory for its end has left. */
static int give_up(struct alog *alog, struct block *added)
{
    block_free_all(added);
    if (alog->last == NULL)
        return -ENOMEM;
    alog->last->next = NULL;
    if (alog->last_bytes < BLOCK_BYTES)
        alog->last->at[alog->last_bytes] = (char)NO_MORE;
    return -ENOMEM;
}

int alog_append(struct alog *alog, struct bytes label, struct bytes message)
{
    struct block *block = alog->last, *added = NULL;
    uint32_t used = alog->last_bytes;
    size_t left = message.n;
    if (message.n > ALOG_BYTES - alog->bytes || alog->messages == ALOG_MESSAGES)
        return -ENOSPC;
    do {
        size_t least = PIECE_HEAD + label.n + (left > 0);
        if (block == NULL || BLOCK_BYTES - used < least) {
            block = add_block(block);
            added = added == NULL ? block : added;
            used = 0;
        }
        if (block == NULL)
            return give_up(alog, added);
        size_t room = BLOCK_BYTES - used - PIECE_HEAD - label.n, n = left < room ? left : room;
        put_piece(block, &used, label, (struct bytes){message.at + message.n - left, n});
        left -= n;
    } while (left > 0);
    if (alog->first == NULL)
        alog->first = added;
    alog->last = block;
    alog->last_bytes = used;
    alog->bytes += (uint32_t)message.n;
    alog->messages++;
    return 0;
}

bool alog_has(const struct alog *alog, struct bytes label)
{
    const struct block *block = alog->first;
    struct bytes of, text;
    size_t at = 0;
    while (next_piece(&block, &at, &of, &text))
        if (bytes_equal(of, label))
            return true;
    return false;
}

size_t alog_read(const struct alog *alog, struct bytes label, struct writer *w)
{
    const struct block *block = alog->first;
    struct bytes of, text;
    size_t at = 0, n = 0;
    while (next_piece(&block, &at, &of, &text)) {
        if (!bytes_equal(of, label))
            continue;
        size_t room = w->size - w->n;
        put_bytes(w, (struct bytes){text.at, text.n < room ? text.n : room});
        n += text.n;
    }
    return n;
}

void alog_clear(struct alog *alog)
{
    block_free_all(alog->first);
    *alog = (struct alog){NULL, NULL, 0, 0, 0};
}
