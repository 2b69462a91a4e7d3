#if defined(__x86_64__)

#include <criterion/criterion.h>
#include <errno.h>

#include "machine.h"

/* Functions stand here for those who only look at them. */
enum { ADDRESS = 0x401000 };

static struct prologue prologue;

static enum prologue_verdict verdict_of(struct code code, size_t size)
{
    struct prologue_code function = {code.at, ADDRESS, size, code.n, NULL, 0};
    return prologue_read(&function, &prologue);
}

static enum prologue_verdict verdict(struct code code)
{
    return verdict_of(code, code.n);
}

/* The same, at another address. */
static enum prologue_verdict verdict_at(uint64_t address, struct code code, size_t size)
{
    struct prologue_code function = {code.at, address, size, code.n, NULL, 0};
    return prologue_read(&function, &prologue);
}

static void expect_moved(size_t begin, size_t end, bool ends)
{
    cr_assert_eq(prologue.begin, begin, "begins at %zu", prologue.begin);
    cr_assert_eq(prologue.end, end, "ends at %zu", prologue.end);
    cr_assert_eq(prologue.ends, ends);
}

Test(hook_prologue, whole_instructions_are_moved)
{
    /* push rbp; mov rbp, rsp; sub rsp, 16; leave; ret */
    cr_assert_eq(verdict(CODE("\x55\x48\x89\xe5\x48\x83\xec\x10\xc9\xc3")), PROLOGUE_FITS);
    expect_moved(0, 8, false);
    /* mov eax, 1; ret */
    cr_assert_eq(verdict(CODE("\xb8\x01\x00\x00\x00\xc3")), PROLOGUE_FITS);
    expect_moved(0, 5, false);
    /* push rbx; mov rax, imm64; pop rbx; ret */
    cr_assert_eq(verdict(CODE("\x53\x48\xb8\1\2\3\4\5\6\7\x08\x5b\xc3")), PROLOGUE_FITS);
    expect_moved(0, 11, false);
}

Test(hook_prologue, endbr64_stays)
{
    cr_assert_eq(verdict(CODE("\xf3\x0f\x1e\xfa\xb8\x01\x00\x00\x00\xc3")), PROLOGUE_FITS);
    expect_moved(4, 9, false);
    /* Anywhere else it is moved. */
    cr_assert_eq(verdict(CODE("\x90\xf3\x0f\x1e\xfa\xc3")), PROLOGUE_FITS);
    expect_moved(0, 5, false);
}

Test(hook_prologue, no_size)
{
    cr_assert_eq(verdict(CODE("")), PROLOGUE_NO_SIZE);
}

Test(hook_prologue, too_short)
{
    cr_assert_eq(verdict(CODE("\x31\xc0\xc3")), PROLOGUE_TOO_SHORT);
    cr_assert_eq(verdict(CODE("\xf3\x0f\x1e\xfa\x31\xc0\xc3")), PROLOGUE_TOO_SHORT);
    cr_assert_eq(verdict(CODE("\xf3\x0f\x1e\xfa")), PROLOGUE_TOO_SHORT);
}

Test(hook_prologue, filling_behind_a_short_function_is_room)
{
    /* xor eax, eax; ret; and 13 bytes */
    cr_assert_eq(verdict_of(CODE("\x31\xc0\xc3\x66\x66\x2e\x0f\x1f\x84\0\0\0\0\0\x66\x90"), 3),
                 PROLOGUE_FITS);
    expect_moved(0, 3, true);
    cr_assert_eq(
        verdict_of(CODE("\x31\xc0\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"), 3),
        PROLOGUE_FITS);
    cr_assert_eq(verdict_of(CODE("\x31\xc0\xc3\0\0\0\0\0\0\0\0\0\0\0\0\0"), 3), PROLOGUE_FITS);
    cr_assert_eq(
        verdict_of(CODE("\xf3\x0f\x1e\xfa\xc3\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90"), 5),
        PROLOGUE_FITS);
    expect_moved(4, 5, true);
}

