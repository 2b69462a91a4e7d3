/* write: everything that a host writes to a connection with. Each body is guard, real call, report.
 */
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "export.h"
#include "libc.h"
#include "report.h"

static inline void report_buffer(uint64_t word, int fd, const void *at, size_t n, ssize_t result,
                                 int flags)
{
    struct iovec vector = {(void *)(uintptr_t)at, n};
    report_wrote(word, fd, &vector, 1, result, flags);
}

EXPORT ssize_t write(int fd, const void *at, size_t n)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.write(fd, at, n);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, 0);
    return result;
}

EXPORT ssize_t writev(int fd, const struct iovec *vector, int parts)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.writev(fd, vector, parts);
    if (UNLIKELY(word != 0))
        report_wrote(word, fd, vector, parts > 0 ? (size_t)parts : 0, result, 0);
    return result;
}

EXPORT ssize_t send(int fd, const void *at, size_t n, int flags)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.send(fd, at, n, flags);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, flags);
    return result;
}

EXPORT ssize_t sendto(int fd, const void *at, size_t n, int flags, const struct sockaddr *address,
                      socklen_t size)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.sendto(fd, at, n, flags, address, size);
    if (UNLIKELY(word != 0))
        report_buffer(word, fd, at, n, result, flags);
    return result;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    uint64_t word = flow_look(fd);
    ssize_t result = libc.sendmsg(fd, message, flags);
    if (UNLIKELY(word != 0))
        report_wrote_message(word, fd, message, result, flags);
    return result;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    uint64_t word = flow_look(fd);
    int result = libc.sendmmsg(fd, messages, n, flags);
    for (int i = 0; UNLIKELY(word != 0) && i < result; i++)
        report_wrote_message(word, fd, &messages[i].msg_hdr, (ssize_t)messages[i].msg_len, flags);
    return result;
}

EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
    uint64_t word = flow_look(out);
    ssize_t result = libc.sendfile(out, in, offset, n);
    if (UNLIKELY(word != 0))
        report_wrote_unseen(word, out, result);
    return result;
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
    uint64_t word = flow_look(out);
    ssize_t result = libc.sendfile64(out, in, offset, n);
    if (UNLIKELY(word != 0))
        report_wrote_unseen(word, out, result);
    return result;
}

EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
                      unsigned flags)
{
    uint64_t from = flow_look(in), to = flow_look(out);
    ssize_t result = libc.splice(in, in_offset, out, out_offset, n, flags);
    if (UNLIKELY(from != 0))
        report_spliced_in(from, in, result);
    if (UNLIKELY(to != 0))
        report_wrote_unseen(to, out, result);
    return result;
}
