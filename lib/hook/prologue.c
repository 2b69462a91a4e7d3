#include "hook/prologue.h"

#include <errno.h>

#include "hook/insn.h"
#include "hook/intruder.h"

#if defined(__x86_64__)
static const bool is_our_processor = true;
#else
static const bool is_our_processor = false;
#endif

static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

const char *prologue_reason(enum prologue_verdict verdict)
{
    static const char *const reasons[PROLOGUE_VERDICTS] = {
        [PROLOGUE_FITS] = "it can be hooked",
        [PROLOGUE_PROCESSOR] = "functions are hooked on x86-64 processors only",
        [PROLOGUE_NO_SIZE] = "its size is not known",
        [PROLOGUE_TOO_SHORT] = "it is too short for a jump",
        [PROLOGUE_NOT_CODE] = "it holds bytes that are no instructions",
        [PROLOGUE_PATCHED] = "somebody else has patched its start",
        [PROLOGUE_UNUSUAL] = "its start holds an instruction that cannot be moved",
        [PROLOGUE_RETURNED_INTO] = "a call in its start returns into the start",
        [PROLOGUE_JUMPED_INTO] = "it jumps into its own start",
        [PROLOGUE_LOOPS] = "it jumps back to its entry, which would count as a call",
        [PROLOGUE_INTRUDED] = "other code jumps into its start",
        [PROLOGUE_TOO_FAR] = "what its start refers to is too far from where it can be moved to",
    };
    return reasons[verdict];
}

static size_t entry_marker(const struct prologue_code *code)
{
    if (code->size < sizeof endbr64)
        return 0;
    for (size_t i = 0; i < sizeof endbr64; i++)
        if (code->at[i] != endbr64[i])
            return 0;
    return sizeof endbr64;
}

/* How many bytes of filling stand at `at`: nop, int3 or zeros; 0 if none do. */
static size_t filling(const uint8_t *at, size_t n)
{
    ZydisDecodedInstruction insn;
    if (*at == 0 || *at == 0xcc)
        return 1;
    return insn_decode(at, n, &insn) && insn.mnemonic == ZYDIS_MNEMONIC_NOP ? insn.length : 0;
}

/* Whether what lies behind the function is filling up to the next boundary of 16 bytes, and the
 * patch ends before that. */
