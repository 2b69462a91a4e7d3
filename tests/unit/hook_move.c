#if defined(__x86_64__)

#include <criterion/criterion.h>

#include "hook/move.h"
#include "machine.h"

/*
 * Each test runs a function and its moved copy, which goes on in the function: both have to give
 * the same. To show that the moved instructions are what runs, those of the function are
 * overwritten.
 */

enum { FUNCTION_AT = 0x100, HELPER_AT = 0x800, DATA_AT = 0x900, COPY_AT = 0x8000 };

static uint8_t *memory;

static void begin(void)
{
    memory = machine();
}

TestSuite(hook_move, .init = begin);

/* Moves the start of `code`; what of it has been moved can't run any more at its old place. */
static void move(struct code code)
{
    struct prologue prologue;
    size_t n = 0;
    uint8_t *at = machine_put(memory + FUNCTION_AT, code);
    uint8_t *copy = memset(memory + COPY_AT, 0xcc, MOVE_BYTES_MAX + 1);
    struct prologue_code function = {at, (uintptr_t)at, code.n, code.n, NULL, 0};
    cr_assert_eq(prologue_read(&function, &prologue), PROLOGUE_FITS);
    cr_assert_eq(move_prologue(&prologue, (uintptr_t)copy, copy, &n), PROLOGUE_FITS);
    cr_assert_leq(n, MOVE_BYTES_MAX);
    cr_assert_eq(copy[n], 0xcc);
    memset(at + prologue.begin, 0xcc, prologue.end - prologue.begin);
}

static uint64_t moved(uint64_t a, uint64_t b)
{
    return machine_run(memory + COPY_AT, a, b);
}

static void put_data(uint64_t value)
{
    memcpy(memory + DATA_AT, &value, sizeof value);
}

Test(hook_move, plain_instructions)
{
    /* push rbp; mov rbp, rsp; lea rax, [rdi+rsi]; pop rbp; ret */
    move(CODE("\x55\x48\x89\xe5\x48\x8d\x04\x37\x5d\xc3"));
    cr_assert_eq(moved(40, 2), 42);
}

Test(hook_move, operands_relative_to_the_instruction)
{
    put_data(77);
    /* mov rax, [rip+DATA]; ret */
    move(CODE("\x48\x8b\x05\xf9\x07\x00\x00\xc3"));
    cr_assert_eq(moved(0, 0), 77);
    /* lea rax, [rip+DATA]; ret */
    move(CODE("\x48\x8d\x05\xf9\x07\x00\x00\xc3"));
    cr_assert_eq(moved(0, 0), (uintptr_t)memory + DATA_AT);
    /* cmp dword [rip+DATA], 77, which has an immediate behind the distance; sete al; ret */
    move(CODE("\x83\x3d\xf9\x07\x00\x00\x4d\x0f\x94\xc0\xc3"));
    cr_assert_eq(moved(0, 0) & 0xff, 1);
    /* vmovq xmm0, [rip+DATA]; movq rax, xmm0; ret */
    move(CODE("\xc5\xfa\x7e\x05\xf8\x07\x00\x00\x66\x48\x0f\x7e\xc0\xc3"));
    if (__builtin_cpu_supports("avx"))
        cr_assert_eq(moved(0, 0), 77);
}

Test(hook_move, conditional_jumps)
{
    /* test edi, edi; je 1f; mov eax, 1; ret; 1: mov eax, 2; ret */
    move(CODE("\x85\xff\x74\x06\xb8\x01\x00\x00\x00\xc3\xb8\x02\x00\x00\x00\xc3"));
    cr_assert_eq(moved(5, 0), 1);
    cr_assert_eq(moved(0, 0), 2);
    /* the same with a near one */
    move(CODE("\x85\xff\x0f\x84\x06\x00\x00\x00\xb8\x01\x00\x00\x00\xc3\xb8\x02\x00\x00\x00\xc3"));
    cr_assert_eq(moved(5, 0), 1);
    cr_assert_eq(moved(0, 0), 2);
    /* js, jns: each condition is its own */
    move(CODE("\x85\xff\x78\x06\xb8\x01\x00\x00\x00\xc3\xb8\x02\x00\x00\x00\xc3"));
    cr_assert_eq(moved(5, 0), 1);
    cr_assert_eq(moved((uint32_t)-5, 0), 2);
}

