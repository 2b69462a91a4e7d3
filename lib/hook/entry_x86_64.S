/*
 * entry: the way into a hooked function and out of it (hook/gate.h, hook/frame.h).
 *
 * A patched function's stub pushes the hook's number and jumps to hook_entry. With a frame, the
 * return address is taken off the stack and kept in the frame's landing, and the frame's landing
 * code calls the function: it finds its arguments where it expects them, returns to the landing,
 * and hook_exit puts the return address back and returns. Every call has its return, so the
 * processor's prediction of returns holds, and its shadow stack (CET) too.
 *
 * All registers are kept, at the entry and at the return: a compiler that has seen the function may
 * know which ones it leaves alone. The flags are not: nobody expects anything of them.
 *
 * Unwinders (C++ exceptions, pthread_exit, backtraces) find their way through a landing: its frame
 * is described below, with a personality that is told when an exception passes. (clang's assembler
 * forgets the offset at .cfi_restore_state: it is said again behind each.)
 */

#ifdef __x86_64__

#define FRAMES_PER_PAGE 256
#define PAGES           128 /* FRAMES / FRAMES_PER_PAGE */

        .hidden hook_landings
        .hidden gate_enter
        .hidden gate_leave
        .hidden calls_enter
        .hidden calls_leave
        .hidden entry_vectors_mask
        .hidden entry_vectors_bytes

/* The registers of struct gate, on the stack below its number. */
        .macro save_registers
        pushq   %rax
        .cfi_adjust_cfa_offset 8
        pushq   %rcx
        .cfi_adjust_cfa_offset 8
        pushq   %rdx
        .cfi_adjust_cfa_offset 8
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   %r8
        .cfi_adjust_cfa_offset 8
        pushq   %r9
        .cfi_adjust_cfa_offset 8
        pushq   %r10
        .cfi_adjust_cfa_offset 8
        pushq   %r11
        .cfi_adjust_cfa_offset 8
        .endm

        .macro restore_registers
        popq    %r11
        .cfi_adjust_cfa_offset -8
        popq    %r10
        .cfi_adjust_cfa_offset -8
        popq    %r9
        .cfi_adjust_cfa_offset -8
        popq    %r8
        .cfi_adjust_cfa_offset -8
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        popq    %rsi
        .cfi_adjust_cfa_offset -8
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        popq    %rax
        .cfi_adjust_cfa_offset -8
        .endm

/* Calls `function` of C, with struct gate at %rbx, on an aligned stack and with the vector registers
 * and the x87's kept in an area of XSAVE (Intel SDM 13.4): its header must be zero before. Without
 * XSAVE there are no more registers than FXSAVE keeps. The result is in %eax; %rbx must be saved. */
        .macro call_with_vectors_saved function
        subq    entry_vectors_bytes(%rip), %rsp
        andq    $-64, %rsp
        movl    entry_vectors_mask(%rip), %eax
        xorl    %edx, %edx
        testl   %eax, %eax
        jz      1f
        .irp    at, 512, 520, 528, 536, 544, 552, 560, 568
        movq    %rdx, \at(%rsp)
        .endr
        xsave   (%rsp)
        jmp     2f
1:      fxsave  (%rsp)
2:      cld
        movq    %rbx, %rdi
        call    \function
        movl    %eax, %ecx
        movl    entry_vectors_mask(%rip), %eax
        xorl    %edx, %edx
        testl   %eax, %eax
        jz      3f
        xrstor  (%rsp)
        jmp     4f
3:      fxrstor (%rsp)
4:      movl    %ecx, %eax
        .endm

        .text
        .globl  hook_entry
        .hidden hook_entry
        .type   hook_entry, @function
        .p2align 6
hook_entry:
        .cfi_startproc
        .cfi_def_cfa_offset 16
        save_registers
        cld
        movq    %rsp, %rdi
        call    gate_enter
        .cfi_remember_state
        cmpl    $1, %eax
        je      .Lframe
        ja      .Lslow
.Lpass: /* the number's place holds the function's own code now; below the stack it stays */
        restore_registers
        leaq    8(%rsp), %rsp
        .cfi_adjust_cfa_offset -8
        jmp     *-8(%rsp)
.Lframe: /* the return address goes, too */
        .cfi_restore_state
        .cfi_def_cfa_offset 88
        .cfi_remember_state
        restore_registers
        leaq    16(%rsp), %rsp
        .cfi_def_cfa_offset 0
        jmp     *-16(%rsp)
.Lslow:
        .cfi_restore_state
        .cfi_def_cfa_offset 88
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_offset %rbx, -96
        leaq    8(%rsp), %rbx
        .cfi_remember_state
        .cfi_def_cfa %rbx, 88
        call_with_vectors_saved calls_enter
        leaq    -8(%rbx), %rsp
        .cfi_restore_state
        .cfi_def_cfa_offset 96
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        cmpl    $1, %eax
        je      .Lframe
        jmp     .Lpass
        .cfi_endproc
        .size   hook_entry, . - hook_entry

/*
 * The unwinder's view of the return: the frame's number, or already the return address, stands at
 * CFA - 8; numbers are below FRAMES. How far from here the struct landings stand is written where
 * this block of EXIT_BLOCK bytes begins.
 */
#define EXIT_BLOCK 512

        .p2align 9
exit_block:
        .long   hook_landings - exit_block
        .globl  hook_exit
        .hidden hook_exit
        .type   hook_exit, @function
        .p2align 6