static bool has_filling(const struct prologue_code *code, size_t patch_end)
{
    size_t boundary = code->size + (size_t)(-(code->address + code->size) & 15);
    if (patch_end > boundary || boundary > code->room)
        return false;
    for (size_t at = code->size; at < boundary;) {
        size_t n = filling(code->at + at, boundary - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

/* A breakpoint, or a jump away in front of a function's body. A function that is nothing but a jump
 * is one that ends in a call of another. */
static bool is_patch(const struct prologue_code *code, size_t at,
                     const ZydisDecodedInstruction *insn)
{
    uint64_t target;
    if (insn->mnemonic == ZYDIS_MNEMONIC_INT3)
        return true;
    if (insn->mnemonic != ZYDIS_MNEMONIC_JMP || at + insn->length == code->size)
        return false;
    return !insn_target(insn, code->address + at, &target) || target - code->address >= code->size;
}

/* A call's return address is the one behind its old place, which is to stay an instruction. */
static enum prologue_verdict judge_moved(const struct prologue_code *code,
                                         const struct prologue *prologue,
                                         const ZydisDecodedInstruction *insn)
{
    if ((prologue->end == prologue->begin || insn->mnemonic == ZYDIS_MNEMONIC_INT3) &&
        is_patch(code, prologue->end, insn))
        return PROLOGUE_PATCHED;
    if (!insn_is_movable(insn))
        return PROLOGUE_UNUSUAL;
    if (insn_is_call(insn) && prologue->end + insn->length < prologue->begin + PROLOGUE_PATCH_BYTES)
        return PROLOGUE_RETURNED_INTO;
    return PROLOGUE_FITS;
}

/* Whole instructions until there is room for the patch. */
static enum prologue_verdict read_moved(const struct prologue_code *code, struct prologue *prologue)
{
    size_t patch_end = prologue->begin + PROLOGUE_PATCH_BYTES;
    while (prologue->end < patch_end) {
        ZydisDecodedInstruction insn;
        if (prologue->end == code->size)
            return prologue->ends && has_filling(code, patch_end) ? PROLOGUE_FITS
                                                                  : PROLOGUE_TOO_SHORT;
        if (!insn_decode(code->at + prologue->end, code->size - prologue->end, &insn))
            return PROLOGUE_NOT_CODE;
        enum prologue_verdict verdict = judge_moved(code, prologue, &insn);
        if (verdict != PROLOGUE_FITS)
            return verdict;
        prologue->ends = insn_ends_flow(&insn);
        prologue->calls = insn_is_call(&insn);
        prologue->end += insn.length;
    }
    return PROLOGUE_FITS;
}

/* Behind the patch's first byte nothing may jump to any, up to this one. */
static size_t last_moved(const struct prologue *prologue)
{
    size_t patch_end = prologue->begin + PROLOGUE_PATCH_BYTES;
    return (prologue->end > patch_end ? prologue->end : patch_end) - 1;
}

/* A call of the function by itself is a call; a jump to its entry is one or a loop: who can say. */
static enum prologue_verdict judge_target(const struct prologue *prologue, uint64_t offset,
                                          const ZydisDecodedInstruction *insn)
{
    if (offset <= prologue->begin)
        return insn_is_call(insn) ? PROLOGUE_FITS : PROLOGUE_LOOPS;
    return offset <= last_moved(prologue) ? PROLOGUE_JUMPED_INTO : PROLOGUE_FITS;
}

static enum prologue_verdict read_body(const struct prologue_code *code,
                                       const struct prologue *prologue)
{
    ZydisDecodedInstruction insn;
    for (size_t at = 0; at < code->size; at += insn.length) {
        uint64_t target;
        if (!insn_decode(code->at + at, code->size - at, &insn))
            return PROLOGUE_NOT_CODE;
        if (!insn_target(&insn, code->address + at, &target))
            continue;
        enum prologue_verdict verdict = judge_target(prologue, target - code->address, &insn);
        if (verdict != PROLOGUE_FITS)
            return verdict;
    }
    return PROLOGUE_FITS;
}

static enum prologue_verdict look_around(const struct prologue_code *code,
                                         const struct prologue *prologue)
{
    struct intruder_search search = {
        code->text, code->text_size,     (size_t)(code->at - code->text),
        code->size, prologue->begin + 1, last_moved(prologue)};
    return code->text != NULL && intruder_exists(&search) ? PROLOGUE_INTRUDED : PROLOGUE_FITS;
}

enum prologue_verdict prologue_read(const struct prologue_code *code, struct prologue *prologue)
{
    size_t begin = entry_marker(code);
    *prologue =
        (struct prologue){.at = code->at, .address = code->address, .begin = begin, .end = begin};
    if (!is_our_processor)
        return PROLOGUE_PROCESSOR;
    if (code->size == 0)
        return PROLOGUE_NO_SIZE;
    enum prologue_verdict verdict = read_moved(code, prologue);
    if (verdict == PROLOGUE_FITS)
        verdict = read_body(code, prologue);
    return verdict == PROLOGUE_FITS ? look_around(code, prologue) : verdict;
}

int prologue_check(const uint8_t *code, size_t size, uint64_t address, const char **reason)
{
    struct prologue_code function = {code, address, size, size, NULL, 0};
    struct prologue prologue;
    enum prologue_verdict verdict = prologue_read(&function, &prologue);
    if (verdict == PROLOGUE_FITS)
        return 0;
    *reason = prologue_reason(verdict);
    return -ENOTSUP;
}