Test(hook_prologue, what_may_be_used_behind_a_short_function_is_not_room)
{
    /* another symbol; another instruction; a function that runs on */
    cr_assert_eq(verdict_of(CODE("\x31\xc0\xc3\x90\x90\x90\x90\x90"), 3), PROLOGUE_TOO_SHORT);
    cr_assert_eq(
        verdict_of(CODE("\x31\xc0\xc3\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x58"), 3),
        PROLOGUE_TOO_SHORT);
    cr_assert_eq(
        verdict_of(CODE("\x31\xc0\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90"), 2),
        PROLOGUE_TOO_SHORT);
    /* the boundary comes before the patch ends */
    cr_assert_eq(verdict_at(ADDRESS + 13, CODE("\x31\xc0\xc3\x90\x90\x90\x90\x90\x90"), 3),
                 PROLOGUE_TOO_SHORT);
    cr_assert_eq(verdict_at(ADDRESS + 12, CODE("\x31\xc0\xc3\x90\x90\x90\x90\x90\x90"), 3),
                 PROLOGUE_TOO_SHORT);
    cr_assert_eq(verdict_at(ADDRESS + 11, CODE("\x31\xc0\xc3\x90\x90\x90\x90\x90\x90"), 3),
                 PROLOGUE_FITS);
}

Test(hook_prologue, bytes_that_are_no_instructions)
{
    cr_assert_eq(verdict(CODE("\x06\x90\x90\x90\x90\xc3")), PROLOGUE_NOT_CODE);
    cr_assert_eq(verdict(CODE("\x90\x90\x90\x90\x90\xc3\x06")), PROLOGUE_NOT_CODE);
    /* the last instruction is cut off */
    cr_assert_eq(verdict(CODE("\x90\x90\x90\x90\x90\xb8\x01\x00")), PROLOGUE_NOT_CODE);
    cr_assert_eq(verdict(CODE("\x90\xb8\x01\x00")), PROLOGUE_NOT_CODE);
}

Test(hook_prologue, patched_by_somebody_else)
{
    /* int3; jmp away; jmp [rip]; a breakpoint on the second instruction */
    cr_assert_eq(verdict(CODE("\xcc\x48\x89\xe5\x90\x90\xc3")), PROLOGUE_PATCHED);
    cr_assert_eq(verdict(CODE("\xe9\x00\x10\x00\x00\x90\x90\xc3")), PROLOGUE_PATCHED);
    cr_assert_eq(verdict(CODE("\xff\x25\x00\x00\x00\x00\x90\xc3")), PROLOGUE_PATCHED);
    cr_assert_eq(verdict(CODE("\x55\xcc\x89\xe5\x90\x90\xc3")), PROLOGUE_PATCHED);
    cr_assert_eq(verdict(CODE("\xf3\x0f\x1e\xfa\xe9\x00\x10\x00\x00\xc3")), PROLOGUE_PATCHED);
}

Test(hook_prologue, a_function_that_is_a_jump_is_none_of_those)
{
    cr_assert_eq(verdict(CODE("\xe9\x00\x10\x00\x00")), PROLOGUE_FITS);
    expect_moved(0, 5, true);
    cr_assert_eq(verdict(CODE("\xff\x25\x00\x10\x00\x00")), PROLOGUE_FITS);
    /* jmp over to its own body */
    cr_assert_eq(verdict(CODE("\xeb\x04\x90\x90\x90\x90\x31\xc0\xc3")), PROLOGUE_FITS);
    expect_moved(0, 5, false);
}

Test(hook_prologue, jumps_into_its_start)
{
    /* xor eax, eax; inc eax; dec edi; then back to the second or third of them */
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc0\xff\xcf\x75\xfa\xc3")), PROLOGUE_JUMPED_INTO);
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc0\xff\xcf\x75\xfc\xc3")), PROLOGUE_JUMPED_INTO);
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc0\xff\xcf\xeb\xfa\xc3")), PROLOGUE_JUMPED_INTO);
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc0\xff\xcf\xe9\xf7\xff\xff\xff\xc3")),
                 PROLOGUE_JUMPED_INTO);
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc0\xff\xcf\x0f\x85\xf6\xff\xff\xff\xc3")),
                 PROLOGUE_JUMPED_INTO);
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc0\xff\xcf\xe2\xfa\xc3")), PROLOGUE_JUMPED_INTO);
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc0\xff\xcf\xe8\xf7\xff\xff\xff\xc3")),
                 PROLOGUE_JUMPED_INTO);
    /* from its start: over a lock prefix, as assembler does */
    cr_assert_eq(verdict(CODE("\x74\x01\xf0\x0f\xb1\x0f\xc3")), PROLOGUE_JUMPED_INTO);
    /* into an instruction that the patch begins and does not cover */
    cr_assert_eq(verdict(CODE("\x90\x48\xb8\x90\x90\x90\x90\x90\x90\x90\x90\xeb\xf9")),
                 PROLOGUE_JUMPED_INTO);
}

