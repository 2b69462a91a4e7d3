/* close: where fds end and where they are copied. An end is reported before the real call: right
 * after it the number may be another thread's. */
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <unistd.h>

#include "export.h"
#include "libc.h"
#include "report.h"

static __attribute__((noinline)) void report_closing(uint64_t word, int fd)
{
    if (guard_up)
        return;
    struct guard guard = guard_raise();
    flow_closing(word, fd);
    guard_lower(guard);
}

static void report_closing_range(unsigned first, unsigned last)
{
    for (int fd; (fd = fdtable_next(first, last)) >= 0 && !guard_up;) {
        report_closing(flow_look(fd), fd);
        if ((unsigned)fd == last)
            return;
        first = (unsigned)fd + 1;
    }
}

/* `word` is what was known of the original before the call. */
static void report_copied(uint64_t word, int copy)
{
    if (copy < 0 || guard_up || (word == 0 && flow_look(copy) == 0))
        return;
    struct guard guard = guard_raise();
    flow_duplicated(word, copy);
    guard_lower(guard);
}

EXPORT int close(int fd)
{
    uint64_t word = flow_look(fd);
    if (UNLIKELY(word != 0))
        report_closing(word, fd);
    return libc.close(fd);
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
    if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC))
        report_closing_range(first, last);
    return libc.close_range(first, last, flags);
}

EXPORT void closefrom(int first)
{
    report_closing_range(first < 0 ? 0 : (unsigned)first, ~0u);
    libc.closefrom(first);
}

EXPORT int dup(int fd)
{
    uint64_t word = flow_look(fd);
    int result = libc.dup(fd);
    report_copied(word, result);
    return result;
}

EXPORT int dup2(int fd, int copy)
{
    uint64_t word = flow_look(fd);
    int result = libc.dup2(fd, copy);
    if (fd != copy)
        report_copied(word, result);
    return result;
}

EXPORT int dup3(int fd, int copy, int flags)
{
    uint64_t word = flow_look(fd);
    int result = libc.dup3(fd, copy, flags);
    report_copied(word, result);
    return result;
}

static int report_fcntl(uint64_t word, int command, int result)
{
    if (UNLIKELY(command == F_DUPFD || command == F_DUPFD_CLOEXEC))
        report_copied(word, result);
    return result;
}

/* Every command's argument is an int, a long or a pointer: passing one on as a pointer passes all. */
EXPORT int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    uint64_t word = flow_look(fd);
    return report_fcntl(word, command, libc.fcntl(fd, command, argument));
}

EXPORT int fcntl64(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    uint64_t word = flow_look(fd);
    return report_fcntl(word, command, libc.fcntl64(fd, command, argument));
}
