#ifndef TESTS_PASS_THROUGH_H
#define TESTS_PASS_THROUGH_H

/*
 * pass_through: an entry for patched functions that counts the call and lets the function run, with
 * every register and flag as it was. To be included once in a program.
 */

#include <stdint.h>

#include "hook/patch.h"

enum { PASSES_MAX = 32768 };

/* By the patch's number: where the function goes on, and how often it was called. */
__attribute__((visibility("hidden"))) extern struct patch pass_made[PASSES_MAX];
__attribute__((visibility("hidden"))) extern uint32_t pass_counts[PASSES_MAX];
__attribute__((visibility("hidden"))) void pass_entry(void);

struct patch pass_made[PASSES_MAX];
uint32_t pass_counts[PASSES_MAX];

/* The number's place takes the address to go on at. */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl pass_entry\n"
        ".hidden pass_entry\n"
        ".type pass_entry, @function\n"
        "pass_entry:\n"
        "    pushfq\n"
        "    push %rax\n"
        "    push %rcx\n"
        "    mov 24(%rsp), %rax\n"
        "    lea pass_counts(%rip), %rcx\n"
        "    lock incl (%rcx,%rax,4)\n"
        "    lea pass_made(%rip), %rcx\n"
        "    mov (%rcx,%rax,8), %rax\n"
        "    mov %rax, 24(%rsp)\n"
        "    pop %rcx\n"
        "    pop %rax\n"
        "    popfq\n"
        "    ret\n"
        ".size pass_entry, . - pass_entry\n");

#endif
