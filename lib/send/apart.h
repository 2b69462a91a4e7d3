#ifndef SEND_APART_H
#define SEND_APART_H

/*
 * apart: a table of fds of the sender's own. What the sender opens then takes no number of the
 * host's, a host that closes or replaces every fd it finds can't touch it, and the sender can't
 * write into what the host opens under a number that was ours.
 */

#include <stdbool.h>

/*
 * Gives the calling thread a table of its own, empty but for `keep` (-1: nothing is kept). The
 * host's open files are not held by it. False where the kernel does not (before Linux 5.9, or in a
 * sandbox): then the table stays shared, and owned_fd's check by inode is all there is.
 */
bool apart_begin(int keep);

#endif
