#include <criterion/criterion.h>
#include <pthread.h>

#include "base/sys.h"
#include "send/place.h"

static bool take_from(enum sender_state state)
{
    uint32_t before;
    place_become(state);
    bool taken = place_take(&before);
    cr_assert_eq(before, state);
    cr_assert_eq(atomic_load(&sender_state), taken ? SENDER_TAKEN : state);
    return taken;
}

Test(place, is_to_be_had_while_nobody_works_in_it)
{
    cr_assert(take_from(SENDER_NONE));
    cr_assert(take_from(SENDER_IDLE));
    cr_assert(take_from(SENDER_GATHERING));
    cr_assert(take_from(SENDER_CALLED));
    cr_assert_not(take_from(SENDER_LOOKING));
    cr_assert_not(take_from(SENDER_BUSY));
    cr_assert_not(take_from(SENDER_TAKEN));
    cr_assert_not(take_from(SENDER_ENDED));
}

static enum sender_state called(enum sender_state state)
{
    place_become(state);
    place_call();
    return atomic_load(&sender_state);
}

Test(place, a_call_wakes_who_sleeps)
{
    cr_assert_eq(called(SENDER_NONE), SENDER_NONE);
    cr_assert_eq(called(SENDER_IDLE), SENDER_CALLED);
    cr_assert_eq(called(SENDER_GATHERING), SENDER_CALLED);
    cr_assert_eq(called(SENDER_LOOKING), SENDER_BUSY, "it is awake");
    cr_assert_eq(called(SENDER_CALLED), SENDER_CALLED);
    cr_assert_eq(called(SENDER_BUSY), SENDER_BUSY);
    cr_assert_eq(called(SENDER_TAKEN), SENDER_TAKEN);
    cr_assert_eq(called(SENDER_ENDED), SENDER_ENDED);
}

Test(place, the_thread_goes_on_from_anywhere_but_the_end)
{
    enum sender_state from[] = {SENDER_IDLE, SENDER_LOOKING, SENDER_GATHERING, SENDER_CALLED,
                                SENDER_BUSY};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        place_become(from[i]);
        cr_assert(place_resume());
        cr_assert_eq(atomic_load(&sender_state), SENDER_BUSY);
    }
    place_become(SENDER_ENDED);
    cr_assert_not(place_resume());
}

static void *resume(void *nothing)
{
    return place_resume() ? nothing : &sender_state;
}

Test(place, the_thread_waits_for_who_has_its_place, .timeout = 60)
{
    pthread_t thread;
    void *lost;
    uint32_t before;
    place_become(SENDER_GATHERING);
    cr_assert(place_take(&before));
    cr_assert_eq(pthread_create(&thread, NULL, resume, NULL), 0);
    place_become(SENDER_CALLED);
    cr_assert_eq(pthread_join(thread, &lost), 0);
    cr_assert_null(lost);
    cr_assert_eq(atomic_load(&sender_state), SENDER_BUSY);
    place_become(SENDER_IDLE);
    cr_assert(place_take(&before));
    cr_assert_eq(pthread_create(&thread, NULL, resume, NULL), 0);
    place_become(SENDER_ENDED);
    cr_assert_eq(pthread_join(thread, &lost), 0);
    cr_assert_not_null(lost);
}

Test(place, who_was_called_does_not_sleep)
{
    place_become(SENDER_IDLE);
    place_call();
    cr_assert_not(place_sleep(SENDER_IDLE, UINT64_MAX));
    cr_assert_not(place_change(SENDER_IDLE, SENDER_LOOKING));
    place_become(SENDER_IDLE);
    cr_assert(place_sleep(SENDER_IDLE, 1000));
    cr_assert(place_change(SENDER_IDLE, SENDER_LOOKING));
}
