#ifndef HOOK_PROLOGUE_H
#define HOOK_PROLOGUE_H

/*
 * prologue: whether the first bytes of an x86-64 function can make room for a jump of five bytes,
 * and which of its instructions have to be moved for it. Pure: bytes in, a verdict out; what cannot
 * be proved to be safe is refused.
 *
 * What cannot be seen: a jump through a table or a register back into the first bytes. Compilers
 * make none: a place that is jumped to through a table lies behind the instructions that did it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROLOGUE_PATCH_BYTES = 5 };

enum prologue_verdict {
    PROLOGUE_FITS,
    PROLOGUE_PROCESSOR,
    PROLOGUE_NO_SIZE,
    PROLOGUE_TOO_SHORT,
    PROLOGUE_NOT_CODE,
    PROLOGUE_PATCHED,
    PROLOGUE_UNUSUAL,
    PROLOGUE_RETURNED_INTO,
    PROLOGUE_JUMPED_INTO,
    PROLOGUE_LOOPS,
    PROLOGUE_INTRUDED,
    PROLOGUE_TOO_FAR,
    PROLOGUE_VERDICTS
};

/* Why, in a sentence's words: "its start is jumped into". For PROLOGUE_FITS, "it can be hooked". */
const char *prologue_reason(enum prologue_verdict verdict);

/* A function as it stands in memory or in its file. */
struct prologue_code {
    const uint8_t *at; /* its bytes */
    uint64_t address;  /* where it runs, or would without being moved as a whole */
    size_t size;       /* its symbol's size */
    size_t room;       /* from `at` on, bytes that may be read and belong to no other symbol: `size`
                          if not known; what lies behind a short function is then taken as used */
    const uint8_t *text; /* the code around it, it included, that may jump into it; NULL: unknown */
    size_t text_size;
};

struct prologue {
    const uint8_t *at;
    uint64_t address;
    size_t begin; /* where the patch goes, from `at` on: behind an endbr64 */
    size_t end;   /* the instructions from `begin` to here are moved */
    bool ends;    /* the last of them never runs on into what follows */
    bool calls;   /* the last of them is a call */
};

/* Looks at a function; `*prologue` is of use if it fits. Of `text` only jumps are looked for, which
 * takes about a millisecond per megabyte. */
enum prologue_verdict prologue_read(const struct prologue_code *code, struct prologue *prologue);

/* The same by the function's own bytes alone: 0, or -ENOTSUP with the reason in `*reason`. */
int prologue_check(const uint8_t *code, size_t size, uint64_t address, const char **reason);

#endif