Test(hook_move, two_conditional_jumps)
{
    /* jb and je as they are on entry to a function reached with those flags: cmp edi, esi at COPY
     */
    move(CODE("\x72\x0b\x74\x03\x31\xc0\xc3\xb8\x02\x00\x00\x00\xc3\xb8\x01\x00\x00\x00\xc3"));
    uint8_t *front = machine_put(memory + 0x7000, CODE("\x39\xf7\xe9\xf9\x0f\x00\x00"));
    cr_assert_eq(machine_run(front, 3, 2), 0);
    cr_assert_eq(machine_run(front, 1, 2), 1);
    cr_assert_eq(machine_run(front, 2, 2), 2);
}

Test(hook_move, jumps)
{
    /* jmp 1f (short); three bytes; 1: mov eax, 7; ret */
    move(CODE("\xeb\x03\x90\x90\x90\xb8\x07\x00\x00\x00\xc3"));
    cr_assert_eq(moved(0, 0), 7);
    /* jmp HELPER, a function that is nothing else; the helper: lea rax, [rdi+1]; ret */
    machine_put(memory + HELPER_AT, CODE("\x48\x8d\x47\x01\xc3"));
    move(CODE("\xe9\xfb\x06\x00\x00"));
    cr_assert_eq(moved(41, 0), 42);
    /* jmp [rip+DATA] */
    put_data((uintptr_t)memory + HELPER_AT);
    move(CODE("\xff\x25\xfa\x07\x00\x00"));
    cr_assert_eq(moved(1, 0), 2);
}

Test(hook_move, counted_jumps)
{
    /* mov ecx, edi would be too long: push rdi; pop rcx; jrcxz 1f; mov eax, 1; ret; 1: mov eax, 2
     */
    move(CODE("\x57\x59\xe3\x06\xb8\x01\x00\x00\x00\xc3\xb8\x02\x00\x00\x00\xc3"));
    cr_assert_eq(moved(5, 0), 1);
    cr_assert_eq(moved(0, 0), 2);
    /* jecxz looks at half of it */
    move(CODE("\x57\x59\x67\xe3\x06\xb8\x01\x00\x00\x00\xc3\xb8\x02\x00\x00\x00\xc3"));
    cr_assert_eq(moved(5, 0), 1);
    cr_assert_eq(moved((uint64_t)1 << 32, 0), 2);
    /* loop 1f: lea rax, [rcx+64]; ret; 1: lea rax, [rcx]; ret */
    move(CODE("\x57\x59\xe2\x05\x48\x8d\x41\x40\xc3\x48\x8d\x01\xc3"));
    cr_assert_eq(moved(1, 0), 64);
    cr_assert_eq(moved(3, 0), 2);
}

Test(hook_move, flags_are_carried_into_it_and_out_of_it)
{
    /* stc at COPY-side front; function: mov eax, 0 keeps flags; adc eax, 0; ret */
    move(CODE("\xb8\x00\x00\x00\x00\x83\xd0\x00\xc3"));
    uint8_t *front = machine_put(memory + 0x7000, CODE("\xf9\xe9\xfa\x0f\x00\x00"));
    cr_assert_eq(machine_run(front, 0, 0), 1);
}

/* What it is called with: how far behind the function's start it is to return to. */
static uint64_t place_behind(size_t n)
{
    return (uintptr_t)memory + FUNCTION_AT + n;
}

Test(hook_move, a_call_returns_to_the_function_itself)
{
    /* helper: mov rax, [rsp]; ret.  function: call HELPER; inc rax; ret */
    machine_put(memory + HELPER_AT, CODE("\x48\x8b\x04\x24\xc3"));
    move(CODE("\xe8\xfb\x06\x00\x00\x48\xff\xc0\xc3"));
    cr_assert_eq(moved(0, 0), place_behind(5) + 1);
    /* sub rsp, 8 in front of it, as compilers do */
    move(CODE("\x48\x83\xec\x08\xe8\xf7\x06\x00\x00\x48\x83\xc4\x08\xc3"));
    cr_assert_eq(moved(0, 0), place_behind(9));
}

