#ifndef REQUEST_PHRASES_H
#define REQUEST_PHRASES_H

/*
 * phrases: texts that lines are made of again and again (the line that counts a label and action,
 * or a status), kept once they are spelled. Of those that fall on one slot the last one stays. Only
 * for the sender's thread.
 */

#include <stdint.h>

#include "base/bytes.h"

#define PHRASE_BYTES 512

struct phrase {
    const void *speaker; /* whose phrase */
    uint64_t name;       /* which of its phrases */
    uint16_t n;          /* 0: still to be spelled, by whoever looked it up */
    uint16_t key_bytes;  /* for the speaker: where the line's key ends */
    char at[PHRASE_BYTES];
};

/* The phrase's slot. */
struct phrase *phrase_of(const void *speaker, uint64_t name);

/* Forgets all: a speaker says other things from now on. */
void phrases_forget(void);

#endif
