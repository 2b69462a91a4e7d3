#include "libc.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "base/bytes.h"
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

static const char never = 0;

HOT_DATA struct libc libc = {
    .alone = &never,
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

/* glibc 2.32 and later. A program may have a copy of its own, which pthread_cancel leaves alone;
 * before 2.36 it leaves libc's alone, too. */
extern char __libc_single_threaded __attribute__((weak));

static bool cancelling_shows(void)
{
    uint64_t minor;
    struct bytes rest = bytes_of(gnu_get_libc_version()), major = bytes_cut(&rest, '.');
    return bytes_equal(major, BYTES("2")) && bytes_to_u64(bytes_cut(&rest, '.'), &minor) == 0 &&
           minor >= 36;
}

static bool holds(const struct dl_phdr_info *object, const void *at, ElfW(Word) flags)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & flags) != 0 &&
            (uintptr_t)at - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            return true;
    }
    return false;
}

/* 1: this is libc, and has all that shim/real.h stands for; -1: it is, and has not. */
static int is_libc(struct dl_phdr_info *object, size_t size, void *unused)
{
    const void *const functions[] = {
        (const void *)libc.read, (const void *)libc.write,  (const void *)libc.recv,
        (const void *)libc.send, (const void *)libc.writev, (const void *)libc.sendfile64,
    };
    (void)size, (void)unused;
    if (!holds(object, (const void *)gnu_get_libc_version, PF_X))
        return 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!holds(object, functions[i], PF_X))
            return -1;
    return holds(object, &__libc_single_threaded, PF_W) ? 1 : -1;
}

void libc_leave_out(void)
{
    if (cancelling_shows() && dl_iterate_phdr(is_libc, NULL) == 1)
        libc.alone = &__libc_single_threaded;
}
