/*
 * prologues: every named function of the distribution's libraries and programs either fits, and
 * then the instructions moved from its start mean what they meant, or is refused for a reason. The
 * two spellings are decoded and compared here, with no code of lib/hook/. Prints how many were
 * refused and why.
 *
 *   prologues [FILE…]
 */

#include <Zydis/Zydis.h>

#include "elf_functions.h"
#include "hook/move.h"
#include "hook/prologue.h"

static const char *const usual[] = {
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib/x86_64-linux-gnu/libm.so.6",
    "/lib/x86_64-linux-gnu/libz.so.1",
    "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
    "/usr/lib/x86_64-linux-gnu/libssl.so.3",
    "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0",
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0",
    "/usr/lib/x86_64-linux-gnu/libapr-1.so.0",
    "/usr/bin/python3.11",
    "/usr/sbin/nginx",
    "/usr/sbin/apache2",
    "/usr/bin/redis-server",
};

enum { LEAST = 2000, INSNS_MAX = 32, AROUND = 1 << 16 };

/* Where the moved copy would be. */
#define AWAY 0x10000000

struct line {
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint64_t address;
};

struct listing {
    struct line lines[INSNS_MAX];
    size_t n;
};

static bool names;
static struct elf_file file;
static const struct elf_function *function;

/* Names the function, and ends the program. */
#define expect_here(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s at %#lx\n", function->name, (unsigned long)function->address);     \
            expect(condition);                                                                     \
        }                                                                                          \
    } while (0)

static size_t decode(struct line *line, const uint8_t *at, size_t n, uint64_t address)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    expect_here(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, at, n, &line->insn, line->operands)));
    line->address = address;
    return line->insn.length;
}

static void list(struct listing *listing, const uint8_t *at, size_t n, uint64_t address)
{
    listing->n = 0;
    for (size_t i = 0; i < n;) {
        expect_here(listing->n < INSNS_MAX);
        i += decode(&listing->lines[listing->n++], at + i, n - i, address + i);
    }
}

static uint64_t absolute(const struct line *line, int operand)
{
    ZyanU64 address = 0;
    expect_here(ZYAN_SUCCESS(
        ZydisCalcAbsoluteAddress(&line->insn, &line->operands[operand], line->address, &address)));
    return address;
}

static bool is_near_memory(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.base == ZYDIS_REGISTER_RIP;
}

static bool is_relative(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operand->imm.is_relative;
}

static void same_memory(const ZydisDecodedOperand *a, const ZydisDecodedOperand *b)
{
    expect_here(a->mem.base == b->mem.base && a->mem.index == b->mem.index &&
                a->mem.scale == b->mem.scale && a->mem.segment == b->mem.segment);
    expect_here(a->mem.disp.has_displacement == b->mem.disp.has_displacement &&
                a->mem.disp.value == b->mem.disp.value);
}

static void same_operand(const struct line *old, const struct line *new, int i)
{
    const ZydisDecodedOperand *a = &old->operands[i], *b = &new->operands[i];
    expect_here(a->type == b->type && a->actions == b->actions);
    if (is_relative(a) || is_near_memory(a)) {
        expect_here(is_relative(a) == is_relative(b) && is_near_memory(a) == is_near_memory(b));
        expect_here(absolute(old, i) == absolute(new, i));
        return;
    }
    expect_here(a->size == b->size);
    if (a->type == ZYDIS_OPERAND_TYPE_REGISTER)
        expect_here(a->reg.value == b->reg.value);
    else if (a->type == ZYDIS_OPERAND_TYPE_MEMORY)
        same_memory(a, b);
    else
        expect_here(a->imm.value.u == b->imm.value.u);
}

static void same_insn(const struct line *old, const struct line *new)
{
    expect_here(old->insn.mnemonic == new->insn.mnemonic);
    expect_here(old->insn.operand_count_visible == new->insn.operand_count_visible);
    for (int i = 0; i < old->insn.operand_count_visible; i++)
        same_operand(old, new, i);
    /* A near jump has other attributes than a short one. */
    if (!is_relative(&old->operands[0]))
        expect_here((old->insn.attributes & ~ZYDIS_ATTRIB_IS_RELATIVE) ==
                    (new->insn.attributes & ~ZYDIS_ATTRIB_IS_RELATIVE));
}

static void is_jump_to(const struct line *line, uint64_t target)
{
    expect_here(line->insn.mnemonic == ZYDIS_MNEMONIC_JMP && is_relative(&line->operands[0]));
    expect_here(absolute(line, 0) == target);
}

/* push [rip+…]; jmp …; and in what follows the return address, which is where the push reads. */
static size_t same_call(const struct line *old, const uint8_t *copy, size_t n, uint64_t address)
{
    struct line push, jump;
    uint64_t back;
    size_t at = decode(&push, copy, n, address);
    at += decode(&jump, copy + at, n - at, address + at);
    expect_here(push.insn.mnemonic == ZYDIS_MNEMONIC_PUSH && is_near_memory(&push.operands[0]));
    expect_here(absolute(&push, 0) == address + at && n == at + sizeof back);
    memcpy(&back, copy + at, sizeof back);
    expect_here(back == old->address + old->insn.length);
    expect_here(jump.insn.mnemonic == ZYDIS_MNEMONIC_JMP);
    same_operand(old, &jump, 0);
    return n;
}

