#include "request/phrases.h"

#include <stddef.h>

enum { SLOT_BITS = 8 };

static struct phrase slots[1 << SLOT_BITS];

struct phrase *phrase_of(const void *speaker, uint64_t name)
{
    uint64_t hash = (name ^ (uintptr_t)speaker) * 0x9e3779b97f4a7c15;
    struct phrase *phrase = &slots[hash >> (64 - SLOT_BITS)];
    if (phrase->speaker != speaker || phrase->name != name) {
        phrase->speaker = speaker;
        phrase->name = name;
        phrase->keys = phrase->n = phrase->one_bytes = phrase->times_bytes = 0;
        phrase->too_long = false;
    }
    return phrase;
}

/* What was never spelled is not written to: most slots' memory is never touched. */
void phrases_forget(void)
{
    for (unsigned i = 0; i < sizeof slots / sizeof *slots; i++)
        if (slots[i].speaker != NULL)
            slots[i].speaker = NULL;
}
