#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * log: the shim's own diagnostics, one line each: "stats-hero[PID]: LEVEL: text". No allocation, no
 * stdio, errno untouched; safe in signal handlers. A line goes out in one write.
 */

#include <sys/types.h>

#include "base/bytes.h"

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* The level's name, or NULL past the last. */
const char *log_level_name(unsigned level);

/*
 * Where lines go: empty for standard error, "syslog" for the system log's datagram socket, else a
 * file to append to, opened for each line (diagnostics are rare, and hosts close files that they
 * don't know). `path` must stay. Lines of a level over `level` are not written.
 */
void log_begin(struct bytes path, enum log_level level);

/* The calling thread has a table of fds of its own, in which there is no standard error: its lines
 * fetch the process's for the moment (nobody must hold it, since a parent may wait for its end). */
void log_apart(void);

/* For that thread: a live thread of the process, whose table of fds stands in for the process's when
 * its first thread has ended. 0: none is known. */
void log_witness(pid_t tid);

bool log_wants(enum log_level level);

/* Writes one line made of `n` pieces. A piece is cut at 200 bytes and the line at 511; bytes
 * outside printable ASCII become `_`. */
void log_pieces(enum log_level level, const struct bytes *pieces, size_t n);

/* log_line(LOG_WARN, BYTES("…"), name, …): the pieces as arguments. */
#define log_line(level, ...)                                                                       \
    log_pieces((level), (const struct bytes[]){__VA_ARGS__},                                       \
               sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes))

#endif
