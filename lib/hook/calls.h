#ifndef HOOK_CALLS_H
#define HOOK_CALLS_H

/*
 * calls: hooked calls as requests, and all of a timer's ways but the usual one (hook/gate.h).
 * Called by the assembler code with every register saved, on any thread, in signal handlers too.
 */

#include "hook/gate.h"
#include "hook/host.h"

/* `loaded` is called by the loader's thread, inside of it, when modules came or went. */
void calls_begin(const struct hook_host *host, void (*loaded)(void));

/* GATE_PASS or GATE_FRAME. */
enum gate_way calls_enter(struct gate *gate);

void calls_leave(struct gate *gate);

/* An exception, or the end of the thread (`ending`), is unwinding the stack past the frame. */
void calls_unwound(uint32_t number, bool ending);

/* The call's thread has ended, or will within it. */
void calls_forget(struct frame *frame);

/* What was timed for the calling thread's current request goes there, what goes on till now. */
void calls_settle(void);

#endif