hook_exit: /* the frame's number stands where the return address will */
        .cfi_startproc
        .cfi_def_cfa_offset 8
        .cfi_escape 0x16, 16, 27 /* DW_CFA_val_expression: return address (register 16) */
        .cfi_escape 0x38, 0x1c, 0x06 /* DW_OP_lit8, DW_OP_minus, DW_OP_deref: number or address */
        .cfi_escape 0x12, 0x0a, 0x00, 0x80, 0x2a /* DW_OP_dup, DW_OP_const2u FRAMES, DW_OP_ge */
        .cfi_escape 0x28, 16, 0      /* DW_OP_bra: an address, the end */
        .cfi_escape 0x34, 0x24       /* DW_OP_lit4, DW_OP_shl: 16 bytes each */
        .cfi_escape 0x80, 0          /* DW_OP_breg16 0: the place in here */
        .cfi_escape 0x0b, 0x00, 0xfe /* DW_OP_const2s -EXIT_BLOCK */
        .cfi_escape 0x1a, 0x12       /* DW_OP_and, DW_OP_dup: the block's start */
        .cfi_escape 0x94, 4          /* DW_OP_deref_size 4: the distance */
        .cfi_escape 0x22, 0x22       /* DW_OP_plus, DW_OP_plus */
        .cfi_escape 0x23, 8, 0x06    /* DW_OP_plus_uconst 8, DW_OP_deref: back */
        save_registers
        cld
        movq    %rsp, %rdi
        call    gate_leave
        cmpl    $1, %eax
        ja      .Lslow_exit
.Lreturn:
        .cfi_remember_state
        restore_registers
        ret
.Lslow_exit:
        .cfi_restore_state
        .cfi_def_cfa_offset 80
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_offset %rbx, -88
        leaq    8(%rsp), %rbx
        .cfi_remember_state
        .cfi_def_cfa %rbx, 80
        call_with_vectors_saved calls_leave
        leaq    -8(%rbx), %rsp
        .cfi_restore_state
        .cfi_def_cfa_offset 88
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        jmp     .Lreturn
        .cfi_endproc
        .size   hook_exit, . - hook_exit
        .org    exit_block + EXIT_BLOCK

/*
 * The landings: 16 bytes each, as many to a page as there are struct landings (16 bytes, too) in
 * one; the first one's place in a page holds how far from here the struct landings stand.
 *
 * The unwinder's view. The landing's frame is a word long: CFA, by which unwinders tell frames apart,
 * must differ from the function's, and be no less. While the function runs, before and right behind
 * it, the stack pointer is as it was behind the call; a signal may also come behind the push, which
 * ends 11 bytes from the landing's start. The return address is `back` of its struct landing:
 *     where = the landing's start + distance (at the page's start) + 8
 */
        .globl  hook_landing_code
        .hidden hook_landing_code
        .type   hook_landing_code, @function
        .section .text.landings, "ax", @progbits
        .p2align 12
        .cfi_startproc
        .cfi_personality 0x9b, personality_address /* indirect, relative to here, 4 bytes */
        .cfi_escape 0x0f, 11 /* DW_CFA_def_cfa_expression */
        .cfi_escape 0x77, 8, 0x80, 0 /* DW_OP_breg7 8: stack pointer; DW_OP_breg16 0: place */
        .cfi_escape 0x3f, 0x1a, 0x3b /* DW_OP_lit15, DW_OP_and: in the landing; DW_OP_lit11 */
        .cfi_escape 0x2a, 0x33, 0x24 /* DW_OP_ge, DW_OP_lit3, DW_OP_shl: a word more from there on */
        .cfi_escape 0x22             /* DW_OP_plus */
        .cfi_escape 0x14, 7, 1 /* DW_CFA_val_offset: the stack pointer (register 7) is CFA - 8 * 1 */
        .cfi_escape 0x10, 16, 15 /* DW_CFA_expression: return address (register 16) */
        .cfi_escape 0x80, 0, 0x09, 0xf0, 0x1a /* DW_OP_breg16 0, DW_OP_const1s -16, DW_OP_and: start */
        .cfi_escape 0x12             /* DW_OP_dup */
        .cfi_escape 0x0b, 0x00, 0xf0 /* DW_OP_const2s -4096 */
        .cfi_escape 0x1a             /* DW_OP_and: the page's start */
        .cfi_escape 0x94, 4          /* DW_OP_deref_size 4: the distance */
        .cfi_escape 0x22             /* DW_OP_plus */
        .cfi_escape 0x23, 8          /* DW_OP_plus_uconst 8 */
hook_landing_code:
        .set    page, 0
        .rept   PAGES
        .long   hook_landings - . + page * 4096
        .p2align 4, 0xcc
        .set    number, page * FRAMES_PER_PAGE + 1
        .rept   FRAMES_PER_PAGE - 1
        call    *hook_landings + 16 * number(%rip)
        .byte   0x68 /* push, of 4 bytes */
        .long   number
        .byte   0xe9 /* jmp, of 4 bytes */
        .long   hook_exit - . - 4
        .set    number, number + 1
        .endr
        .set    page, page + 1
        .endr
        .cfi_endproc
        .size   hook_landing_code, . - hook_landing_code

        .section .data.rel.ro, "aw", @progbits
        .p2align 3
        .type   personality_address, @object
personality_address:
        .quad   hook_personality
        .hidden hook_personality
        .size   personality_address, 8

#endif

        .section .note.GNU-stack, "", @progbits
