#ifndef HOOK_MOVE_H
#define HOOK_MOVE_H

/*
 * move: a function's first instructions, spelled for another place, where they do what they did:
 * operands and targets that are relative to the instruction are the same addresses, and no
 * register, flag or byte of the stack differs.
 *
 * A call pushes the return address that it pushed at its old place and then jumps: its callee
 * returns into the function itself, and whoever looks at the stack meanwhile (an unwinder, an
 * exception, a callee that asks where it was called from) sees what it knows. So a call ends what
 * is moved. Short jumps become near ones; loop and jrcxz, which have no near form, jump to one.
 */

#include <stddef.h>
#include <stdint.h>

#include "hook/prologue.h"

enum { MOVE_BYTES_MAX = 64 };

/*
 * Writes the moved instructions as they are to stand at address `to`, and a jump to what follows
 * them, into `bytes` (MOVE_BYTES_MAX of them) and their number into `*n`, which does not depend on
 * `to`. PROLOGUE_FITS, or PROLOGUE_TOO_FAR if an operand is out of reach of `to`.
 */
enum prologue_verdict move_prologue(const struct prologue *prologue, uint64_t to, uint8_t *bytes,
                                    size_t *n);

#endif
