#include "hook/move.h"

#include <stdbool.h>
#include <string.h>

#include "hook/insn.h"

/* What is written, and whether every distance could be spelled. */
struct copy {
    uint8_t *bytes;
    size_t n;
    uint64_t address;
    bool far;
};

static void put(struct copy *copy, const void *bytes, size_t n)
{
    memcpy(copy->bytes + copy->n, bytes, n);
    copy->n += n;
}

static void put_byte(struct copy *copy, unsigned value)
{
    copy->bytes[copy->n++] = (uint8_t)value;
}

/* At `place` of the copy: how far it is from the address behind the instruction to `target`. */
static void set_distance(struct copy *copy, size_t place, size_t insn_end, uint64_t target)
{
    int64_t distance = (int64_t)(target - (copy->address + insn_end));
    int32_t spelled = (int32_t)distance;
    copy->far |= spelled != distance;
    memcpy(copy->bytes + place, &spelled, sizeof spelled);
}

static void put_distance(struct copy *copy, uint64_t target)
{
    copy->n += 4;
    set_distance(copy, copy->n - 4, copy->n, target);
}

static void put_jump(struct copy *copy, uint64_t target)
{
    put_byte(copy, 0xe9);
    put_distance(copy, target);
}

static void put_plain(struct copy *copy, const uint8_t *at, const ZydisDecodedInstruction *insn,
                      uint64_t address)
{
    size_t begin = copy->n;
    put(copy, at, insn->length);
    if (insn_reads_near(insn)) {
        uint64_t operand = address + insn->length + (uint64_t)insn->raw.disp.value;
        set_distance(copy, begin + insn->raw.disp.offset, copy->n, operand);
    }
}

/* loop, loope, loopne, jrcxz, with what stands in front: over a jump, or to it. */
static void put_counted(struct copy *copy, const uint8_t *at, const ZydisDecodedInstruction *insn,
                        uint64_t target)
{
    put(copy, at, insn->length - 1u);
    put_byte(copy, 2);
    put_byte(copy, 0xeb);
    put_byte(copy, 5);
    put_jump(copy, target);
}

static void put_condition(struct copy *copy, const ZydisDecodedInstruction *insn, uint64_t target)
{
    put_byte(copy, 0x0f);
    put_byte(copy, 0x80u | (insn->opcode & 0x0f));
    put_distance(copy, target);
}

/* The jump's length is not known before it is written; then the push learns where the address is.
 */
static void put_call(struct copy *copy, const uint8_t *at, const ZydisDecodedInstruction *insn,
                     uint64_t address)
{
    uint64_t target, back = address + insn->length;
    put(copy, "\xff\x35", 2); /* push [rip+distance] */
    copy->n += 4;
    size_t jump = copy->n;
    if (insn_target(insn, address, &target)) {
        put_jump(copy, target);
    } else {
        put_plain(copy, at, insn, address);
        uint8_t *modrm = copy->bytes + jump + insn->raw.modrm.offset;
        *modrm = (uint8_t)((*modrm & ~0x38u) | 0x20); /* ff /2 is a call, ff /4 a jump */
    }
    set_distance(copy, jump - 4, jump, copy->address + copy->n);
    put(copy, &back, sizeof back);
}

static void put_insn(struct copy *copy, const uint8_t *at, const ZydisDecodedInstruction *insn,
                     uint64_t address)
{
    uint64_t target;
    if (insn_is_call(insn))
        put_call(copy, at, insn, address);
    else if (!insn_target(insn, address, &target))
        put_plain(copy, at, insn, address);
    else if (insn->mnemonic == ZYDIS_MNEMONIC_JMP)
        put_jump(copy, target);
    else if (insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (insn->opcode & 0xf0) == 0xe0)
        put_counted(copy, at, insn, target);
    else
        put_condition(copy, insn, target);
}

enum prologue_verdict move_prologue(const struct prologue *prologue, uint64_t to, uint8_t *bytes,
                                    size_t *n)
{
    struct copy copy = {bytes, 0, to, false};
    ZydisDecodedInstruction insn;
    bool ends = prologue->ends;
    for (size_t at = prologue->begin; at < prologue->end; at += insn.length) {
        if (!insn_decode(prologue->at + at, prologue->end - at, &insn))
            return PROLOGUE_NOT_CODE;
        put_insn(&copy, prologue->at + at, &insn, prologue->address + at);
        ends |= insn_is_call(&insn);
    }
    if (!ends)
        put_jump(&copy, prologue->address + prologue->end);
    *n = copy.n;
    return copy.far ? PROLOGUE_TOO_FAR : PROLOGUE_FITS;
}
