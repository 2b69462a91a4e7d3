#ifndef BASE_BARE_THREAD_H
#define BASE_BARE_THREAD_H

/*
 * bare_thread: a thread of the process that libc does not know. To libc a process with one thread
 * of its own stays what it was: its allocator takes no locks, its calls don't look out for
 * cancellation (a tenth of what a request costs us, and more to hosts that allocate much), and it
 * ends when its last thread does. In return the thread may call nothing that asks who it is: no
 * allocation, no stdio, no locale, no resolver; what it has of thread-local variables is zero, not
 * as they were initialised. It gets no signal, not even libc's own two, and it does not follow when
 * the host changes its user or groups, which libc has each thread do that it knows: then it has to
 * end (send/shift.h).
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Zero it to begin. */
struct bare_thread {
    _Atomic uint32_t tid; /* 0: none, or it has ended */
    char *memory;
    size_t bytes;
};

/* At the process's start, since it asks the loader: finds out whether there can be such threads,
 * and how much room the thread-local variables of all libraries take. */
void bare_thread_measure(void);

/* That room, in bytes; a megabyte where it can't be found out. Any thread that libc makes needs it
 * on its stack. */
size_t bare_thread_variables(void);

/*
 * Runs `run` on a new thread, with `stack_bytes` of stack. 0, -EBUSY (the one before has not
 * ended), -ENOSYS (not here: another architecture or libc, a sanitizer, which has to know every
 * thread, or somebody who interposes a function that the thread needs), -ENOMEM, or what clone
 * returns (-EAGAIN, -EPERM). For interposed is taken, too, what an executable at a fixed address
 * takes the address of: the loader then gives its own entry for the function as the first. `thread`
 * must stay; its memory is used again for the next one.
 */
int bare_thread_start(struct bare_thread *thread, void (*run)(void), size_t stack_bytes);

/* In a forked child: it is the parent's, and not here. */
void bare_thread_forget(struct bare_thread *thread);

#endif
