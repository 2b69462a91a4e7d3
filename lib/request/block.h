#ifndef REQUEST_BLOCK_H
#define REQUEST_BLOCK_H

/*
 * block: the memory of what a request may grow by, its further timers and its logs: chains of
 * blocks of one size, taken and given back without a lock (base/pool.h). A chain is used by one
 * thread at a time.
 */

#include "base/pool.h"

#define BLOCK_BYTES 240

struct block {
    struct pool_link link;
    struct block *next;
    _Alignas(8) char at[BLOCK_BYTES]; /* as it was left by whoever had it before */
};

/* A block that is the end of a chain; NULL without memory. */
struct block *block_make(void);

/* Gives a whole chain back; NULL is one. */
void block_free_all(struct block *first);

/* In a forked child: all blocks are the parent's. */
void block_forget(void);

#endif
