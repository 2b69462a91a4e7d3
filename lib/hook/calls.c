#include "hook/calls.h"

#include "base/process.h"
#include "hook/ticks.h"

static const struct hook_host *host;
static void (*loaded)(void);

void calls_begin(const struct hook_host *the_host, void (*when_loaded)(void))
{
    host = the_host;
    loaded = when_loaded;
}

static struct bytes or_else(struct bytes text, struct bytes otherwise)
{
    return text.n > 0 ? text : otherwise;
}

/* The request that the call begins; NULL if it can't. */
static void *start_request(const struct hook *hook, const struct value_frame *values)
{
    const struct spec_hook *spec = hook->spec;
    struct value_text text[3];
    value_texts(text, (const struct value *[]){&spec->id, &spec->label, &spec->action}, 3, values);
    return host->request_start(&(struct hook_facts){
        .id = text[0].text,
        .label = or_else(text[1].text, hook->name),
        .action = or_else(text[2].text, BYTES("call")),
    });
}

static void read_arguments(struct value_frame *values, const struct gate *gate)
{
    *values = (struct value_frame){
        .arg = {gate->rdi, gate->rsi, gate->rdx, gate->rcx, gate->r8, gate->r9}};
}

static void settle_tallies(struct frame_owner *owner)
{
    for (uint32_t i = 0; i < owner->tallies; i++)
        host->timer_add(owner->tally[i].label, ticks_to_ns(owner->tally[i].ticks),
                        owner->tally[i].n);
    owner->tallies = 0;
}

static void add_time(struct frame_owner *owner, const struct frame *frame, uint64_t now)
{
    if (frame->request != gate_current())
        return;
    if (!gate_tally(owner, frame->hook->label, now - frame->start)) {
        settle_tallies(owner);
        gate_tally(owner, frame->hook->label, now - frame->start);
    }
}

/* Not yet over, and in a forked child not the parent's. A timer's frame may have been a request's
 * before. */
static bool is_request(const struct frame *frame)
{
    return frame->timer == NO_TIMER && frame->handle != NULL && frame->epoch == process.epoch;
}

/* What the call was is over. */
static void account(struct frame_owner *owner, const struct frame *frame, bool done, uint64_t now)
{
    if (is_request(frame))
        host->request_end(frame->handle, done ? spec_status(frame->hook->spec, &frame->values) : 0,
                          done);
    else if (frame->timer != NO_TIMER && owner == frame_owner)
        add_time(owner, frame, now);
}

/* A timed call that goes on is part of the request till now, and no timer from now on. */
static void close_timer(struct frame_owner *owner, struct frame *frame, uint64_t now)
{
    add_time(owner, frame, now);
    owner->open[frame->group] = 0;
    frame->handle = NULL; /* first: the call may be returning on another thread */
    __atomic_store_n(&frame->timer, NO_TIMER, __ATOMIC_RELEASE);
}

/* A signal handler's calls would add to what is being read. */
void calls_settle(void)
{
    struct frame_owner *owner = frame_owner;
    if (owner == NULL)
        return;
    const bool was_busy = owner->busy;
    const uint64_t now = ticks_read();
    owner->busy = true;
    gate_in_order();
    for (uint32_t number = owner->top; number != 0; number = hook_frames[number].below)
        if (hook_frames[number].timer != NO_TIMER)
            close_timer(owner, &hook_frames[number], now);
    settle_tallies(owner);
    gate_in_order();
    owner->busy = was_busy;
}

/* Calls that never returned are as long as they were known to run: till now. Seen from a call whose
 * return address `back` stands at `slot`. */
static void bury_dead(struct frame_owner *owner, uintptr_t slot, uintptr_t back)
{
    bool past = false;
    frames_drop_returned(owner);
    for (uint32_t number = owner->top; number != 0 && !past;) {
        struct frame *frame = &hook_frames[number];
        uint32_t below = frame->below;
        if (frame_is_dead(owner, number, slot, back, &past)) {
            account(owner, frame, false, ticks_read());
            frame_remove(owner, number);
            frame_bury(number);
        }
        number = below;
    }
}

