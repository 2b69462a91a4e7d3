/* read: everything that a host reads from a connection with. Each body is guard, real call, report.
 */
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "export.h"
#include "libc.h"
#include "report.h"

/* Fortified programs call these; glibc declares them for itself only. */
ssize_t __read_chk(int fd, void *at, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *at, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *at, size_t n, size_t room, int flags, struct sockaddr *address,
                       socklen_t *size);

static inline void report_buffer(uint64_t word, int fd, void *at, size_t n, ssize_t result,
                                 int flags)
{
    struct iovec vector = {at, n};
    report_read(word, fd, &vector, 1, result, flags);
}

EXPORT ssize_t read(int fd, void *at, size_t n)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.read(fd, at, n);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, 0);
    return result;
}

EXPORT ssize_t readv(int fd, const struct iovec *vector, int parts)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.readv(fd, vector, parts);
    if (UNLIKELY(word != 0))
        report_read(word, fd, vector, parts > 0 ? (size_t)parts : 0, result, 0);
    return result;
}

EXPORT ssize_t recv(int fd, void *at, size_t n, int flags)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.recv(fd, at, n, flags);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, flags);
    return result;
}

EXPORT ssize_t recvfrom(int fd, void *at, size_t n, int flags, struct sockaddr *address,
                        socklen_t *size)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.recvfrom(fd, at, n, flags, address, size);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, flags);
    return result;
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.recvmsg(fd, message, flags);
    if (UNLIKELY(word != 0))
        report_read_message(word, fd, message, result, flags);
    return result;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
                    struct timespec *timeout)
{
    uint64_t word = flow_look(fd);
    int result = libc.recvmmsg(fd, messages, n, flags, timeout);
    for (int i = 0; UNLIKELY(word != 0) && i < result; i++)
        report_read_message(word, fd, &messages[i].msg_hdr, (ssize_t)messages[i].msg_len, flags);
    return result;
}

EXPORT ssize_t __read_chk(int fd, void *at, size_t n, size_t room)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.__read_chk(fd, at, n, room);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, 0);
    return result;
}

EXPORT ssize_t __recv_chk(int fd, void *at, size_t n, size_t room, int flags)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.__recv_chk(fd, at, n, room, flags);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, flags);
    return result;
}

EXPORT ssize_t __recvfrom_chk(int fd, void *at, size_t n, size_t room, int flags,
                              struct sockaddr *address, socklen_t *size)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.__recvfrom_chk(fd, at, n, room, flags, address, size);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, flags);
    return result;
}
