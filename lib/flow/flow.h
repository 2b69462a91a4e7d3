#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

/*
 * flow: the reception desk. The shim reports what the host does with its fds; everything that
 * follows from it happens here. Reports are made after the real call, on the thread that made it,
 * with the guard up; what ends a connection is reported before the real call, since right after it
 * the number may be somebody else's, and the client can't be asked after any more. Not
 * async-signal-safe: the guard keeps handlers out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/config.h"
#include "flow/fdtable.h"

/* Once per process, before any report. `config` must stay. */
void flow_begin(const struct config *config);

/*
 * What we know of an fd, to be asked before the real call: 0 for an fd that is not followed, else a
 * word for the functions below. Any time, signal handlers included.
 */
static inline uint64_t flow_look(int fd)
{
    return fdtable_look(fd);
}

/* The host accepted a connection. */
void flow_accepted(int fd);

/* The host got `fd` from another process (SCM_RIGHTS). If it is an internet connection, it is
 * followed as if it had been accepted here: which side opened it can't be told, but which one
 * speaks first can. */
void flow_given(int fd);

/* `n` > 0 bytes were read from, or written to, the connection: those at `at`, or the first ones of
 * the vector. */
void flow_read(uint64_t word, int fd, const char *at, size_t n);
void flow_wrote(uint64_t word, int fd, const char *at, size_t n);
void flow_read_pieces(uint64_t word, int fd, const struct iovec *vector, size_t parts, size_t n);
void flow_wrote_pieces(uint64_t word, int fd, const struct iovec *vector, size_t parts, size_t n);

/* `n` > 0 bytes were moved without passing through memory (splice, sendfile). */
void flow_read_unseen(uint64_t word, int fd, uint64_t n);
void flow_wrote_unseen(uint64_t word, int fd, uint64_t n);

/* The host found that the client has closed (read returned 0) or is gone (reset, broken pipe). */
void flow_client_gone(uint64_t word, int fd);

/* The host is about to shut its sending side down. */
void flow_shutting(uint64_t word, int fd);

/* `fd` is about to be closed, or to be replaced by dup2. */
void flow_closing(uint64_t word, int fd);

/* `copy` leads where `word`'s fd leads (dup, F_DUPFD). What `copy` led to before is reported first.
 */
void flow_duplicated(uint64_t word, int copy);

/* A report can't be made now (a signal handler inside us): the connection is given up. */
void flow_missed(uint64_t word);

#endif
