#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

/* kernel: a system call without a function around it, where this is written for the processor
 * (KERNEL_CALL). What does not count each instruction calls base/sys.h. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "base/sys.h"

#if defined(__x86_64__) && defined(__LP64__)
#define KERNEL_CALL true

/* The result, or a negative errno value; errno stays. */
static inline __attribute__((always_inline)) long kernel_call(long number, long a, long b, long c,
                                                              long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* The same for calls on an fd with fewer arguments, each with no instruction more than it takes:
 * read, write, writev; sendfile; recvfrom and sendto, without an address. */

static inline __attribute__((always_inline)) long kernel_transfer(long number, int fd,
                                                                  const void *at, size_t n)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(fd), "S"(at), "d"(n)
                     : "rcx", "r11", "memory");
    return result;
}

static inline __attribute__((always_inline)) long kernel_sendfile(int out, int in,
                                                                  const void *offset, size_t n)
{
    register size_t r10 __asm__("r10") = n;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_sendfile), "D"(out), "S"(in), "d"(offset), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static inline __attribute__((always_inline)) long
kernel_transfer_by_socket(long number, int fd, const void *at, size_t n, int flags)
{
    register int r10 __asm__("r10") = flags;
    register const void *r8 __asm__("r8") = NULL;
    register long r9 __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(fd), "S"(at), "d"(n), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#else
#define KERNEL_CALL false

static inline long kernel_transfer(long number, int fd, const void *at, size_t n)
{
    return sys_any(number, fd, (long)at, (long)n, 0, 0, 0);
}

static inline long kernel_sendfile(int out, int in, const void *offset, size_t n)
{
    return sys_any(SYS_sendfile, out, in, (long)offset, (long)n, 0, 0);
}

static inline long kernel_transfer_by_socket(long number, int fd, const void *at, size_t n,
                                             int flags)
{
    return sys_any(number, fd, (long)at, (long)n, flags, 0, 0);
}

#endif

#endif
