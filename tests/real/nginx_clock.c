/*
 * nginx_clock: preloaded behind the shim, refreshes nginx's clock whenever it has read or written.
 *
 * nginx stamps its log from a clock that it reads once per turn of its event loop
 * (ngx_time_update), so a request that is served within one turn took 0.000 s whatever it took.
 * With this its own $request_time is true to the millisecond it is printed in, under load too, and
 * can be compared with ours.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define EXPORT __attribute__((visibility("default")))

typedef void update(void);

static struct {
    ssize_t (*recv)(int fd, void *at, size_t n, int flags);
    ssize_t (*readv)(int fd, const struct iovec *vector, int parts);
    ssize_t (*send)(int fd, const void *at, size_t n, int flags);
    ssize_t (*writev)(int fd, const struct iovec *vector, int parts);
    ssize_t (*sendfile64)(int out, int in, off64_t *offset, size_t n);
    int (*SSL_read)(void *ssl, void *at, int n);
    int (*SSL_write)(void *ssl, const void *at, int n);
    update *ngx_time_update;
} real;

static void resolve(void *member, void *scope, const char *name)
{
    *(void **)member = dlsym(scope, name);
}

static __attribute__((constructor)) void begin(void)
{
    resolve(&real.recv, RTLD_NEXT, "recv");
    resolve(&real.readv, RTLD_NEXT, "readv");
    resolve(&real.send, RTLD_NEXT, "send");
    resolve(&real.writev, RTLD_NEXT, "writev");
    resolve(&real.sendfile64, RTLD_NEXT, "sendfile64");
    resolve(&real.SSL_read, RTLD_NEXT, "SSL_read");
    resolve(&real.SSL_write, RTLD_NEXT, "SSL_write");
    resolve(&real.ngx_time_update, RTLD_DEFAULT, "ngx_time_update");
}

static ssize_t refreshed(ssize_t result)
{
    int error = errno;
    real.ngx_time_update();
    errno = error;
    return result;
}

EXPORT ssize_t recv(int fd, void *at, size_t n, int flags)
{
    return refreshed(real.recv(fd, at, n, flags));
}

EXPORT ssize_t readv(int fd, const struct iovec *vector, int parts)
{
    return refreshed(real.readv(fd, vector, parts));
}

EXPORT ssize_t send(int fd, const void *at, size_t n, int flags)
{
    return refreshed(real.send(fd, at, n, flags));
}

EXPORT ssize_t writev(int fd, const struct iovec *vector, int parts)
{
    return refreshed(real.writev(fd, vector, parts));
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
    return refreshed(real.sendfile64(out, in, offset, n));
}

int SSL_read(void *ssl, void *at, int n);
int SSL_write(void *ssl, const void *at, int n);

EXPORT int SSL_read(void *ssl, void *at, int n)
{
    return (int)refreshed(real.SSL_read(ssl, at, n));
}

EXPORT int SSL_write(void *ssl, const void *at, int n)
{
    return (int)refreshed(real.SSL_write(ssl, at, n));
}
