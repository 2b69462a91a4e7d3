#include "libc.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "base/hot.h"
#include "base/sys.h"

/*
 * dlsym takes the loader's lock and, for a name that is not found, allocates: not in a hooked call,
 * least of all in close (allocators close files while they start). So it runs in our constructor,
 * and in a call that comes before that only where there is no other way.
 */

#define FUNCTION(type, name, parameters, arguments)                                                \
    static type early_##name parameters                                                            \
    {                                                                                              \
        libc_resolve();                                                                            \
        if (libc.name != early_##name)                                                             \
            return libc.name arguments;                                                            \
        errno = ENOSYS;                                                                            \
        return -1;                                                                                 \
    }
#include "libc.def"
#undef FUNCTION

/* The kernel's answer as libc gives it. */
static long answer(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

static long early_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    return answer(sys_any(number, a, b, c, d, e, f));
}

static ssize_t early_read(int fd, void *at, size_t n)
{
    return answer(sys_any(SYS_read, fd, (long)at, (long)n, 0, 0, 0));
}

static ssize_t early_write(int fd, const void *at, size_t n)
{
    return answer(sys_any(SYS_write, fd, (long)at, (long)n, 0, 0, 0));
}

static int early_close(int fd)
{
    return (int)answer(sys_close(fd));
}

/* Every command's argument is an int, a long or a pointer: passing one on as a pointer passes all.
 */
static int early_fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    return (int)answer(sys_fcntl(fd, command, (long)argument));
}

static void early_closefrom(int first)
{
    libc_resolve();
    if (libc.closefrom != early_closefrom)
        libc.closefrom(first);
}

static void early_exit(int status)
{
    libc_resolve();
    if (libc.exit_now != early_exit)
        libc.exit_now(status);
}

static void early_quick_exit(int status)
{
    libc_resolve();
    if (libc.quick_exit != early_quick_exit)
        libc.quick_exit(status);
}

static libc_handler *early_signal(int number, libc_handler *handler)
{
    libc_resolve();
    return libc.signal != early_signal ? libc.signal(number, handler) : SIG_ERR;
}

HOT_DATA struct libc libc = {
#define FUNCTION(type, name, parameters, arguments) .name = early_##name,
#include "libc.def"
#undef FUNCTION
    .read = early_read,
    .write = early_write,
    .syscall = early_syscall,
    .close = early_close,
    .fcntl = early_fcntl,
    .fcntl64 = early_fcntl,
    .closefrom = early_closefrom,
    .exit_now = early_exit,
    .quick_exit = early_quick_exit,
    .signal = early_signal,
};

/* `member` is a function pointer; it stays as it is for a name that is not found. */
static void resolve(void *member, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found != NULL)
        *(void **)member = found;
}

void libc_resolve(void)
{
#define FUNCTION(type, name, parameters, arguments) resolve(&libc.name, #name);
#include "libc.def"
#undef FUNCTION
    resolve(&libc.read, "read");
    resolve(&libc.write, "write");
    resolve(&libc.syscall, "syscall");
    resolve(&libc.close, "close");
    resolve(&libc.fcntl, "fcntl");
    resolve(&libc.fcntl64, "fcntl64");
    resolve(&libc.closefrom, "closefrom");
    resolve(&libc.exit_now, "_exit");
    resolve(&libc.quick_exit, "quick_exit");
    resolve(&libc.signal, "signal");
}
