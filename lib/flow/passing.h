#ifndef FLOW_PASSING_H
#define FLOW_PASSING_H

/*
 * passing: which fd's ciphertext passes while this thread is inside a TLS library's call. A host
 * whose library reads and writes by functions of the host's own (Apache, HAProxy) tells nobody else
 * which fd is whose session's.
 */

enum { PASSING_NONE = -1, PASSING_SEVERAL = -2 };

extern __thread int passing_fd __attribute__((tls_model("initial-exec")));

/* A call begins. */
static inline void passing_begin(void)
{
    passing_fd = PASSING_NONE;
}

/* Bytes of a sealed connection passed. */
static inline void passing_note(int fd)
{
    passing_fd = passing_fd == PASSING_NONE || passing_fd == fd ? fd : PASSING_SEVERAL;
}

#endif