Test(hook_prologue, behind_its_start_it_may_jump_to)
{
    /* xor eax, eax; inc ecx; nop; 1: dec edi; jnz 1b; ret */
    cr_assert_eq(verdict(CODE("\x31\xc0\xff\xc1\x90\xff\xcf\x75\xfc\xc3")), PROLOGUE_FITS);
}

Test(hook_prologue, loops_through_its_entry)
{
    cr_assert_eq(verdict(CODE("\xff\xc0\x90\x90\x90\xff\xcf\x75\xf7\xc3")), PROLOGUE_LOOPS);
    cr_assert_eq(verdict(CODE("\xf3\x0f\x1e\xfa\xff\xc0\x90\x90\x90\xff\xcf\x75\xf7\xc3")),
                 PROLOGUE_LOOPS);
    cr_assert_eq(verdict(CODE("\xf3\x0f\x1e\xfa\xff\xc0\x90\x90\x90\xff\xcf\x75\xf3\xc3")),
                 PROLOGUE_LOOPS);
}

Test(hook_prologue, may_call_itself)
{
    cr_assert_eq(verdict(CODE("\xff\xc0\x90\x90\x90\xe8\xf6\xff\xff\xff\xc3")), PROLOGUE_FITS);
}

Test(hook_prologue, instructions_that_are_not_moved)
{
    /* hlt; int 0x80; ud2; in al, dx; outsb; xbegin; jmp far [rdi] */
    cr_assert_eq(verdict(CODE("\xf4\x90\x90\x90\x90\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\xcd\x80\x90\x90\x90\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\x0f\x0b\x90\x90\x90\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\xec\x90\x90\x90\x90\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\x6e\x90\x90\x90\x90\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\xc7\xf8\x01\x00\x00\x00\x90\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\x31\xc0\x48\xff\x2f")), PROLOGUE_UNUSUAL);
    /* call [rsp + 64]; call rsp; mov eax, [eip + 1]; ret with an operand size prefix */
    cr_assert_eq(verdict(CODE("\x90\xff\x54\x24\x40\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\x90\x90\x90\xff\xd4\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\x67\x8b\x05\x01\x00\x00\x00\xc3")), PROLOGUE_UNUSUAL);
    cr_assert_eq(verdict(CODE("\x90\x90\x90\x66\xc3")), PROLOGUE_UNUSUAL);
    /* behind the start they may stand; a call by r12 is none of them, a syscall neither */
    cr_assert_eq(verdict(CODE("\x90\x90\x90\x90\x90\xf4\xc3")), PROLOGUE_FITS);
    cr_assert_eq(verdict(CODE("\x90\x41\xff\x54\x24\x08\xc3")), PROLOGUE_FITS);
    cr_assert_eq(verdict(CODE("\x90\x90\x90\x0f\x05\xc3")), PROLOGUE_FITS);
}

Test(hook_prologue, a_call_that_returns_into_the_start)
{
    /* call rax; call [rax] with something in front, and behind it */
    cr_assert_eq(verdict(CODE("\xff\xd0\x90\x90\x90\xc3")), PROLOGUE_RETURNED_INTO);
    cr_assert_eq(verdict(CODE("\x50\xff\x10\x58\x90\xc3")), PROLOGUE_RETURNED_INTO);
    cr_assert_eq(verdict(CODE("\x50\x50\x90\xff\x10\x58\x58\xc3")), PROLOGUE_FITS);
    expect_moved(0, 5, false);
}

static enum prologue_verdict verdict_within(const uint8_t *text, size_t n, size_t at, size_t size)
{
    struct prologue_code function = {text + at, ADDRESS + at, size, size, text, n};
    return prologue_read(&function, &prologue);
}

enum { TEXT_BYTES = 2048, FUNCTION_AT = 1024, FUNCTION_BYTES = 16 };

