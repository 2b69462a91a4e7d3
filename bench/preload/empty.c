/* empty: a preloaded library that stands before two of libc's functions and does nothing. */

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t (*next_write)(int fd, const void *at, size_t n);
static ssize_t (*next_recv)(int fd, void *at, size_t n, int flags);

ssize_t write(int fd, const void *at, size_t n)
{
    return next_write(fd, at, n);
}

ssize_t recv(int fd, void *at, size_t n, int flags)
{
    return next_recv(fd, at, n, flags);
}

static __attribute__((constructor)) void begin(void)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (libc == NULL)
        abort();
    *(void **)&next_write = dlsym(libc, "write");
    *(void **)&next_recv = dlsym(libc, "recv");
}