/* A frame of a request, or of a timer; false if there is nothing to count. */
static bool fill_frame(struct frame_owner *owner, struct frame *frame, const struct hook *hook,
                       const struct gate *gate)
{
    frame->handle = NULL;
    frame->timer = NO_TIMER;
    frame->epoch = process.epoch;
    if (hook->kind == HOOK_REQUEST && !host->serving()) {
        read_arguments(&frame->values, gate);
        frame->handle = start_request(hook, &frame->values);
        return frame->handle != NULL;
    }
    frame->request = gate_current();
    if (frame->request == 0 || owner->open[hook->group] == frame->request)
        return false;
    frame->timer = hook->kind == HOOK_QUICK_TIMER ? QUICK_TIMER : SLOW_TIMER;
    owner->open[hook->group] = frame->request;
    frame->group = hook->group;
    return true;
}

static enum gate_way enter(struct frame_owner *owner, const struct hook *hook, struct gate *gate)
{
    bury_dead(owner, (uintptr_t)&gate->back, gate->back);
    uint32_t number = frame_take(owner);
    if (number == 0)
        return GATE_PASS;
    struct frame *frame = &hook_frames[number];
    if (!fill_frame(owner, frame, hook, gate)) {
        frame_give(owner, number);
        return GATE_PASS;
    }
    frame_push(owner, number, (uintptr_t)&gate->back);
    gate_land(gate, number, hook);
    frame->start = ticks_read();
    return GATE_FRAME;
}

enum gate_way calls_enter(struct gate *gate)
{
    const struct hook *hook = &hooks[gate->number];
    enum gate_way way = GATE_PASS;
    gate->number = (uintptr_t)hook->made.original;
    if (!host->enter())
        return GATE_PASS;
    struct frame_owner *owner = frame_owner != NULL ? frame_owner : frames_join();
    if (hook->kind == HOOK_WATCH) {
        loaded();
    } else if (owner != NULL && !owner->busy) {
        owner->busy = true;
        way = enter(owner, hook, gate);
        owner->busy = false;
    }
    host->leave();
    return way;
}

/* Who has its owner's list is its owner. */
static void give_back(struct frame_owner *self, uint32_t number)
{
    struct frame *frame = &hook_frames[number];
    if (frame->owner == self && self != NULL) {
        frame_remove(self, number);
        frame_give(self, number);
    } else {
        __atomic_store_n(&frame->elsewhere, true, __ATOMIC_RELEASE);
    }
}

static void over(uint32_t number, bool done)
{
    struct frame *frame = &hook_frames[number];
    struct frame_owner *self = frame_owner;
    uint64_t now = ticks_read();
    if (frame->dead || (self != NULL && self->busy) || !host->enter())
        return; /* its number is not used again */
    if (self != NULL)
        self->busy = true;
    if (self != NULL && frame->owner == self)
        bury_dead(self, frame->slot, landing_return(number));
    account(frame->owner, frame, done, now);
    give_back(self, number);
    if (self != NULL)
        self->busy = false;
    host->leave();
}

void calls_leave(struct gate *gate)
{
    uint32_t number = (uint32_t)gate->number;
    struct frame *frame = &hook_frames[number];
    gate->number = hook_landings[number].back;
    if (frame->handle != NULL)
        frame->values.ret = gate->rax;
    over(number, true);
}

void calls_forget(struct frame *frame)
{
    if (!is_request(frame) || !host->enter())
        return;
    host->request_abandon(frame->handle);
    frame->handle = NULL;
    host->leave();
}

void calls_unwound(uint32_t number, bool ending)
{
    if (ending)
        calls_forget(&hook_frames[number]);
    over(number, false);
}
