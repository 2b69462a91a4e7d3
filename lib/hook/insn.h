#ifndef HOOK_INSN_H
#define HOOK_INSN_H

/*
 * insn: one x86-64 instruction, and what it means for those who move code or patch it. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <Zydis/Zydis.h>

/* Decodes what stands at `at`, of which `n` bytes may be read. False: no instruction, or cut off.
 */
bool insn_decode(const uint8_t *at, size_t n, ZydisDecodedInstruction *insn);

/* Whether it names a place relative to itself to go to; then `*target` is it. */
bool insn_target(const ZydisDecodedInstruction *insn, uint64_t address, uint64_t *target);

/* Whether it has an operand in memory relative to itself. */
bool insn_reads_near(const ZydisDecodedInstruction *insn);

bool insn_is_call(const ZydisDecodedInstruction *insn);

/* A jump to a place that a register or memory holds. */
bool insn_is_indirect_jump(const ZydisDecodedInstruction *insn);

/* Whether nothing runs from it into what follows: a jump or a return. */
bool insn_ends_flow(const ZydisDecodedInstruction *insn);

/* Whether it means the same elsewhere, as far as this library can spell it. */
bool insn_is_movable(const ZydisDecodedInstruction *insn);

#endif
