#ifndef SHIM_LIFE_H
#define SHIM_LIFE_H

/* life: the shim's own: begin before the host's main, fork, end after its exit handlers. */

#include <stdbool.h>

struct sock_fprog;

/* Connections are to be followed: begun, and neither disabled nor excluded. */
bool life_active(void);

/* The process is about to leave this program: what waits is sent, if that does not take long. Does
 * nothing in a vfork child. errno is kept. */
void life_leaving(void);

/* A thread is about to end past libc: if it is the host's last one, the process ends with it, and
 * so must the sender. */
void life_thread_leaving(void);

/*
 * Around a change of the process's user or groups, which libc makes in each thread that it knows,
 * whether or not it succeeds: a sender's thread that libc does not know ends before, and another
 * one takes its place after. Around a move of the calling thread to other namespaces: the same for
 * any sender's thread, since a process with two threads may not do it. Does nothing in a vfork
 * child. errno is kept; may be called in signal handlers.
 */
bool life_user_changes(void);
void life_user_changed(bool retired);
bool life_moves(void);
void life_moved(bool retired);

/*
 * The calling thread is about to put a seccomp filter on itself (NULL: none that can be read), or is
 * `strict`: allowed to read, write and end. If that would kill it for a call of ours, what waits is
 * sent, and nothing is reported any more, for good: by this thread nothing of what it has under way,
 * by others no new connection. errno is kept.
 */
void life_confined(const struct sock_fprog *filter, bool strict);

#endif
