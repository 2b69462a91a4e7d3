#include "report.h"

#include <errno.h>
#include <string.h>

#include "base/hot.h"
#include "life.h"

/* The guard is up already: a signal handler of the host's came in between. What it did on this
 * connection can't be told, so nothing more may be said of it. */
static bool inside(uint64_t word)
{
    if (LIKELY(!guard_up))
        return false;
    flow_missed(word);
    return true;
}

static bool asked_for_bytes(const struct iovec *vector, size_t parts)
{
    for (size_t i = 0; i < parts; i++)
        if (vector[i].iov_len > 0)
            return true;
    return false;
}

static bool client_lost(int error)
{
    return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT;
}

static __attribute__((noinline)) void report_gone(uint64_t word, int fd)
{
    if (inside(word))
        return;
    guard_raise();
    flow_client_gone(word, fd);
    guard_lower();
}

static void report_failure(uint64_t word, int fd)
{
    if (client_lost(errno))
        report_gone(word, fd);
}

static inline __attribute__((always_inline)) void
report_unseen(uint64_t word, int fd, ssize_t result,
              void (*tell)(uint64_t word, int fd, uint64_t n))
{
    if (result <= 0 || inside(word))
        return;
    guard_raise();
    tell(word, fd, (uint64_t)result);
    guard_lower();
}

/* What a read can say besides "these bytes came": everything that is not the usual case. */
static __attribute__((noinline)) ssize_t report_read_unusual(uint64_t word, int fd, bool asked,
                                                             ssize_t result, int flags)
{
    if (result < 0)
        report_failure(word, fd);
    else if (result == 0 && asked && !(flags & (MSG_ERRQUEUE | MSG_OOB)))
        report_gone(word, fd);
    else if (flags & MSG_TRUNC && !(flags & (MSG_ERRQUEUE | MSG_OOB | MSG_PEEK)))
        report_unseen(word, fd, result, flow_read_unseen);
    return result;
}

static inline bool read_is_usual(ssize_t result, int flags)
{
    return LIKELY(result > 0 && !(flags & (MSG_ERRQUEUE | MSG_OOB | MSG_PEEK | MSG_TRUNC)));
}

HOT FLAT ssize_t report_read(uint64_t word, int fd, const void *at, size_t n, ssize_t result,
                             int flags)
{
    if (!read_is_usual(result, flags))
        return report_read_unusual(word, fd, n > 0, result, flags);
    if (inside(word))
        return result;
    guard_raise();
    flow_read(word, fd, at, (size_t)result);
    guard_lower();
    return result;
}

static bool in_one_piece(const struct iovec *vector, size_t parts, ssize_t result)
{
    return parts > 0 && (ssize_t)vector[0].iov_len >= result;
}

static __attribute__((noinline)) ssize_t
report_read_pieces(uint64_t word, int fd, const struct iovec *vector, size_t parts, ssize_t result)
{
    if (inside(word))
        return result;
    guard_raise();
    flow_read_pieces(word, fd, vector, parts, (size_t)result);
    guard_lower();
    return result;
}

ssize_t report_read_vector(uint64_t word, int fd, const struct iovec *vector, size_t parts,
                           ssize_t result, int flags)
{
    if (!read_is_usual(result, flags))
        return report_read_unusual(word, fd, result == 0 && asked_for_bytes(vector, parts), result,
                                   flags);
    if (in_one_piece(vector, parts, result))
        return report_read(word, fd, vector[0].iov_base, vector[0].iov_len, result, flags);
    return report_read_pieces(word, fd, vector, parts, result);
}

ssize_t report_read_message(uint64_t word, int fd, const struct msghdr *message, ssize_t result,
                            int flags)
{
    if (result < 0) {
        report_failure(word, fd);
        return result;
    }
    return report_read_vector(word, fd, message->msg_iov, message->msg_iovlen, result, flags);
}

