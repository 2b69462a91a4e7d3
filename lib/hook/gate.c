#include "hook/gate.h"

#include "base/tsc.h"

/*
 * A signal handler may interrupt any of this and make hooked calls: `busy` makes those pass. It is
 * set before the thread's list is touched, and what stands there is whole again before it is
 * cleared; one thread, so the compiler's order is enough.
 */

struct hook hooks[HOOKS_MOST];
intptr_t hook_current_offset, hook_guard_offset;

enum gate_way gate_enter(struct gate *gate)
{
    const struct hook *hook = &hooks[gate->number];
    struct frame_owner *owner = frame_owner;
    uint32_t request = gate_current();
    if (hook->kind >= HOOK_QUICK_TIMER && (request == 0 || gate_guarded())) {
        gate->number = (uintptr_t)hook->made.original;
        return GATE_PASS;
    }
    if (__builtin_expect(owner == NULL || owner->busy || hook->kind != HOOK_QUICK_TIMER ||
                             owner->free == 0 || (uintptr_t)&gate->back >= owner->top_slot,
                         0))
        return GATE_SLOW;
    if (owner->open[hook->group] == request) {
        gate->number = (uintptr_t)hook->made.original;
        return GATE_PASS;
    }
    owner->busy = true;
    gate_in_order();
    uint32_t number = owner->free;
    struct frame *frame = &hook_frames[number];
    owner->free = frame->below;
    owner->open[hook->group] = request;
    frame_push(owner, number, (uintptr_t)&gate->back);
    frame->timer = QUICK_TIMER;
    frame->group = hook->group;
    frame->request = request;
    gate_land(gate, number, hook);
    gate_in_order();
    owner->busy = false;
    frame->start = tsc_now();
    return GATE_FRAME;
}

enum gate_way gate_leave(struct gate *gate)
{
    uint64_t now = tsc_now();
    uint32_t number = (uint32_t)gate->number;
    struct frame_owner *owner = frame_owner;
    struct frame *frame = &hook_frames[number];
    if (__builtin_expect(
            owner == NULL || owner->busy || owner->top != number || frame->timer != QUICK_TIMER, 0))
        return GATE_SLOW;
    owner->busy = true;
    gate_in_order();
    if (__builtin_expect(frame->request == gate_current() &&
                             !gate_tally(owner, frame->hook->label, now - frame->start),
                         0)) {
        owner->busy = false;
        return GATE_SLOW;
    }
    frame_close_group(owner, frame);
    owner->top = frame->below;
    owner->top_slot = frame->below != 0 ? hook_frames[frame->below].slot : UINTPTR_MAX;
    frame->owner = NULL;
    frame->below = owner->free;
    owner->free = number;
    gate->number = hook_landings[number].back;
    gate_in_order();
    owner->busy = false;
    return GATE_PASS;
}
