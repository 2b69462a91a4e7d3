#include <criterion/criterion.h>
#include <pthread.h>

#include "base/process.h"
#include "hook/frame.h"

static uint32_t forgotten;

static void forget(struct frame *frame)
{
    (void)frame;
    forgotten++;
}

static void begin(void)
{
    process_begin();
    cr_assert_eq(frames_begin(forget), 0);
}

TestSuite(hook_frame, .init = begin);

/* The calling thread's; its stack is said to be from 1000 to 2000. */
static struct frame_owner *owner_of_stack(void)
{
    struct frame_owner *owner = frames_join();
    cr_assert_not_null(owner);
    owner->stack = (struct stack){1000, 2000};
    return owner;
}

/* A call whose return address stands at `slot`; a timer of the group for the request, or none. */
static uint32_t call(struct frame_owner *owner, uintptr_t slot, uint32_t request, uint8_t group)
{
    uint32_t number = frame_take(owner);
    cr_assert_neq(number, 0);
    struct frame *frame = &hook_frames[number];
    frame->timer = request != 0 ? QUICK_TIMER : NO_TIMER;
    frame->request = request;
    frame->group = group;
    if (request != 0)
        owner->open[group] = request;
    frame_push(owner, number, slot);
    return number;
}

static bool is_dead(struct frame_owner *owner, uint32_t number, uintptr_t slot, bool *past)
{
    return frame_is_dead(owner, number, slot, 1, past);
}

Test(hook_frame, numbers_differ_and_begin_no_page)
{
    struct frame_owner *owner = owner_of_stack();
    bool taken[FRAMES] = {false};
    uint32_t number, n = 0;
    while ((number = frame_take(owner)) != 0) {
        cr_assert_lt(number, FRAMES);
        cr_assert_neq(number % FRAMES_PER_PAGE, 0);
        cr_assert_not(taken[number]);
        taken[number] = true;
        n++;
    }
    cr_assert_eq(n, FRAMES - FRAMES / FRAMES_PER_PAGE);
    frame_give(owner, 77);
    cr_assert_eq(frame_take(owner), 77);
    cr_assert_eq(frame_take(owner), 0);
}

Test(hook_frame, any_can_be_removed)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t outer = call(owner, 1900, 0, 0), middle = call(owner, 1800, 0, 0),
             inner = call(owner, 1700, 0, 0);
    cr_assert_eq(owner->top, inner);
    cr_assert_eq(owner->top_slot, 1700);
    frame_remove(owner, middle);
    cr_assert_eq(owner->top, inner);
    frame_remove(owner, inner);
    cr_assert_eq(owner->top, outer);
    cr_assert_eq(owner->top_slot, 1900);
    frame_remove(owner, outer);
    cr_assert_eq(owner->top, 0);
    cr_assert_eq(owner->top_slot, UINTPTR_MAX);
}

Test(hook_frame, a_shorter_stack_has_lost_calls)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t number = call(owner, 1500, 0, 0);
    bool past;
    cr_assert(is_dead(owner, number, 1600, &past));
    cr_assert_not(past);
    cr_assert_not(is_dead(owner, number, 1400, &past));
    cr_assert(past);
}

/* The same place of the stack: another call, or one that the first one ended with. */
Test(hook_frame, a_call_in_its_place_has_lost_it_but_for_a_tail_call)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t number = call(owner, 1500, 0, 0);
    bool past;
    cr_assert(frame_is_dead(owner, number, 1500, 1, &past));
    cr_assert_not(frame_is_dead(owner, number, 1500, landing_return(number), &past));
    cr_assert(past);
}

Test(hook_frame, calls_on_other_stacks_may_be_asleep)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t there = call(owner, 500, 0, 0), here = call(owner, 1500, 0, 0);
    bool past;
    cr_assert_not(is_dead(owner, there, 1600, &past));
    cr_assert_not(past);
    cr_assert_not(is_dead(owner, here, 2500, &past));
}

Test(hook_frame, what_returned_elsewhere_is_dropped_from_anywhere)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t outer = call(owner, 1900, 5, 1), middle = call(owner, 500, 5, 2),
             inner = call(owner, 400, 5, 3);
    bool past;
    hook_frames[middle].elsewhere = true;
    cr_assert_not(is_dead(owner, middle, 1950, &past));
    frames_drop_returned(owner);
    cr_assert_eq(owner->top, inner);
    cr_assert_eq(hook_frames[inner].below, outer);
    cr_assert_null(hook_frames[middle].owner);
    cr_assert_not(hook_frames[middle].elsewhere);
    cr_assert_eq(owner->open[1], 5);
    cr_assert_eq(owner->open[2], 0);
    cr_assert_eq(owner->open[3], 5);
}

Test(hook_frame, a_group_that_is_open_for_a_later_request_stays)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t old = call(owner, 1500, 5, 1), late = call(owner, 1400, 6, 1);
    frame_remove(owner, old);
    cr_assert_eq(owner->open[1], 6);
    frame_remove(owner, late);
    cr_assert_eq(owner->open[1], 0);
}

Test(hook_frame, buried_ones_are_used_again_last)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t buried = frame_take(owner), last = 0, number;
    frame_bury(buried);
    cr_assert(hook_frames[buried].dead);
    while ((number = frame_take(owner)) != 0)
        last = number;
    cr_assert_eq(last, buried);
    cr_assert_not(hook_frames[buried].dead);
}

Test(hook_frame, none_is_dead_where_stacks_are_moved)
{
    struct frame_owner *owner = owner_of_stack();
    uint32_t number = call(owner, 1500, 0, 0);
    bool past;
    frames_stacks_move();
    cr_assert_not(is_dead(owner, number, 1600, &past));
    cr_assert_not(past);
}

static uint32_t left_behind;

static void *leave_one_behind(void *nothing)
{
    left_behind = call(owner_of_stack(), 1500, 0, 0);
    return nothing;
}

Test(hook_frame, a_thread_that_ends_gives_its_frames_back)
{
    for (uint32_t i = 1; i < 1000; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, leave_one_behind, NULL), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        cr_assert_eq(forgotten, i);
        cr_assert(hook_frames[left_behind].dead);
    }
    /* All but what was left behind is still to be had, and that last of all. */
    struct frame_owner *owner = owner_of_stack();
    uint32_t n = 0;
    while (frame_take(owner) != 0)
        n++;
    cr_assert_eq(n, FRAMES - FRAMES / FRAMES_PER_PAGE);
}
