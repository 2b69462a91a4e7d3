/* write: everything that a host writes to a connection with. Each body is guard, real call, report.
 */
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hot.h"
#include "export.h"
#include "libc.h"
#include "real.h"
#include "report.h"

static BY_LIBC ssize_t write_by_libc(int fd, const void *at, size_t n, uint64_t word)
{
    return report_wrote(word, fd, at, libc.write(fd, at, n), 0);
}

static FOLLOWED ssize_t write_followed(int fd, const void *at, size_t n, uint64_t word)
{
    if (!real_is_direct())
        return write_by_libc(fd, at, n, word);
    long result = kernel_transfer(SYS_write, fd, at, n);
    return LIKELY(result >= 0) ? report_wrote(word, fd, at, result, 0)
                               : report_refused(word, fd, result);
}

EXPORT HOT ssize_t write(int fd, const void *at, size_t n)
{
    uint64_t word = flow_look(fd);
    return LIKELY(word == 0) ? libc.write(fd, at, n) : write_followed(fd, at, n, word);
}

static size_t some(int parts)
{
    return parts > 0 ? (size_t)parts : 0;
}

static BY_LIBC ssize_t writev_by_libc(int fd, const struct iovec *vector, int parts, uint64_t word)
{
    return report_wrote_vector(word, fd, vector, some(parts), libc.writev(fd, vector, parts), 0);
}

static FOLLOWED ssize_t writev_followed(int fd, const struct iovec *vector, int parts,
                                        uint64_t word)
{
    if (!real_is_direct())
        return writev_by_libc(fd, vector, parts, word);
    long result = kernel_transfer(SYS_writev, fd, vector, (size_t)parts);
    return LIKELY(result >= 0) ? report_wrote_vector(word, fd, vector, some(parts), result, 0)
                               : report_refused(word, fd, result);
}

EXPORT HOT ssize_t writev(int fd, const struct iovec *vector, int parts)
{
    uint64_t word = flow_look(fd);
    return LIKELY(word == 0) ? libc.writev(fd, vector, parts)
                             : writev_followed(fd, vector, parts, word);
}

static BY_LIBC ssize_t send_by_libc(int fd, const void *at, size_t n, int flags, uint64_t word)
{
    return report_wrote(word, fd, at, libc.send(fd, at, n, flags), flags);
}

static FOLLOWED ssize_t send_followed(int fd, const void *at, size_t n, int flags, uint64_t word)
{
    if (!real_is_direct())
        return send_by_libc(fd, at, n, flags, word);
    long result = kernel_transfer_by_socket(SYS_sendto, fd, at, n, flags);
    return LIKELY(result >= 0) ? report_wrote(word, fd, at, result, flags)
                               : report_refused(word, fd, result);
}

EXPORT HOT ssize_t send(int fd, const void *at, size_t n, int flags)
{
    uint64_t word = flow_look(fd);
    return LIKELY(word == 0) ? libc.send(fd, at, n, flags) : send_followed(fd, at, n, flags, word);
}

EXPORT HOT ssize_t sendto(int fd, const void *at, size_t n, int flags,
                          const struct sockaddr *address, socklen_t size)
{
    uint64_t word = flow_look(fd);
    if (LIKELY(word == 0))
        return libc.sendto(fd, at, n, flags, address, size);
    return report_wrote(word, fd, at, libc.sendto(fd, at, n, flags, address, size), flags);
}

EXPORT HOT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    uint64_t word = flow_look(fd);
    if (LIKELY(word == 0))
        return libc.sendmsg(fd, message, flags);
    return report_wrote_message(word, fd, message, libc.sendmsg(fd, message, flags), flags);
}

EXPORT HOT int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    uint64_t word = flow_look(fd);
    int result = libc.sendmmsg(fd, messages, n, flags);
    for (int i = 0; UNLIKELY(word != 0) && i < result; i++)
        report_wrote_message(word, fd, &messages[i].msg_hdr, (ssize_t)messages[i].msg_len, flags);
    return result;
}

EXPORT HOT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
    uint64_t word = flow_look(out);
    if (LIKELY(word == 0))
        return libc.sendfile(out, in, offset, n);
    return report_wrote_unseen(word, out, libc.sendfile(out, in, offset, n));
}

static BY_LIBC ssize_t sendfile_by_libc(int out, int in, off64_t *offset, size_t n, uint64_t word)
{
    return report_wrote_unseen(word, out, libc.sendfile64(out, in, offset, n));
}

static FOLLOWED ssize_t sendfile_followed(int out, int in, off64_t *offset, size_t n, uint64_t word)
{
    if (!real_is_direct())
        return sendfile_by_libc(out, in, offset, n, word);
    long result = kernel_sendfile(out, in, offset, n);
    return LIKELY(result >= 0) ? report_wrote_unseen(word, out, result)
                               : report_refused(word, out, result);
}

EXPORT HOT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
    uint64_t word = flow_look(out);
    return LIKELY(word == 0) ? libc.sendfile64(out, in, offset, n)
                             : sendfile_followed(out, in, offset, n, word);
}

EXPORT HOT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
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
