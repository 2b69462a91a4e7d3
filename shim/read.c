/* read: everything that a host reads from a connection with. Each body is guard, real call, report.
 */
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hot.h"
#include "export.h"
#include "flow/ahead.h"
#include "libc.h"
#include "real.h"
#include "report.h"

/* Fortified programs call these; glibc declares them for itself only. */
ssize_t __read_chk(int fd, void *at, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *at, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *at, size_t n, size_t room, int flags, struct sockaddr *address,
                       socklen_t *size);

static BY_LIBC ssize_t read_by_libc(int fd, void *at, size_t n, uint64_t word)
{
    return report_read(word, fd, at, n, libc.read(fd, at, n), 0);
}

static FOLLOWED ssize_t read_followed(int fd, void *at, size_t n, uint64_t word)
{
    flow_ahead(word);
    if (!real_is_direct())
        return read_by_libc(fd, at, n, word);
    long result = kernel_transfer(SYS_read, fd, at, n);
    return LIKELY(result >= 0) ? report_read(word, fd, at, n, result, 0)
                               : report_refused(word, fd, result);
}

EXPORT HOT ssize_t read(int fd, void *at, size_t n)
{
    uint64_t word = flow_look(fd);
    return LIKELY(word == 0) ? libc.read(fd, at, n) : read_followed(fd, at, n, word);
}

EXPORT HOT ssize_t readv(int fd, const struct iovec *vector, int parts)
{
    uint64_t word = flow_look(fd);
    if (LIKELY(word == 0))
        return libc.readv(fd, vector, parts);
    return report_read_vector(word, fd, vector, parts > 0 ? (size_t)parts : 0,
                              libc.readv(fd, vector, parts), 0);
}

static BY_LIBC ssize_t recv_by_libc(int fd, void *at, size_t n, int flags, uint64_t word)
{
    return report_read(word, fd, at, n, libc.recv(fd, at, n, flags), flags);
}

static FOLLOWED ssize_t recv_followed(int fd, void *at, size_t n, int flags, uint64_t word)
{
    flow_ahead(word);
    if (!real_is_direct())
        return recv_by_libc(fd, at, n, flags, word);
    long result = kernel_transfer_by_socket(SYS_recvfrom, fd, at, n, flags);
    return LIKELY(result >= 0) ? report_read(word, fd, at, n, result, flags)
                               : report_refused(word, fd, result);
}

EXPORT HOT ssize_t recv(int fd, void *at, size_t n, int flags)
{
    uint64_t word = flow_look(fd);
    return LIKELY(word == 0) ? libc.recv(fd, at, n, flags) : recv_followed(fd, at, n, flags, word);
}

EXPORT HOT ssize_t recvfrom(int fd, void *at, size_t n, int flags, struct sockaddr *address,
                            socklen_t *size)
{
    uint64_t word = flow_look(fd);
    if (LIKELY(word == 0))
        return libc.recvfrom(fd, at, n, flags, address, size);
    return report_read(word, fd, at, n, libc.recvfrom(fd, at, n, flags, address, size), flags);
}

static inline bool with_others(const struct msghdr *message)
{
    return UNLIKELY(message->msg_controllen >= sizeof(struct cmsghdr));
}

EXPORT HOT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.recvmsg(fd, message, flags);
    if (result >= 0 && with_others(message))
        report_given(message);
    if (LIKELY(word == 0))
        return result;
    return report_read_message(word, fd, message, result, flags);
}

EXPORT HOT int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
                        struct timespec *timeout)
{
    uint64_t word = flow_look(fd);
    int result = libc.recvmmsg(fd, messages, n, flags, timeout);
    for (int i = 0; i < result; i++) {
        if (with_others(&messages[i].msg_hdr))
            report_given(&messages[i].msg_hdr);
        if (UNLIKELY(word != 0))
            report_read_message(word, fd, &messages[i].msg_hdr, (ssize_t)messages[i].msg_len,
                                flags);
    }
    return result;
}

EXPORT HOT ssize_t __read_chk(int fd, void *at, size_t n, size_t room)
{
    uint64_t word = flow_look(fd);
    if (LIKELY(word == 0))
        return libc.__read_chk(fd, at, n, room);
    return report_read(word, fd, at, n, libc.__read_chk(fd, at, n, room), 0);
}

EXPORT HOT ssize_t __recv_chk(int fd, void *at, size_t n, size_t room, int flags)
{
    uint64_t word = flow_look(fd);
    if (LIKELY(word == 0))
        return libc.__recv_chk(fd, at, n, room, flags);
    return report_read(word, fd, at, n, libc.__recv_chk(fd, at, n, room, flags), flags);
}

EXPORT HOT ssize_t __recvfrom_chk(int fd, void *at, size_t n, size_t room, int flags,
                                  struct sockaddr *address, socklen_t *size)
{
    uint64_t word = flow_look(fd);
    if (LIKELY(word == 0))
        return libc.__recvfrom_chk(fd, at, n, room, flags, address, size);
    return report_read(word, fd, at, n, libc.__recvfrom_chk(fd, at, n, room, flags, address, size),
                       flags);
}
