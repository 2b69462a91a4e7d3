#ifndef BASE_SYS_H
#define BASE_SYS_H

/*
 * sys: the one door to the kernel for our own needs. Calls go straight to the kernel: they never
 * meet an interposed function, are no cancellation points and leave `errno` alone. Each returns
 * what the system call of its name returns, or a negative errno value. Safe anywhere, in signal
 * handlers and after fork too.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iovec;
struct mmsghdr;
struct pollfd;
struct sockaddr;
struct stat;
struct timespec;

/* Any system call, for the shim's own copies of what a host calls before libc can be asked. */
long sys_any(long number, long a, long b, long c, long d, long e, long f);

pid_t sys_getpid(void);
pid_t sys_gettid(void);
int sys_open(const char *path, int flags, mode_t mode);
int sys_close(int fd);
ssize_t sys_read(int fd, void *at, size_t n);
ssize_t sys_write(int fd, const void *at, size_t n);
ssize_t sys_pread(int fd, void *at, size_t n, uint64_t offset);
ssize_t sys_process_vm_readv(pid_t pid, const struct iovec *to, const struct iovec *from,
                             unsigned n);
ssize_t sys_pwrite(int fd, const void *at, size_t n, uint64_t offset);
int sys_fstat(int fd, struct stat *status);
int sys_stat(const char *path, struct stat *status);
int sys_fcntl(int fd, int command, long argument);
int sys_socket(int domain, int type, int protocol);
int sys_bind(int fd, const struct sockaddr *address, size_t size);
int sys_connect(int fd, const struct sockaddr *address, size_t size);
int sys_getsockname(int fd, struct sockaddr *address, uint32_t *size);
int sys_getpeername(int fd, struct sockaddr *address, uint32_t *size);
int sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
ssize_t sys_recv(int fd, void *at, size_t n, int flags);
int sys_poll(struct pollfd *fds, unsigned n, int timeout_ms);
int sys_getrandom(void *at, size_t n);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_pidfd_open(pid_t pid);
int sys_pidfd_getfd(int process, int fd);
int sys_prctl(int option, unsigned long argument);
int sys_membarrier(int command);
void sys_yield(void);

/* Whether `tid` is a thread of the process `pid` that has not ended: 0 or -ESRCH. */
int sys_thread_exists(pid_t pid, pid_t tid);

/* Waits while `*word` is `value`, at most `timeout_ns` (UINT64_MAX: for ever). 0, -EAGAIN, -EINTR
 * or -ETIMEDOUT. */
int sys_futex_wait(const uint32_t *word, uint32_t value, uint64_t timeout_ns);

/* Wakes all that wait on `*word`. */
void sys_futex_wake(const uint32_t *word);

/* Blocks every signal for the calling thread, but the two that libc keeps for itself; `*old` is for
 * sys_signals_restore. */
void sys_signals_block(uint64_t *old);
void sys_signals_restore(const uint64_t *old);

/*
 * Starts a thread past libc, in this process's memory, files, signals and thread group, with every
 * signal blocked, libc's own two as well: it runs `run` on the stack that ends at `stack_end` (aligned to
 * 16 bytes), with the thread pointer `block`, and ends when that returns. Until it has, `*tid` is
 * its thread id; then the kernel makes it 0. 0, or what clone(2) returns; -ENOSYS where this is not
 * written for the processor.
 */
int sys_thread_start(void (*run)(void), void *stack_end, void *block, uint32_t *tid);

/* Takes a pending blocked signal back, if there is one. */
void sys_signal_take(int signal);

/* `n` bytes as whole pages. */
static inline size_t sys_whole_pages(size_t n)
{
    return (n + 4095) & ~(size_t)4095;
}

/* `n` bytes of fresh zeroed memory, a multiple of the page size, or NULL. */
void *sys_pages(size_t n);
void sys_pages_free(void *at, size_t n);

/* Nobody may touch these pages any more. */
void sys_pages_close(void *at, size_t n);

/* Addresses are numbers to the kernel, and where code is patched to its patcher too. */
int64_t sys_mmap(uint64_t at, size_t n, int protection, int flags, int fd, int64_t offset);
int sys_mprotect(uint64_t at, size_t n, int protection);

#endif