/* Other functions are nops, this one too, but for what `code` puts at `at`. */
static enum prologue_verdict verdict_beside(size_t at, struct code code)
{
    uint8_t text[TEXT_BYTES];
    memset(text, 0x90, sizeof text);
    memcpy(text + at, code.at, code.n);
    return verdict_within(text, sizeof text, FUNCTION_AT, FUNCTION_BYTES);
}

Test(hook_prologue, jumps_into_its_start_from_elsewhere)
{
    cr_assert_eq(verdict_beside(0, CODE("")), PROLOGUE_FITS);
    /* jmp and je, near, to its fourth byte */
    cr_assert_eq(verdict_beside(19, CODE("\xe9\xeb\x03\x00\x00")), PROLOGUE_INTRUDED);
    cr_assert_eq(verdict_beside(19, CODE("\x0f\x84\xea\x03\x00\x00")), PROLOGUE_INTRUDED);
    cr_assert_eq(verdict_beside(1819, CODE("\xe9\xe3\xfc\xff\xff")), PROLOGUE_INTRUDED);
    /* short ones, from just in front and from as far as they reach */
    cr_assert_eq(verdict_beside(1008, CODE("\xeb\x11")), PROLOGUE_INTRUDED);
    cr_assert_eq(verdict_beside(896, CODE("\x75\x7f")), PROLOGUE_INTRUDED);
    cr_assert_eq(verdict_beside(1040, CODE("\xeb\xef")), PROLOGUE_INTRUDED);
    cr_assert_eq(verdict_beside(1150, CODE("\xe3\x81")), PROLOGUE_INTRUDED);
}

Test(hook_prologue, to_its_entry_or_behind_its_start_anybody_may_jump)
{
    cr_assert_eq(verdict_beside(1008, CODE("\xeb\x0e")), PROLOGUE_FITS);
    cr_assert_eq(verdict_beside(1008, CODE("\xeb\x13")), PROLOGUE_FITS);
    cr_assert_eq(verdict_beside(19, CODE("\xe9\xe8\x03\x00\x00")), PROLOGUE_FITS);
    cr_assert_eq(verdict_beside(19, CODE("\xe9\xed\x03\x00\x00")), PROLOGUE_FITS);
    /* a distance in what is no jump: mov eax, 1003 */
    cr_assert_eq(verdict_beside(19, CODE("\xb8\xeb\x03\x00\x00")), PROLOGUE_FITS);
}

Test(hook_prologue, at_the_very_ends_of_the_text)
{
    uint8_t text[8] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3};
    cr_assert_eq(verdict_within(text, sizeof text, 0, 8), PROLOGUE_FITS);
    cr_assert_eq(verdict_within(text, sizeof text, 0, 6), PROLOGUE_FITS);
    cr_assert_eq(verdict_within(text, sizeof text, 3, 5), PROLOGUE_FITS);
}

Test(hook_prologue, no_byte_behind_what_may_be_read)
{
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq((void *)pages, MAP_FAILED);
    cr_assert_eq(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    struct code code = CODE("\xf3\x0f\x1e\xfa\xb8\x01\x00\x00\x00\x0f\x84\x00\x00\x00\x00\xc3");
    for (size_t n = 0; n <= code.n; n++) {
        uint8_t *at = memcpy(pages + 4096 - n, code.at, n);
        struct prologue_code function = {at, (uintptr_t)at, n, n, pages, 4096};
        enum prologue_verdict expected = n == 0                         ? PROLOGUE_NO_SIZE
                                         : n == 9 || n == 15 || n == 16 ? PROLOGUE_FITS
                                         : n == 4                       ? PROLOGUE_TOO_SHORT
                                                                        : PROLOGUE_NOT_CODE;
        cr_assert_eq(prologue_read(&function, &prologue), expected, "of %zu bytes", n);
    }
}

Test(hook_prologue, check_tells_the_reason)
{
    const char *reason = "none";
    cr_assert_eq(prologue_check((const uint8_t *)"\xb8\1\0\0\0\xc3", 6, ADDRESS, &reason), 0);
    cr_assert_str_eq(reason, "none");
    cr_assert_eq(prologue_check((const uint8_t *)"\xc3", 1, ADDRESS, &reason), -ENOTSUP);
    cr_assert_str_eq(reason, "it is too short for a jump");
    for (int i = 0; i < PROLOGUE_VERDICTS; i++)
        cr_assert_not_null(prologue_reason((enum prologue_verdict)i));
}

#endif
