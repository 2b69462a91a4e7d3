#include "hook/stack.h"

#include "base/sys.h"
#include "hook/maps.h"

/* The first thread's stack grows into free memory, by default so far. */
enum { GROWS_BYTES = 8 << 20 };

/* Where the first thread's stack began (ld.so's). */
extern void *__libc_stack_end;

struct stack stack_of_thread(void)
{
    struct map map;
    bool first = sys_gettid() == sys_getpid();
    uintptr_t within = first ? (uintptr_t)__libc_stack_end : (uintptr_t)__builtin_thread_pointer();
    if (maps_find(within, &map) < 0)
        return (struct stack){0, 0};
    if (first && map.end - map.begin < GROWS_BYTES)
        map.begin = map.end - GROWS_BYTES;
    if (!first)
        map.end = within; /* the kernel joins it with what is mapped behind it */
    return (struct stack){map.begin, map.end};
}
