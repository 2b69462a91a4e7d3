/* process: where a process leaves this program without its exit handlers. What waits is sent first.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
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

/* How many arguments a list form was given, the NULL that ends them not counted. */
static size_t count(const char *first, va_list list)
{
    size_t n = 0;
    for (const char *one = first; one != NULL; one = va_arg(list, const char *))
        n++;
    return n;
}

/* `n` arguments and the NULL as a vector, as the other forms take them. */
static void collect(char **vector, size_t n, const char *first, va_list *list)
{
    vector[0] = (char *)(uintptr_t)first;
    for (size_t at = 1; at <= n; at++)
        vector[at] = va_arg(*list, char *);
}

EXPORT int execl(const char *path, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    size_t n = count(first, list);
    va_end(list);
    char *arguments[n + 1];
    va_start(list, first);
    collect(arguments, n, first, &list);
    va_end(list);
    return execv(path, arguments);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    size_t n = count(first, list);
    va_end(list);
    char *arguments[n + 1];
    va_start(list, first);
    collect(arguments, n, first, &list);
    va_end(list);
    return execvp(file, arguments);
}

EXPORT int execle(const char *path, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    size_t n = count(first, list);
    va_end(list);
    char *arguments[n + 1];
    va_start(list, first);
    collect(arguments, n, first, &list);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, arguments, environment);
}

EXPORT int execveat(int folder, const char *path, char *const arguments[],
                    char *const environment[], int flags)
{
    life_leaving();
    return libc.execveat(folder, path, arguments, environment, flags);
}

/* libc ends the parent inside. */
EXPORT int daemon(int stay, int keep)
{
    life_leaving();
    return libc.daemon(stay, keep);
}

EXPORT void quick_exit(int status)
{
    life_leaving();
    libc.quick_exit(status);
    __builtin_unreachable();
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