static __attribute__((noinline)) ssize_t report_wrote_nothing(uint64_t word, int fd, ssize_t result)
{
    if (result < 0)
        report_failure(word, fd);
    return result;
}

HOT FLAT ssize_t report_wrote(uint64_t word, int fd, const void *at, ssize_t result, int flags)
{
    if (UNLIKELY(result <= 0))
        return report_wrote_nothing(word, fd, result);
    if (UNLIKELY(flags & MSG_OOB) || inside(word))
        return result;
    guard_raise();
    flow_wrote(word, fd, at, (size_t)result);
    guard_lower();
    return result;
}

static HOT FLAT __attribute__((noinline)) ssize_t report_wrote_pieces(uint64_t word, int fd,
                                                                      const struct iovec *vector,
                                                                      size_t parts, ssize_t result,
                                                                      int flags)
{
    if (flags & MSG_OOB || inside(word))
        return result;
    guard_raise();
    flow_wrote_pieces(word, fd, vector, parts, (size_t)result);
    guard_lower();
    return result;
}

HOT ssize_t report_wrote_vector(uint64_t word, int fd, const struct iovec *vector, size_t parts,
                                ssize_t result, int flags)
{
    if (UNLIKELY(result <= 0))
        return report_wrote_nothing(word, fd, result);
    if (LIKELY(in_one_piece(vector, parts, result)))
        return report_wrote(word, fd, vector[0].iov_base, result, flags);
    return report_wrote_pieces(word, fd, vector, parts, result, flags);
}

ssize_t report_wrote_message(uint64_t word, int fd, const struct msghdr *message, ssize_t result,
                             int flags)
{
    if (result < 0) {
        report_failure(word, fd);
        return result;
    }
    return report_wrote_vector(word, fd, message->msg_iov, message->msg_iovlen, result, flags);
}

__attribute__((noinline)) ssize_t report_refused(uint64_t word, int fd, long answer)
{
    errno = (int)-answer;
    report_failure(word, fd);
    return -1;
}

/* A broken pipe is the one that the bytes were to go to. */
void report_spliced_in(uint64_t word, int fd, ssize_t result)
{
    if (result < 0 && errno != EPIPE)
        report_failure(word, fd);
    report_unseen(word, fd, result, flow_read_unseen);
}

HOT FLAT ssize_t report_wrote_unseen(uint64_t word, int fd, ssize_t result)
{
    if (UNLIKELY(result <= 0))
        return report_wrote_nothing(word, fd, result);
    report_unseen(word, fd, result, flow_wrote_unseen);
    return result;
}

int report_accepted(int fd)
{
    if (fd < 0 || guard_up || !life_active())
        return fd;
    guard_raise();
    flow_accepted(fd);
    guard_lower();
    return fd;
}

static void report_given_in(const struct cmsghdr *part)
{
    size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        flow_given(fd);
    }
}

void report_given(const struct msghdr *message)
{
    if (guard_up || !life_active())
        return;
    guard_raise();
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
            report_given_in(part);
    guard_lower();
}

static __attribute__((noinline)) void report_closing_ours(uint64_t word, int fd)
{
    if (inside(word))
        return;
    guard_raise();
    flow_closing(word, fd);
    guard_lower();
}

void report_closing(int fd)
{
    uint64_t word = flow_look(fd);
    if (UNLIKELY(word != 0))
        report_closing_ours(word, fd);
}

void report_closing_range(unsigned first, unsigned last)
{
    for (int fd; (fd = fdtable_next(first, last)) >= 0;) {
        report_closing(fd);
        if ((unsigned)fd == last)
            return;
        first = (unsigned)fd + 1;
    }
}

void report_copied(uint64_t word, int fd, int copy)
{
    if (copy < 0 || copy == fd || guard_up || (word == 0 && flow_look(copy) == 0))
        return;
    guard_raise();
    flow_duplicated(word, copy);
    guard_lower();
}
