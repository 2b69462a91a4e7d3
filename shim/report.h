#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H

/*
 * report: from a real call's result to the reception desk (flow/flow.h), with the guard up. `word`
 * is what flow_look said of the fd before the call, and is not 0; `result` is the call's, with errno
 * as it left it.
 */

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "flow/flow.h"
#include "guard.h"

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* The host read into the vector; `flags` as recv has them. */
void report_read(uint64_t word, int fd, const struct iovec *vector, size_t parts, ssize_t result,
                 int flags);

/* The host wrote from the vector. */
void report_wrote(uint64_t word, int fd, const struct iovec *vector, size_t parts, ssize_t result);

/* The host moved bytes that did not pass through its memory. */
void report_read_unseen(uint64_t word, int fd, ssize_t result);
void report_wrote_unseen(uint64_t word, int fd, ssize_t result);

#endif
