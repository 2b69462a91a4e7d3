#ifndef REQUEST_PHRASES_H
#define REQUEST_PHRASES_H

/*
 * phrases: what lines say again and again, kept once it is spelled: the keys that they begin with
 * (those that count a label and action, or a status), the lines that count one of each, and those
 * that tell the time of the last request. Of phrases that fall on one slot the last one stays. Only
 * for the sender's thread.
 */

#include <stdint.h>

#include "base/bytes.h"

#define PHRASE_BYTES 1536
#define PHRASE_KEYS  3

struct phrase {
    const void *speaker;       /* whose phrase */
    uint64_t name;             /* which of its phrases */
    uint32_t keys;             /* 0: still to be spelled, by whoever looked it up */
    uint32_t end[PHRASE_KEYS]; /* where each key ends */
    uint32_t n;                /* where the last one does, and `one` begins */
    uint32_t one_bytes;        /* lines that count one of each key; 0: not spelled */
    uint32_t times_bytes;      /* lines that tell `time` under each key; 0: not spelled */
    bool too_long;             /* there is no room for these */
    uint64_t time;             /* as it was told last */
    char at[PHRASE_BYTES];     /* one key after the other, then `one`, then the times */
};

/* The phrase's slot. */
struct phrase *phrase_of(const void *speaker, uint64_t name);

/* Forgets all: a speaker says other things from now on. */
void phrases_forget(void);

#endif
