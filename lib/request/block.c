#include "request/block.h"

/* 256 MiB in all: what is asked for past that is refused, as without memory. */
POOL(blocks, struct block, 1048576);

struct block *block_make(void)
{
    struct block *block = pool_get(&blocks);
    if (block != NULL)
        block->next = NULL;
    return block;
}

void block_free_all(struct block *first)
{
    while (first != NULL) {
        struct block *next = first->next;
        pool_put(&blocks, first);
        first = next;
    }
}

void block_forget(void)
{
    pool_forget(&blocks);
}
