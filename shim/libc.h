#ifndef SHIM_LIBC_H
#define SHIM_LIBC_H

/*
 * libc: the real functions, as the next library in the search order has them. libc.def is the list.
 * A call that arrives before our constructor ran resolves them all on the way; one that the next
 * library does not have answers -1 with ENOSYS.
 */

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sigaction;
typedef void libc_handler(int number);

/* What servers call for every request stands first, in one cache line. */
struct libc {
    const char *alone; /* not 0: the process has one thread, and shim/real.h need not ask libc */
    /* Those that an allocator may call while it starts. */
    ssize_t (*read)(int fd, void *at, size_t n);
    ssize_t (*write)(int fd, const void *at, size_t n);
    int (*close)(int fd);
#define FUNCTION(type, name, parameters, arguments) type(*name) parameters;
#include "libc.def"
#undef FUNCTION
    /* Those of another shape, and two more of an allocator's. */
    long (*syscall)(long number, long a, long b, long c, long d, long e, long f);
    int (*fcntl)(int fd, int command, ...);
    int (*fcntl64)(int fd, int command, ...);
    void (*closefrom)(int first);
    void (*exit_now)(int status); /* _exit */
    void (*quick_exit)(int status);
    libc_handler *(*signal)(int number, libc_handler *handler);
} __attribute__((aligned(64)));

extern struct libc libc;

/* Finds them all. Done by the constructor; again is harmless. */
void libc_resolve(void);

/* From now on libc need not be asked where it would do no more than the kernel; unless another
 * library stands in between, or libc has no variable of its own that says whether there is one
 * thread. Done by the constructor. */
void libc_leave_out(void);

#endif
