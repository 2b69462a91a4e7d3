#include "base/own_stack.h"

#include <errno.h>

#include "base/sys.h"

#ifdef __x86_64__

enum { GUARD_BYTES = 4096 };

/* Not makecontext: sanitizers stand before it in hosts that are built with one, and warn. What a
 * function may change is named; it is called with the stack as the ABI wants it. */
static __attribute__((noinline)) void switch_to(char *stack_end, void (*run)(void))
{
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %0, %%rsp\n\t"
                     "callq *%1\n\t"
                     "movq %%rbx, %%rsp"
                     : "+r"(stack_end), "+r"(run)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0",
                       "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
}

int own_stack_run(void (*run)(void), size_t n)
{
    size_t bytes = GUARD_BYTES + sys_whole_pages(n);
    char *memory = sys_pages(bytes);
    if (memory == NULL)
        return -ENOMEM;
    sys_pages_close(memory, GUARD_BYTES);
    switch_to(memory + bytes, run);
    sys_pages_free(memory, bytes);
    return 0;
}

#else

int own_stack_run(void (*run)(void), size_t n)
{
    (void)run, (void)n;
    return -ENOSYS;
}

#endif
