/* socket: where connections come from, and half of where they end. */
#include <sys/socket.h>

#include "export.h"
#include "libc.h"
#include "report.h"

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *size)
{
    return report_accepted(libc.accept(fd, address, size));
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return report_accepted(libc.accept4(fd, address, size, flags));
}

EXPORT int shutdown(int fd, int how)
{
    uint64_t word = flow_look(fd);
    if (UNLIKELY(word != 0) && (how == SHUT_WR || how == SHUT_RDWR) && !guard_up) {
        guard_raise();
        flow_shutting(word, fd);
        guard_lower();
    }
    return libc.shutdown(fd, how);
}