Test(hook_move, a_call_keeps_flags_and_registers)
{
    /* helper: setc al; movzx eax, al; lea rax, [rax+rdi*2]; ret.  function: stc; call HELPER; ret
     */
    machine_put(memory + HELPER_AT, CODE("\x0f\x92\xc0\x0f\xb6\xc0\x48\x8d\x04\x78\xc3"));
    move(CODE("\xf9\xe8\xfa\x06\x00\x00\xc3"));
    cr_assert_eq(moved(21, 0), 43);
}

Test(hook_move, indirect_calls)
{
    machine_put(memory + HELPER_AT, CODE("\x48\x8b\x04\x24\xc3"));
    put_data((uintptr_t)memory + HELPER_AT);
    /* call [rip+DATA]; inc rax; ret */
    move(CODE("\xff\x15\xfa\x07\x00\x00\x48\xff\xc0\xc3"));
    cr_assert_eq(moved(0, 0), place_behind(6) + 1);
    /* nops; call rdi; ret */
    move(CODE("\x90\x90\x90\xff\xd7\xc3"));
    cr_assert_eq(moved((uintptr_t)memory + HELPER_AT, 0), place_behind(5));
    /* push rbp; nop; call [rdi+8]; pop rbp; ret */
    move(CODE("\x55\x90\xff\x57\x08\x5d\xc3"));
    cr_assert_eq(moved((uintptr_t)memory + DATA_AT - 8, 0), place_behind(5));
    /* push r12; mov r12, rdi; call [r12]; pop r12; ret */
    move(CODE("\x41\x54\x49\x89\xfc\x41\xff\x14\x24\x41\x5c\xc3"));
    cr_assert_eq(moved((uintptr_t)memory + DATA_AT, 0), place_behind(9));
}

Test(hook_move, a_return_in_the_start)
{
    /* test edi, edi; jne 1f; ret; 1: lea eax, [rdi+1]; ret */
    move(CODE("\x31\xc0\xc3\x90\x90"));
    cr_assert_eq(moved(1, 1), 0);
    /* cmovcc would be shorter: test edi, edi; je 1f; ret; 1: mov eax, 9; ret */
    move(CODE("\x85\xff\x74\x01\xc3\xb8\x09\x00\x00\x00\xc3"));
    cr_assert_eq(moved(0, 0), 9);
}

Test(hook_move, the_longest)
{
    /* jrcxz twice, far enough, and an instruction of 15 bytes: 2e prefixes, add dword [rax…], imm
     */
    uint8_t code[64];
    memset(code, 0x90, sizeof code);
    memcpy(code, "\xe3\x20\xe3\x1f", 4);
    code[63] = 0xc3;
    uint8_t bytes[MOVE_BYTES_MAX];
    struct prologue_code function = {code, 0x401000, sizeof code, sizeof code, NULL, 0};
    struct prologue prologue;
    size_t n;
    memcpy(code + 4, "\x2e\x2e\x2e\x2e\x81\x84\x87\0\0\0\0\1\0\0\0", 15);
    cr_assert_eq(prologue_read(&function, &prologue), PROLOGUE_FITS);
    cr_assert_eq(prologue.end, 19);
    cr_assert_eq(move_prologue(&prologue, 0x500000, bytes, &n), PROLOGUE_FITS);
    cr_assert_eq(n, 9 + 9 + 15 + 5);
}

Test(hook_move, out_of_reach)
{
    struct code code = CODE("\x48\x8b\x05\x00\x00\x00\x00\xc3");
    struct prologue_code function = {code.at, 0x100000000, code.n, code.n, NULL, 0};
    struct prologue prologue;
    uint8_t bytes[MOVE_BYTES_MAX];
    size_t n;
    cr_assert_eq(prologue_read(&function, &prologue), PROLOGUE_FITS);
    cr_assert_eq(move_prologue(&prologue, 0x80001000, bytes, &n), PROLOGUE_FITS);
    cr_assert_eq(move_prologue(&prologue, 0x17ffff000, bytes, &n), PROLOGUE_FITS);
    cr_assert_eq(move_prologue(&prologue, 0x7ffff000, bytes, &n), PROLOGUE_TOO_FAR);
    cr_assert_eq(move_prologue(&prologue, 0x180001000, bytes, &n), PROLOGUE_TOO_FAR);
}

#endif
