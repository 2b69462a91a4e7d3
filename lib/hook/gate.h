#ifndef HOOK_GATE_H
#define HOOK_GATE_H

/*
 * gate: what happens at a hooked function's entry and at its return. A timer's usual way is here,
 * in general registers alone, so that the assembler code around it need not save the vector
 * registers; everything else is in hook/calls.h, called with those saved.
 */

#include "hook/frame.h"
#include "hook/patch.h"
#include "hook/spec.h"

enum hook_kind {
    HOOK_REQUEST,
    HOOK_WATCH, /* of the loader: modules come and go */
    HOOK_QUICK_TIMER,
    HOOK_SLOW_TIMER, /* where the processor has no clock of its own: ticks_begin said no */
};

/* A hooked function. Set before the function is patched, then constant. */
struct hook {
    struct patch made;
    enum hook_kind kind;
    uint16_t label; /* of a timer, and of a request inside another */
    uint8_t group;  /* of labels whose first part is the same: one of them is open at a time */
    const struct spec_hook *spec; /* of a request */
    struct bytes name;            /* the function's, of a request */
};

#define HOOKS_MOST 4096

extern struct hook hooks[HOOKS_MOST];

/* What `current` and `guard` of the host are for the calling thread: their distances from the
 * thread's pointer. */
extern intptr_t hook_current_offset, hook_guard_offset;

/* What the assembler code has put on the stack. At the entry `number` is the hook's; where to go on
 * stands in it afterwards. At the return it is the frame's; afterwards it is where to return to. */
struct gate {
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t number;
    uintptr_t back; /* at the entry: the return address */
};

enum gate_way {
    GATE_PASS,  /* on to the original, as if there were no hook */
    GATE_FRAME, /* to a landing, with the return address taken off */
    GATE_SLOW,  /* by calls_enter or calls_leave */
};

enum gate_way gate_enter(struct gate *gate);
enum gate_way gate_leave(struct gate *gate);

/* Signal handlers on this thread see what stands before it as done, and nothing of what follows. */
static inline void gate_in_order(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* The calling thread's current request's number. */
static inline uint32_t gate_current(void)
{
    uint32_t current;
    __asm__("movl %%fs:(%1), %0" : "=r"(current) : "r"(hook_current_offset) : "memory");
    return current;
}

/* Whether the calling thread is inside the shim. */
static inline bool gate_guarded(void)
{
    bool guarded;
    __asm__("movb %%fs:(%1), %0" : "=r"(guarded) : "r"(hook_guard_offset) : "memory");
    return guarded;
}

/* The call has a frame: it goes on to the frame's landing. */
static inline void gate_land(struct gate *gate, uint32_t number, const struct hook *hook)
{
    hook_frames[number].hook = hook;
    hook_landings[number] = (struct landing){hook->made.original, gate->back};
    gate->number = (uintptr_t)hook_landing_code + (uintptr_t)number * 16;
}

/* Adds to the label's tally; false if there is no place. */
static inline bool gate_tally(struct frame_owner *owner, uint16_t label, uint64_t ticks)
{
    uint32_t i = 0;
    while (i < owner->tallies && owner->tally[i].label != label)
        i++;
    if (i == TALLIES)
        return false;
    struct tally *tally = &owner->tally[i];
    if (i == owner->tallies) {
        *tally = (struct tally){.label = label};
        owner->tallies++;
    }
    tally->n++;
    tally->ticks += (int64_t)ticks > 0 ? ticks : 0; /* two processors' counters may be apart */
    return true;
}

#endif
