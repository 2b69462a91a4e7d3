#include "send/place.h"

#include <errno.h>

#include "base/hot.h"
#include "base/sys.h"

HOT_DATA _Atomic uint32_t sender_state;

static const uint32_t *word(void)
{
    return (const uint32_t *)&sender_state;
}

void place_become(enum sender_state state)
{
    atomic_store(&sender_state, state);
    sys_futex_wake(word());
}

bool place_sleep(enum sender_state state, uint64_t timeout_ns)
{
    return sys_futex_wait(word(), state, timeout_ns) == -ETIMEDOUT;
}

bool place_change(uint32_t from, enum sender_state to)
{
    return atomic_compare_exchange_strong(&sender_state, &from, to);
}

bool place_resume(void)
{
    uint32_t state;
    while ((state = atomic_load(&sender_state)) != SENDER_ENDED)
        if (state == SENDER_TAKEN)
            place_sleep(SENDER_TAKEN, UINT64_MAX);
        else if (place_change(state, SENDER_BUSY))
            return true;
    return false;
}

/* One that looks is awake, and does not go to sleep if it is BUSY afterwards. */
static enum sender_state when_called(uint32_t state)
{
    bool sleeps = state == SENDER_IDLE || state == SENDER_GATHERING;
    return sleeps ? SENDER_CALLED : state == SENDER_LOOKING ? SENDER_BUSY : state;
}

void place_call(void)
{
    uint32_t state = atomic_load(&sender_state), called;
    while ((called = when_called(state)) != state)
        if (atomic_compare_exchange_weak(&sender_state, &state, called)) {
            sys_futex_wake(word());
            return;
        }
}

bool place_take(uint32_t *before)
{
    uint32_t state = atomic_load(&sender_state);
    *before = state;
    return (state == SENDER_NONE || state == SENDER_IDLE || state == SENDER_GATHERING ||
            state == SENDER_CALLED) &&
           place_change(state, SENDER_TAKEN);
}
