#ifndef SEND_PLACE_H
#define SEND_PLACE_H

/*
 * place: whose turn it is to do the sender's work. The thread's, while it is BUSY or LOOKING. While
 * it sleeps, was called and does not run yet, or is not there (IDLE, GATHERING, CALLED, NONE), a
 * thread of the host's may take the place: who ends the process need not wait until the sender's
 * thread is given a processor. What is the sender's is only ever touched in its place; who takes it
 * sees all that was done there before.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum sender_state {
    SENDER_NONE,      /* there is no thread */
    SENDER_IDLE,      /* it sleeps */
    SENDER_LOOKING,   /* it looks once more, and then sleeps without end */
    SENDER_GATHERING, /* it sleeps until lines have come together */
    SENDER_CALLED,    /* it was made, or woken, and may not run yet */
    SENDER_BUSY,
    SENDER_TAKEN, /* another thread has its place */
    SENDER_ENDED  /* for good */
};

extern _Atomic uint32_t sender_state;

/* The place is changed to `state` by who has it, and those who wait for that go on. */
void place_become(enum sender_state state);

/* Sleeps while the state is `state`, `timeout_ns` at most. True: it slept that long. */
bool place_sleep(enum sender_state state, uint64_t timeout_ns);

/* On the sender's thread, which has slept or begins: it is BUSY, after whoever had its place.
 * False: it has ended, and nothing of the sender's may be touched. */
bool place_resume(void);

/* On the sender's thread: from one state of its own to another one; false if it was called, or its
 * place taken, meanwhile. */
bool place_change(uint32_t from, enum sender_state to);

/* The thread is to come, or to go on. Any thread, signal handlers included. */
void place_call(void);

/* Any other thread: takes the place, until place_become. False: the sender's thread is at work. In
 * `before` is the state that it was in. Signals must be blocked. */
bool place_take(uint32_t *before);

#endif
