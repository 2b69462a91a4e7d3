#include "libc.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

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

static int early_close(int fd)
{
    int result = sys_close(fd);
    if (result == 0)
        return 0;
    errno = -result;
    return -1;
}

/* Every command's argument is an int, a long or a pointer: passing one on as a pointer passes all. */
static int early_fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    int result = sys_fcntl(fd, command, (long)argument);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
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

struct libc libc = {
#define FUNCTION(type, name, parameters, arguments) .name = early_##name,
#include "libc.def"
#undef FUNCTION
    .close = early_close,
    .fcntl = early_fcntl,
    .fcntl64 = early_fcntl,
    .closefrom = early_closefrom,
    .exit_now = early_exit,
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
    resolve(&libc.close, "close");
    resolve(&libc.fcntl, "fcntl");
    resolve(&libc.fcntl64, "fcntl64");
    resolve(&libc.closefrom, "closefrom");
    resolve(&libc.exit_now, "_exit");
}
