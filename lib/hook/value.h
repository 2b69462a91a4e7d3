#ifndef HOOK_VALUE_H
#define HOOK_VALUE_H

/*
 * value: what a hook's entry says of one property of a request, such as `arg0+0x10:str`, and how it
 * is read from a call's arguments. A pointer that can't be read gives `invalid`, never a fault.
 *
 *     value  = 'TEXT' | place [:type]
 *     place  = (arg0 … arg5 | ret) step*        the first six integer arguments; what was returned
 *     step   = +OFFSET                          the word that stands OFFSET bytes behind (C's ->)
 *            | .OFFSET                          the address OFFSET bytes behind (C's &p->member)
 *     type   = str                              the place points to text that ends with a zero byte
 *            | BYTES | place[:integer]          it points to that many bytes
 *            | integer
 *     integer = i8 i16 i32 i64 u8 u16 u32 u64   the place, or what the last + stands on, is that
 *
 * Numbers are decimal or, with 0x, hexadecimal. Without a type a value is an i64.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define VALUE_ARGUMENTS  6
#define VALUE_STEPS      4   /* of one place, at most */
#define VALUE_TEXT_BYTES 128 /* of one text; a longer one is cut */
#define VALUES_MOST      4   /* to read in one go */

/* A call: the integer argument registers as they were when it began, and what it returned. */
struct value_frame {
    uint64_t arg[VALUE_ARGUMENTS];
    uint64_t ret;
};

enum { VALUE_RET = VALUE_ARGUMENTS }; /* the source that is no argument */

struct value_step {
    uint32_t offset;
    bool follow; /* what stands there is the next word; else the address is */
};

/* A word that begins as an argument and goes step by step; its last `width` bytes count. */
struct value_place {
    uint8_t source, steps;
    uint8_t width; /* 1, 2, 4 or 8 */
    bool is_signed;
    struct value_step step[VALUE_STEPS];
};

enum value_kind { VALUE_NONE, VALUE_LITERAL, VALUE_STRING, VALUE_BYTES, VALUE_INTEGER };

/* Zero it to have none. */
struct value {
    enum value_kind kind;
    struct value_place place;  /* but of literals */
    uint32_t bytes;            /* of VALUE_BYTES; 0: what `length` says */
    struct value_place length; /* if so */
    struct bytes literal;
};

/*
 * Reads `text` as the grammar above says; a literal holds no quote and is not empty. `width` 4 or 8
 * is that of an integer whose type is not given. 0 or -EINVAL. The literal is a view of `text`.
 * Pure.
 */
int value_parse(struct value *value, struct bytes text, uint8_t width);

/* Whether something of it is known only when the call has returned. */
bool value_needs_return(const struct value *value);

/* A text and, unless it is a literal or a constant, the room that it stands in. */
struct value_text {
    struct bytes text;
    char room[VALUE_TEXT_BYTES];
};

/*
 * Reads `n` <= VALUES_MOST values into `texts`. Integers become decimal. What can't be read is
 * `invalid`: a bad address on the way, NULL too, a text that runs into one before its end, a
 * negative length. VALUE_NONE is empty. Bytes lose the zeros at their end.
 *
 * All are read together: each + on the longest way costs one system call, and all texts one more
 * (see hook/peek.h); literals and arguments themselves cost none. Any thread, signal handlers too;
 * errno is left alone. process_begin must have run; not in a child that a raw clone made.
 */
void value_texts(struct value_text *texts, const struct value *const *values, size_t n,
                 const struct value_frame *frame);

/* Reads an integer, as above. 0, or -EFAULT. */
int value_number(int64_t *number, const struct value *value, const struct value_frame *frame);

#endif
