#include "send/follow.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/sys.h"

/* As many calls as may wait: each asker waits for its own, so hardly ever more than one. */
enum { CALLS = 16, GROUPS_MOST = 65536, GROUPS_BYTES = GROUPS_MOST * 4 };

struct call {
    _Atomic uint32_t asked; /* its number, once the rest is there */
    long number, a, b, c;
};

static struct {
    struct call call[CALLS];
    _Atomic uint32_t last; /* asked for */
    _Atomic uint32_t done;
} follow;

static struct call *call_of(uint32_t number)
{
    return &follow.call[number % CALLS];
}

/* A number of its own, while there is room. */
static uint32_t take_number(void)
{
    uint32_t last = atomic_load(&follow.last);
    do {
        if (last - atomic_load(&follow.done) >= CALLS)
            return 0;
    } while (!atomic_compare_exchange_weak(&follow.last, &last, last + 1));
    return last + 1;
}

/* The calling thread's groups, in memory of their own; only as many pages are touched as they need.
 */
static bool copy_groups(struct call *call)
{
    void *groups = sys_pages(GROUPS_BYTES);
    if (groups == NULL)
        return false;
    call->a = sys_any(SYS_getgroups, GROUPS_MOST, (long)groups, 0, 0, 0, 0);
    call->b = (long)groups;
    return true;
}

static void free_groups(const struct call *call)
{
    if (call->number == SYS_setgroups)
        sys_pages_free((void *)call->b, GROUPS_BYTES);
}

uint32_t follow_ask(long number, long a, long b, long c)
{
    struct call wanted = {.number = number, .a = a, .b = b, .c = c};
    if (number == SYS_setgroups && !copy_groups(&wanted))
        return 0;
    uint32_t asked = take_number();
    if (asked == 0) {
        free_groups(&wanted);
        return 0;
    }
    struct call *call = call_of(asked);
    call->number = wanted.number;
    call->a = wanted.a;
    call->b = wanted.b;
    call->c = wanted.c;
    atomic_store(&call->asked, asked);
    return asked;
}

void follow_wait(uint32_t asked, uint64_t patience_ns)
{
    uint64_t now = clock_now_ns(), deadline = now + patience_ns;
    uint32_t done;
    while (done = atomic_load(&follow.done), (int32_t)(done - asked) < 0 && now < deadline) {
        sys_futex_wait((const uint32_t *)&follow.done, done, deadline - now);
        now = clock_now_ns();
    }
}

bool follow_waiting(void)
{
    uint32_t next = atomic_load(&follow.done) + 1;
    return atomic_load(&call_of(next)->asked) == next;
}

static void make(const struct call *call)
{
    sys_any(call->number, call->a, call->b, call->c, 0, 0, 0);
    free_groups(call);
}

void follow_now(void)
{
    while (follow_waiting()) {
        uint32_t next = atomic_load(&follow.done) + 1;
        make(call_of(next));
        atomic_store(&follow.done, next);
        sys_futex_wake((const uint32_t *)&follow.done);
    }
}

void follow_forget(void)
{
    memset(&follow, 0, sizeof follow);
}
