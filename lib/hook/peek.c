#include "hook/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "base/process.h"
#include "base/sys.h"

/* What was forbidden once will be again. */
static _Atomic bool forbidden;

static bool is_final(int error)
{
    return error == -EPERM || error == -ENOSYS;
}

static ssize_t copy(const struct peek *peeks, size_t n)
{
    struct iovec from[PEEKS_MOST], to[PEEKS_MOST];
    for (size_t i = 0; i < n; i++) {
        from[i] = (struct iovec){(void *)(uintptr_t)peeks[i].address, peeks[i].n};
        to[i] = (struct iovec){peeks[i].to, peeks[i].n};
    }
    return sys_process_vm_readv(process.pid, to, from, (unsigned)n);
}

/* How many of them `copied` bytes make, all of which are there. */
static size_t count(struct peek *peeks, size_t n, size_t copied)
{
    size_t i = 0;
    for (; i < n && peeks[i].n <= copied; i++) {
        copied -= peeks[i].n;
        peeks[i].done = true;
    }
    return i;
}

/* The kernel stops at the first place that can't be read: on with what follows it. */
static int by_copying(struct peek *peeks, size_t n)
{
    for (size_t i = 0; i < n;) {
        ssize_t copied = copy(peeks + i, n - i);
        if (copied < 0 && copied != -EFAULT)
            return (int)copied;
        i += count(peeks + i, n - i, copied > 0 ? (size_t)copied : 0);
        if (i < n)
            peeks[i++].done = false;
    }
    return 0;
}

static void by_file(struct peek *peeks, size_t n)
{
    int fd = sys_open("/proc/self/mem", O_RDONLY | O_CLOEXEC, 0);
    for (size_t i = 0; i < n; i++)
        peeks[i].done = fd >= 0 && sys_pread(fd, peeks[i].to, peeks[i].n, peeks[i].address) ==
                                       (ssize_t)peeks[i].n;
    if (fd >= 0)
        sys_close(fd);
}

void peek_all(struct peek *peeks, size_t n)
{
    int error = -EPERM;
    if (!atomic_load_explicit(&forbidden, memory_order_relaxed))
        error = by_copying(peeks, n);
    if (error < 0)
        by_file(peeks, n);
    if (is_final(error))
        atomic_store_explicit(&forbidden, true, memory_order_relaxed);
}
