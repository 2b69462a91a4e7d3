#include "hook/insn.h"

bool insn_decode(const uint8_t *at, size_t n, ZydisDecodedInstruction *insn)
{
    ZydisDecoder decoder;
    return ZYAN_SUCCESS(
               ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
           ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, at, n, insn));
}

bool insn_target(const ZydisDecodedInstruction *insn, uint64_t address, uint64_t *target)
{
    if (insn->raw.imm[0].size == 0 || !insn->raw.imm[0].is_relative)
        return false;
    *target = address + insn->length + (uint64_t)insn->raw.imm[0].value.s;
    return true;
}

bool insn_reads_near(const ZydisDecodedInstruction *insn)
{
    return (insn->attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0 && insn->raw.modrm.mod == 0 &&
           insn->raw.modrm.rm == 5 && insn->raw.disp.size == 32;
}

bool insn_is_call(const ZydisDecodedInstruction *insn)
{
    return insn->meta.category == ZYDIS_CATEGORY_CALL;
}

static bool is_jump(const ZydisDecodedInstruction *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_JMP;
}

bool insn_is_indirect_jump(const ZydisDecodedInstruction *insn)
{
    return is_jump(insn) && !insn->raw.imm[0].is_relative;
}

bool insn_ends_flow(const ZydisDecodedInstruction *insn)
{
    return is_jump(insn) || insn->meta.category == ZYDIS_CATEGORY_RET;
}

static bool is_branch(const ZydisDecodedInstruction *insn)
{
    return is_jump(insn) || insn_is_call(insn) || insn->meta.category == ZYDIS_CATEGORY_COND_BR ||
           insn->meta.category == ZYDIS_CATEGORY_RET;
}

/* Processors disagree about a near branch with an operand size prefix; a far one is never met. */
static bool is_odd_branch(const ZydisDecodedInstruction *insn)
{
    return insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
           (insn->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) != 0;
}

/* Its push comes before its operand is read where it is moved: see move.h. */
static bool is_call_by_stack_pointer(const ZydisDecodedInstruction *insn)
{
    if (!insn_is_call(insn) || insn->raw.imm[0].is_relative || insn->raw.rex.B != 0)
        return false;
    return insn->raw.modrm.rm == 4 && (insn->raw.modrm.mod == 3 || insn->raw.sib.base == 4);
}

/* What traps tells its place to a handler; what is begun here may come back here. */
static bool is_tied_to_place(const ZydisDecodedInstruction *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_XBEGIN:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
        return true;
    default:
        return insn->meta.category == ZYDIS_CATEGORY_INTERRUPT ||
               insn->meta.category == ZYDIS_CATEGORY_IO ||
               insn->meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
    }
}

bool insn_is_movable(const ZydisDecodedInstruction *insn)
{
    if ((insn->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0 || is_tied_to_place(insn))
        return false;
    if (is_branch(insn) && (is_odd_branch(insn) || is_call_by_stack_pointer(insn)))
        return false;
    return !insn_reads_near(insn) || insn->address_width == 64;
}
