/* close: where fds end and where they are copied. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/sys.h"
#include "export.h"
#include "libc.h"
#include "report.h"

EXPORT int close(int fd)
{
    report_closing(fd);
    return libc.close(fd);
}

/* Before Linux 5.9, and in sandboxes, the call fails, and hosts close one by one instead. Asked
 * with a range in which there is no fd. */
static bool kernel_has_close_range(void)
{
    return sys_close_range(~0u, ~0u, 0) == 0;
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    if (flags == 0 && fdtable_next(first, last) >= 0 && kernel_has_close_range())
        report_closing_range(first, last);
    return libc.close_range(first, last, flags);
}

EXPORT void closefrom(int first)
{
    report_closing_range(first < 0 ? 0 : (unsigned)first, ~0u);
    libc.closefrom(first);
}

/* libc closes the fd inside, where nobody sees it. */
EXPORT int fclose(FILE *file)
{
    int host_errno = errno;
    int fd = fileno_unlocked(file); /* -1 for a stream in memory, and then it sets errno */
    errno = host_errno;
    report_closing(fd);
    return libc.fclose(file);
}

EXPORT int dup(int fd)
{
    uint64_t word = flow_look(fd);
    int result = libc.dup(fd);
    report_copied(word, fd, result);
    return result;
}

EXPORT int dup2(int fd, int copy)
{
    uint64_t word = flow_look(fd);
    int result = libc.dup2(fd, copy);
    report_copied(word, fd, result);
    return result;
}

EXPORT int dup3(int fd, int copy, int flags)
{
    uint64_t word = flow_look(fd);
    int result = libc.dup3(fd, copy, flags);
    report_copied(word, fd, result);
    return result;
}

static int report_fcntl(uint64_t word, int fd, int command, int result)
{
    if (UNLIKELY(command == F_DUPFD || command == F_DUPFD_CLOEXEC))
        report_copied(word, fd, result);
    return result;
}

/* Every command's argument is an int, a long or a pointer: passing one on as a pointer passes all.
 */
EXPORT int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    uint64_t word = flow_look(fd);
    return report_fcntl(word, fd, command, libc.fcntl(fd, command, argument));
}

EXPORT int fcntl64(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    uint64_t word = flow_look(fd);
    return report_fcntl(word, fd, command, libc.fcntl64(fd, command, argument));
}
