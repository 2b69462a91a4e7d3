#include "base/own_stack.h"

#include <errno.h>
#include <ucontext.h>

#include "base/sys.h"

enum { GUARD_BYTES = 4096 };

/* A kilobyte each: in the new memory, too, above the stack. */
struct contexts {
    ucontext_t here, there;
};

static void switch_to(char *stack, size_t n, void (*run)(void))
{
    struct contexts *contexts = (struct contexts *)(void *)(stack + n - sizeof *contexts);
    int host_errno = errno;
    if (getcontext(&contexts->there) == 0) {
        contexts->there.uc_stack = (stack_t){.ss_sp = stack, .ss_size = n - sizeof *contexts};
        contexts->there.uc_link = &contexts->here;
        makecontext(&contexts->there, run, 0);
        swapcontext(&contexts->here, &contexts->there);
    }
    errno = host_errno;
}

int own_stack_run(void (*run)(void), size_t n)
{
    size_t bytes = GUARD_BYTES + sys_whole_pages(n + sizeof(struct contexts));
    char *memory = sys_pages(bytes);
    if (memory == NULL)
        return -ENOMEM;
    sys_pages_close(memory, GUARD_BYTES);
    switch_to(memory + GUARD_BYTES, bytes - GUARD_BYTES, run);
    sys_pages_free(memory, bytes);
    return 0;
}
