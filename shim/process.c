/* process: where a process leaves this program without its exit handlers. What waits is sent first. */
#include <unistd.h>

#include "export.h"
#include "libc.h"
#include "life.h"

EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
    life_leaving();
    return libc.execve(path, arguments, environment);
}

EXPORT int execv(const char *path, char *const arguments[])
{
    life_leaving();
    return libc.execv(path, arguments);
}

EXPORT int execvp(const char *file, char *const arguments[])
{
    life_leaving();
    return libc.execvp(file, arguments);
}

EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
    life_leaving();
    return libc.execvpe(file, arguments, environment);
}

EXPORT int fexecve(int fd, char *const arguments[], char *const environment[])
{
    life_leaving();
    return libc.fexecve(fd, arguments, environment);
}

EXPORT void _exit(int status)
{
    life_leaving();
    libc.exit_now(status);
    __builtin_unreachable();
}

EXPORT void _Exit(int status)
{
    life_leaving();
    libc.exit_now(status);
    __builtin_unreachable();
}
