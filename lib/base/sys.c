#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/kernel.h"

#if !KERNEL_CALL

/* Elsewhere by libc's syscall(), which is never interposed here, with errno put back. */
static long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    int saved = errno;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1)
        result = -errno;
    errno = saved;
    return result;
}

#endif

#define CALL(number, a, b, c, d, e, f)                                                             \
    kernel_call((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

long sys_any(long number, long a, long b, long c, long d, long e, long f)
{
    return kernel_call(number, a, b, c, d, e, f);
}

pid_t sys_getpid(void)
{
    return (pid_t)CALL(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

pid_t sys_gettid(void)
{
    return (pid_t)CALL(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

int sys_open(const char *path, int flags, mode_t mode)
{
    return (int)CALL(SYS_openat, AT_FDCWD, path, flags, mode, 0, 0);
}

int sys_close(int fd)
{
    return (int)CALL(SYS_close, fd, 0, 0, 0, 0, 0);
}

ssize_t sys_read(int fd, void *at, size_t n)
{
    return CALL(SYS_read, fd, at, n, 0, 0, 0);
}

ssize_t sys_write(int fd, const void *at, size_t n)
{
    return CALL(SYS_write, fd, at, n, 0, 0, 0);
}

ssize_t sys_pread(int fd, void *at, size_t n, uint64_t offset)
{
    return CALL(SYS_pread64, fd, at, n, offset, 0, 0);
}

ssize_t sys_process_vm_readv(pid_t pid, const struct iovec *to, const struct iovec *from,
                             unsigned n)
{
    return CALL(SYS_process_vm_readv, pid, to, n, from, n, 0);
}

ssize_t sys_pwrite(int fd, const void *at, size_t n, uint64_t offset)
{
    return CALL(SYS_pwrite64, fd, at, n, offset, 0, 0);
}

int sys_fstat(int fd, struct stat *status)
{
    return (int)CALL(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH, 0, 0);
}

int sys_stat(const char *path, struct stat *status)
{
    return (int)CALL(SYS_newfstatat, AT_FDCWD, path, status, 0, 0, 0);
}

int sys_fcntl(int fd, int command, long argument)
{
    return (int)CALL(SYS_fcntl, fd, command, argument, 0, 0, 0);
}

int sys_socket(int domain, int type, int protocol)
{
    return (int)CALL(SYS_socket, domain, type, protocol, 0, 0, 0);
}

int sys_bind(int fd, const struct sockaddr *address, size_t size)
{
    return (int)CALL(SYS_bind, fd, address, size, 0, 0, 0);
}

int sys_connect(int fd, const struct sockaddr *address, size_t size)
{
    return (int)CALL(SYS_connect, fd, address, size, 0, 0, 0);
}

int sys_getsockname(int fd, struct sockaddr *address, uint32_t *size)
{
    return (int)CALL(SYS_getsockname, fd, address, size, 0, 0, 0);
}

int sys_getpeername(int fd, struct sockaddr *address, uint32_t *size)
{
    return (int)CALL(SYS_getpeername, fd, address, size, 0, 0, 0);
}

int sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    return (int)CALL(SYS_sendmmsg, fd, messages, n, flags, 0, 0);
}

ssize_t sys_recv(int fd, void *at, size_t n, int flags)
{
    return CALL(SYS_recvfrom, fd, at, n, flags, 0, 0);
}

int sys_poll(struct pollfd *fds, unsigned n, int timeout_ms)
{
    struct timespec timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
    return (int)CALL(SYS_ppoll, fds, n, timeout_ms < 0 ? NULL : &timeout, NULL, 0, 0);
}

int sys_getrandom(void *at, size_t n)
{
    return (int)CALL(SYS_getrandom, at, n, 0, 0, 0, 0);
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return (int)CALL(SYS_close_range, first, last, flags, 0, 0, 0);
}

int sys_pidfd_open(pid_t pid)
{
    return (int)CALL(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
}

int sys_pidfd_getfd(int process, int fd)
{
    return (int)CALL(SYS_pidfd_getfd, process, fd, 0, 0, 0, 0);
}

int sys_prctl(int option, unsigned long argument)
{
    return (int)CALL(SYS_prctl, option, argument, 0, 0, 0, 0);
}

int sys_membarrier(int command)
{
    return (int)CALL(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

void sys_yield(void)
{
    CALL(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

int sys_futex_wait(const uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};
    return (int)CALL(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
                     timeout_ns == UINT64_MAX ? NULL : &timeout, 0, 0);
}

void sys_futex_wake(const uint32_t *word)
{
    CALL(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, 0, 0, 0);
}

void sys_signals_block(uint64_t *old)
{
    uint64_t all = ~(3ull << 31); /* 32 and 33: cancellation, and setuid in all threads */
    CALL(SYS_rt_sigprocmask, SIG_SETMASK, &all, old, sizeof all, 0, 0);
}

void sys_signals_restore(const uint64_t *old)
{
    CALL(SYS_rt_sigprocmask, SIG_SETMASK, old, NULL, sizeof *old, 0, 0);
}

#if defined(__x86_64__)

/* clone(2): the new thread finds `run` on its stack, calls it, and ends. */
static long clone_thread(unsigned long flags, void *stack, uint32_t *tid, void *block)
{
    register uint32_t *child_tid __asm__("r10") = tid;
    register void *thread_pointer __asm__("r8") = block;
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "call *%%rax\n\t"
                     "mov %[exit], %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(tid), "r"(child_tid),
                       "r"(thread_pointer), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory");
    return result;
}

int sys_thread_start(void (*run)(void), void *stack_end, void *block, uint32_t *tid)
{
    void (**stack)(void) = (void (**)(void))stack_end - 1; /* popped, it is aligned for the call */
    uint64_t all = UINT64_MAX, signals;
    *stack = run;
    CALL(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals, sizeof all, 0, 0);
    long result =
        clone_thread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                         CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
                     stack, tid, block);
    sys_signals_restore(&signals);
    return result < 0 ? (int)result : 0;
}

#else

int sys_thread_start(void (*run)(void), void *stack_end, void *block, uint32_t *tid)
{
    (void)run, (void)stack_end, (void)block, (void)tid;
    return -ENOSYS;
}

#endif

void sys_signal_take(int signal)
{
    uint64_t set = 1ull << (signal - 1);
    struct timespec none = {0, 0};
    CALL(SYS_rt_sigtimedwait, &set, NULL, &none, sizeof set, 0, 0);
}

#ifdef __SANITIZE_THREAD__ /* it learns from libc's functions alone that memory begins anew */

void *sys_pages(size_t n)
{
    void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void sys_pages_free(void *at, size_t n)
{
    munmap(at, n);
}

#else

void *sys_pages(size_t n)
{
    long at = CALL(SYS_mmap, NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at < 0 && at > -4096 ? NULL : (void *)at;
}

void sys_pages_free(void *at, size_t n)
{
    CALL(SYS_munmap, at, n, 0, 0, 0, 0);
}

#endif

void sys_pages_close(void *at, size_t n)
{
    CALL(SYS_mprotect, at, n, PROT_NONE, 0, 0, 0);
}

int64_t sys_mmap(uint64_t at, size_t n, int protection, int flags, int fd, int64_t offset)
{
    return CALL(SYS_mmap, at, n, protection, flags, fd, offset);
}

int sys_mprotect(uint64_t at, size_t n, int protection)
{
    return (int)CALL(SYS_mprotect, at, n, protection, 0, 0, 0);
}

/* The first thread stays as a zombie until the others have ended: what its state is only /proc
 * tells. Where that is not there it counts as alive. */
static int first_thread_runs(void)
{
    char stat[512];
    int fd = sys_open("/proc/self/stat", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    ssize_t n = sys_read(fd, stat, sizeof stat - 1);
    sys_close(fd);
    stat[n > 0 ? n : 0] = '\0';
    const char *state = strrchr(stat, ')'); /* the end of the name */
    return state != NULL && state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X') ? -ESRCH : 0;
}

int sys_thread_exists(pid_t pid, pid_t tid)
{
    int result = (int)CALL(SYS_tgkill, pid, tid, 0, 0, 0, 0);
    return result == 0 && tid == pid ? first_thread_runs() : result;
}
