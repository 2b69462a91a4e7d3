/* socket: where connections come from, and half of where they end. */
#include <sys/socket.h>

#include "export.h"
#include "libc.h"
#include "life.h"
#include "report.h"

static void report_accepted(int fd)
{
    if (fd < 0 || guard_up || !life_active())
        return;
    struct guard guard = guard_raise();
    flow_accepted(fd);
    guard_lower(guard);
}

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *size)
{
    int result = libc.accept(fd, address, size);
    report_accepted(result);
    return result;
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    int result = libc.accept4(fd, address, size, flags);
    report_accepted(result);
    return result;
}

EXPORT int shutdown(int fd, int how)
{
    uint64_t word = flow_look(fd);
    int result = libc.shutdown(fd, how);
    if (UNLIKELY(word != 0) && result == 0 && how != SHUT_RD && !guard_up) {
        struct guard guard = guard_raise();
        flow_shut(word, fd);
        guard_lower(guard);
    }
    return result;
}
