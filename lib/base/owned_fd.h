#ifndef BASE_OWNED_FD_H
#define BASE_OWNED_FD_H

/*
 * owned_fd: an fd of ours in a process that does not know of it. It is moved out of the way of the
 * host's numbers, and known by its inode: the host may close it and be given its number for
 * something else.
 */

#include <stdbool.h>
#include <stdint.h>

struct owned_fd {
    int fd; /* -1: none */
    uint64_t device, inode;
};

#define OWNED_FD_NONE ((struct owned_fd){-1, 0, 0})

/* Takes `fd` over (it is moved to a high number, close-on-exec). 0 or a negative errno value, and
 * then `fd` is closed. */
int owned_fd_take(struct owned_fd *owned, int fd);

/* Still the file that was taken. */
bool owned_fd_intact(const struct owned_fd *owned);

/* Closes it if it is intact, forgets it in any case. */
void owned_fd_close(struct owned_fd *owned);

#endif
