#ifndef HOOK_FRAME_H
#define HOOK_FRAME_H

/*
 * frame: the hooked calls that have not returned yet.
 *
 * Each has a number, and the number has a landing (hook/entry_x86_64.S): the few instructions that
 * call the function and get the return. So what stands on the host's stack as the return address
 * says which call it is, wherever the stack has been moved or switched to meanwhile and whatever
 * thread runs on it: coroutines and fibers need no care. Nothing is searched to return.
 *
 * A call that never returns (longjmp) leaves its frame behind. It is found dead when its thread
 * makes a hooked call, or returns from one, with a stack that is shorter; only on the stack that
 * the thread was born with, since calls on others may just be asleep. Where a library is loaded
 * that copies parts of that very stack away and back (greenlet), no call is taken for dead
 * (frames_stacks_move). The number of a dead frame is used again last of all.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "hook/stack.h"
#include "hook/value.h"

#define FRAMES          32768
#define FRAMES_PER_PAGE 256 /* the first one's landing is no landing */

/* What a landing uses: known to the assembler. */
struct landing {
    const void *target; /* what it calls */
    uintptr_t back;     /* where the call returns to */
};

extern struct landing hook_landings[FRAMES];
extern const char hook_landing_code[]; /* 16 bytes each */

struct hook;
struct frame_owner;

enum frame_timer {
    NO_TIMER,    /* but a request */
    QUICK_TIMER, /* returns by gate_leave */
    SLOW_TIMER,  /* returns by calls_leave */
};

struct frame {
    uint64_t start; /* ticks */
    uintptr_t slot; /* where the return address stood */
    const struct hook *hook;
    struct frame_owner *owner; /* the thread on whose list it is; NULL: it is free */
    uint32_t below;            /* on that list, 0: none; of a free one: the next free one */
    uint32_t request;          /* number of the request that was current */
    uint32_t epoch;            /* of the process in which it was made */
    bool elsewhere; /* it has returned on another thread; its owner takes it off the list */
    bool dead;      /* given up; it stands in a queue, to be used again last of all */
    uint8_t timer;  /* enum frame_timer */
    uint8_t group;  /* of a timer: no other of the thread's for this request is of it */
    void *handle;   /* of the request that it is */
    struct value_frame values; /* of a request */
};

extern struct frame hook_frames[FRAMES];

/* A label's time on one thread, for its current request. */
struct tally {
    uint16_t label;
    uint32_t n;
    uint64_t ticks;
};

#define TALLIES      8
#define TIMER_GROUPS 256

/* What a thread keeps. */
struct frame_owner {
    struct pool_link link;
    bool busy;          /* in here: a signal handler's calls pass */
    uint32_t top;       /* its innermost frame, 0: none */
    uintptr_t top_slot; /* UINTPTR_MAX: none */
    uint32_t free;      /* list of free frames, 0: none */
    uint32_t tallies;
    struct tally tally[TALLIES];
    struct stack stack;          /* the one that it was born with, once it was needed */
    uint32_t open[TIMER_GROUPS]; /* the request for which a timer of the group is open, 0: none */
};

/* The calling thread's; NULL: it is new. */
extern __thread struct frame_owner *frame_owner __attribute__((tls_model("initial-exec")));

/* Once per process. `forget` is told of each call that a thread leaves behind when it ends: nobody
 * will ask for it. 0 or a negative errno value. */
int frames_begin(void (*forget)(struct frame *frame));

/* Makes the calling thread's, which is given back when the thread ends; NULL without memory. */
struct frame_owner *frames_join(void);

/* A free frame for the thread, 0 without any. */
uint32_t frame_take(struct frame_owner *owner);

/* Gives back one that is on no list. */
void frame_give(struct frame_owner *owner, uint32_t number);

/* Puts a frame on the thread's list: `hook`'s call, whose return address stands at `slot`. */
static inline void frame_push(struct frame_owner *owner, uint32_t number, uintptr_t slot)
{
    struct frame *frame = &hook_frames[number];
    frame->slot = slot;
    frame->owner = owner;
    frame->below = owner->top;
    owner->top = number;
    owner->top_slot = slot;
}

/* A timer's frame is going: its group is free for the request. */
static inline void frame_close_group(struct frame_owner *owner, const struct frame *frame)
{
    if (owner->open[frame->group] == frame->request)
        owner->open[frame->group] = 0;
}

/* Takes the frame off its list. */
void frame_remove(struct frame_owner *owner, uint32_t number);

/* Takes those that have returned on other threads off the list. */
void frames_drop_returned(struct frame_owner *owner);

/* Gives a removed frame up: should its call return nevertheless, its landing is still right. */
void frame_bury(uint32_t number);

/* From now on no frame is dead: parts of stacks are copied away and back. */
void frames_stacks_move(void);

/* Whether the frame's call can't be on the thread's stack any more, seen from a call whose return
 * address `back` stands at `slot`. `*past`: nor are those below it on the list to be looked at. */
bool frame_is_dead(struct frame_owner *owner, uint32_t number, uintptr_t slot, uintptr_t back,
                   bool *past);

/* Where the landing's call returns to: what stands on the stack in place of the return address. */
static inline uintptr_t landing_return(uint32_t number)
{
    return (uintptr_t)hook_landing_code + (uintptr_t)number * 16 + 6;
}

/* In a forked child, which has one thread. */
void frames_forked(void);

#endif