/* loop and the like: over a jump, or to it. */
static size_t same_counted(const struct line *old, const uint8_t *copy, size_t n, uint64_t address)
{
    struct listing listing;
    size_t size = old->insn.length + 7u;
    expect_here(n >= size);
    list(&listing, copy, size, address);
    expect_here(listing.n == 3 && listing.lines[0].insn.mnemonic == old->insn.mnemonic);
    expect_here(listing.lines[0].insn.address_width == old->insn.address_width);
    expect_here(absolute(&listing.lines[0], 0) == listing.lines[2].address);
    is_jump_to(&listing.lines[1], address + size);
    is_jump_to(&listing.lines[2], absolute(old, 0));
    return size;
}

static bool is_counted(const struct line *line)
{
    ZydisMnemonic mnemonic = line->insn.mnemonic;
    return mnemonic == ZYDIS_MNEMONIC_JRCXZ || mnemonic == ZYDIS_MNEMONIC_JECXZ ||
           mnemonic == ZYDIS_MNEMONIC_LOOP || mnemonic == ZYDIS_MNEMONIC_LOOPE ||
           mnemonic == ZYDIS_MNEMONIC_LOOPNE;
}

/* Returns how much of the copy the instruction has become. */
static size_t same(const struct line *old, const uint8_t *copy, size_t n, uint64_t address)
{
    struct line new;
    if (old->insn.mnemonic == ZYDIS_MNEMONIC_CALL)
        return same_call(old, copy, n, address);
    if (is_counted(old))
        return same_counted(old, copy, n, address);
    size_t size = decode(&new, copy, n, address);
    same_insn(old, &new);
    return size;
}

static void verify(const struct prologue *prologue)
{
    uint8_t copy[MOVE_BYTES_MAX];
    uint64_t to = prologue->address + AWAY;
    size_t n, at = 0;
    expect_here(move_prologue(prologue, to, copy, &n) == PROLOGUE_FITS);
    struct listing old;
    list(&old, prologue->at + prologue->begin, prologue->end - prologue->begin,
         prologue->address + prologue->begin);
    for (size_t i = 0; i < old.n; i++)
        at += same(&old.lines[i], copy + at, n - at, to + at);
    if (at == n) {
        ZydisMnemonic last = old.lines[old.n - 1].insn.mnemonic;
        expect_here(last == ZYDIS_MNEMONIC_CALL || last == ZYDIS_MNEMONIC_JMP ||
                    last == ZYDIS_MNEMONIC_RET);
        return;
    }
    struct line rest;
    expect_here(at + decode(&rest, copy + at, n - at, to + at) == n);
    is_jump_to(&rest, prologue->address + prologue->end);
}

struct tally {
    size_t functions, by_verdict[PROLOGUE_VERDICTS];
};

/* Of what could jump into the function, its neighbours: all of a large library takes too long. */
static struct prologue_code code_of_function(void)
{
    size_t at = function->address - file.text_address;
    size_t begin = at > AROUND ? at - AROUND : 0;
    size_t end = file.text_size - at > AROUND + function->size ? at + function->size + AROUND
                                                               : file.text_size;
    return (struct prologue_code){file.text + at, function->address, function->size,
                                  function->room, file.text + begin, end - begin};
}

static void judge(struct tally *tally)
{
    struct prologue_code code = code_of_function();
    struct prologue prologue;
    enum prologue_verdict verdict = prologue_read(&code, &prologue);
    if (verdict == PROLOGUE_FITS)
        verify(&prologue);
    else if (names)
        printf("%s: %s\n", function->name, prologue_reason(verdict));
    tally->functions++;
    tally->by_verdict[verdict]++;
}

static void print(const char *name, const struct tally *tally)
{
    printf("%s: %zu of %zu functions can be hooked\n", name, tally->by_verdict[PROLOGUE_FITS],
           tally->functions);
    for (int i = PROLOGUE_FITS + 1; i < PROLOGUE_VERDICTS; i++)
        if (tally->by_verdict[i] != 0)
            printf("%8zu  %s\n", tally->by_verdict[i], prologue_reason((enum prologue_verdict)i));
}

static void judge_file(const char *path, struct tally *all)
{
    struct tally tally = {0};
    if (!elf_open(&file, path))
        return;
    for (size_t i = 0; i < file.n; i++) {
        function = &file.functions[i];
        judge(&tally);
    }
    elf_close(&file);
    print(strrchr(path, '/') + 1, &tally);
    all->functions += tally.functions;
    for (int i = 0; i < PROLOGUE_VERDICTS; i++)
        all->by_verdict[i] += tally.by_verdict[i];
}

int main(int argc, char **argv)
{
    struct tally all = {0};
    names = argc > 1 && strcmp(argv[1], "--names") == 0;
    int first = names ? 2 : 1;
    for (int i = first; i < argc; i++)
        judge_file(argv[i], &all);
    for (size_t i = 0; argc == first && i < sizeof usual / sizeof *usual; i++)
        judge_file(usual[i], &all);
    print("all", &all);
    expect(argc > first || all.functions >= LEAST);
    expect(all.by_verdict[PROLOGUE_FITS] * 10 >= all.functions * 8);
    return 0;
}
