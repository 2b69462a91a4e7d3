#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H

/*
 * report: from a real call's result to the reception desk (flow/flow.h), with the guard up. `word`
 * is what flow_look said of the fd before the call, not 0 where reads and writes are reported;
 * `result` is the call's, with errno as it left it. errno is kept. Those that return something
 * return `result`.
 */

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "flow/flow.h"
#include "guard.h"

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define LIKELY(condition)   __builtin_expect(!!(condition), 1)

/* The host read up to `n` bytes to one place, or into the vector, or a message; `flags` as recv has
 * them. */
ssize_t report_read(uint64_t word, int fd, const void *at, size_t n, ssize_t result, int flags);
ssize_t report_read_vector(uint64_t word, int fd, const struct iovec *vector, size_t parts,
                           ssize_t result, int flags);
ssize_t report_read_message(uint64_t word, int fd, const struct msghdr *message, ssize_t result,
                            int flags);

/* The host wrote from one place, or from the vector, or a message; `flags` as send has them. */
ssize_t report_wrote(uint64_t word, int fd, const void *at, ssize_t result, int flags);
ssize_t report_wrote_vector(uint64_t word, int fd, const struct iovec *vector, size_t parts,
                            ssize_t result, int flags);
ssize_t report_wrote_message(uint64_t word, int fd, const struct msghdr *message, ssize_t result,
                             int flags);

/* A read or write that the kernel answered with a negative errno value: errno is set. -1. */
ssize_t report_refused(uint64_t word, int fd, long answer);

/* The host moved bytes that did not pass through its memory. */
void report_spliced_in(uint64_t word, int fd, ssize_t result);
ssize_t report_wrote_unseen(uint64_t word, int fd, ssize_t result);

/* accept's result. */
int report_accepted(int fd);

/* The host received this message: it may hold fds of another process's. */
void report_given(const struct msghdr *message);

/* `fd` is about to be closed, or all from `first` to `last`: before the real call, since right
 * after it the number may be another thread's. */
void report_closing(int fd);
void report_closing_range(unsigned first, unsigned last);

/* `fd`, of which `word` was known before the call, was copied to `copy` (-1: it was not). */
void report_copied(uint64_t word, int fd, int copy);

#endif
