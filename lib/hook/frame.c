#include "hook/frame.h"

#include <errno.h>
#include <pthread.h>

#include "base/lock.h"

/*
 * Free frames are on their thread's list, or on the one of all; a thread takes GRAB at a time. What
 * was buried waits in a queue until there is nothing else.
 */

enum { GRAB = 16 };

struct landing hook_landings[FRAMES];
struct frame hook_frames[FRAMES];
__thread struct frame_owner *frame_owner __attribute__((tls_model("initial-exec")));

static struct {
    struct lock lock;
    uint32_t fresh;          /* numbers from here on were never used */
    uint32_t free;           /* list, 0: none */
    uint32_t oldest, newest; /* buried ones */
    bool stacks_move;
    void (*forget)(struct frame *frame);
    pthread_key_t key;
} frames;

POOL(owners, struct frame_owner, 0);

static void leave(void *owner);

int frames_begin(void (*forget)(struct frame *frame))
{
    frames.forget = forget;
    return -pthread_key_create(&frames.key, leave);
}

struct frame_owner *frames_join(void)
{
    int saved = errno;
    struct frame_owner *owner = pool_get(&owners);
    if (owner == NULL)
        return NULL;
    struct pool_link link = owner->link;
    *owner = (struct frame_owner){.top_slot = UINTPTR_MAX};
    owner->link.number = link.number;
    if (pthread_setspecific(frames.key, owner) == 0) {
        frame_owner = owner;
    } else {
        pool_put(&owners, owner);
        owner = NULL;
    }
    errno = saved;
    return owner;
}

/* A frame's number that no thread has, 0 without any. With the lock. */
static uint32_t take_shared(void)
{
    uint32_t number = frames.free;
    if (number != 0) {
        frames.free = hook_frames[number].below;
    } else if (frames.fresh < FRAMES) {
        number = frames.fresh++;
        if (number % FRAMES_PER_PAGE == 0)
            number = take_shared();
    } else if (frames.oldest != 0) {
        number = frames.oldest;
        frames.oldest = hook_frames[number].below;
        hook_frames[number].dead = false;
    }
    return number;
}

static void grab(struct frame_owner *owner)
{
    if (!lock_take(&frames.lock))
        return;
    for (int i = 0; i < GRAB; i++) {
        uint32_t number = take_shared();
        if (number == 0)
            break;
        frame_give(owner, number);
    }
    lock_release(&frames.lock);
}

uint32_t frame_take(struct frame_owner *owner)
{
    if (owner->free == 0)
        grab(owner);
    uint32_t number = owner->free;
    if (number != 0)
        owner->free = hook_frames[number].below;
    return number;
}

void frame_give(struct frame_owner *owner, uint32_t number)
{
    struct frame *frame = &hook_frames[number];
    frame->owner = NULL;
    frame->elsewhere = false;
    frame->below = owner->free;
    owner->free = number;
}

static void set_top(struct frame_owner *owner, uint32_t number)
{
    owner->top = number;
    owner->top_slot = number != 0 ? hook_frames[number].slot : UINTPTR_MAX;
}

static bool has_returned(uint32_t number)
{
    return __atomic_load_n(&hook_frames[number].elsewhere, __ATOMIC_ACQUIRE);
}

static void unlink_after(struct frame_owner *owner, uint32_t above, uint32_t number)
{
    const struct frame *frame = &hook_frames[number];
    if (frame->timer != NO_TIMER)
        frame_close_group(owner, frame);
    if (above == 0)
        set_top(owner, frame->below);
    else
        hook_frames[above].below = frame->below;
}

void frame_remove(struct frame_owner *owner, uint32_t number)
{
    uint32_t above = 0;
    for (uint32_t at = owner->top; at != number; at = hook_frames[at].below)
        above = at;
    unlink_after(owner, above, number);
}

void frames_drop_returned(struct frame_owner *owner)
{
    uint32_t above = 0;
    for (uint32_t number = owner->top; number != 0;) {
        uint32_t below = hook_frames[number].below;
        if (has_returned(number)) {
            unlink_after(owner, above, number);
            frame_give(owner, number);
        } else {
            above = number;
        }
        number = below;
    }
}

void frame_bury(uint32_t number)
{
    struct frame *frame = &hook_frames[number];
    frame->dead = true;
    frame->below = 0;
    if (!lock_take(&frames.lock))
        return;
    if (frames.oldest == 0)
        frames.oldest = number;
    else
        hook_frames[frames.newest].below = number;
    frames.newest = number;
    lock_release(&frames.lock);
}

void frames_stacks_move(void)
{
    frames.stacks_move = true;
}

bool frame_is_dead(struct frame_owner *owner, uint32_t number, uintptr_t slot, uintptr_t back,
                   bool *past)
{
    const struct frame *frame = &hook_frames[number];
    *past = frame->slot > slot || (frame->slot == slot && back == landing_return(number));
    if (*past || frames.stacks_move || has_returned(number))
        return false;
    if (owner->stack.high == 0)
        owner->stack = stack_of_thread();
    return stack_has(&owner->stack, slot) && stack_has(&owner->stack, frame->slot);
}

/*
 * The thread ends. What it still has on its list is on stacks of coroutines, which others may go on
 * with, or was jumped out of: nobody will look at it again, so it is buried.
 */
static void leave(void *ending)
{
    struct frame_owner *owner = ending;
    frame_owner = NULL;
    while (owner->top != 0) {
        uint32_t number = owner->top;
        frame_remove(owner, number);
        frames.forget(&hook_frames[number]);
        frame_bury(number);
    }
    if (lock_take(&frames.lock)) {
        while (owner->free != 0) {
            uint32_t number = owner->free;
            owner->free = hook_frames[number].below;
            hook_frames[number].below = frames.free;
            frames.free = number;
        }
        lock_release(&frames.lock);
    }
    pool_put(&owners, owner);
}

void frames_forked(void)
{
    if (frame_owner != NULL)
        frame_owner->tallies = 0;
}
