#include "request/notes.h"

#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(struct notes) <= BLOCK_BYTES, "notes fit in a block");

struct notes *notes_make(void)
{
    struct block *block = block_make();
    if (block == NULL)
        return NULL;
    struct notes *notes = (struct notes *)(void *)block->at;
    memset(notes, 0, offsetof(struct notes, timers.here));
    return notes;
}

void notes_free(struct notes *notes)
{
    timers_clear(&notes->timers);
    alog_clear(&notes->alog);
    block_free_all((struct block *)(void *)((char *)notes - offsetof(struct block, at)));
}
