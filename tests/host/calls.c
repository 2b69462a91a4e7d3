/*
 * calls ACCEPT READ WRITE CLOSE [HALF]: two connections of three requests each, where the server
 * accepts, reads, writes and closes with the functions of these names. Reads take a few bytes at a
 * time, and answers go out in pieces. With HALF the last request of each connection stays
 * unanswered.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "loopback.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
#define TEN  "0123456789"
#define BODY TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

enum { HEAD_BYTES = sizeof HEAD - 1, BODY_BYTES = sizeof BODY - 1, PARTS = 3 };
enum { CONNECTIONS = 2, REQUESTS = 3 };

ssize_t __read_chk(int fd, void *at, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *at, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *at, size_t n, size_t room, int flags, struct sockaddr *address,
                       socklen_t *size);

/* Of `n` bytes, PARTS parts that hold them all. */
static void split(struct iovec *vector, const char *at, size_t n)
{
    char *from = (char *)(uintptr_t)at;
    vector[0] = (struct iovec){from, n / 3};
    vector[1] = (struct iovec){from + n / 3, 0};
    vector[2] = (struct iovec){from + n / 3, n - n / 3};
}

static struct msghdr message_of(struct iovec *vector, size_t parts)
{
    return (struct msghdr){.msg_iov = vector, .msg_iovlen = parts};
}

/* How the server accepts. */
static int with_accept(int listener)
{
    return accept(listener, NULL, NULL);
}

static int with_accept4(int listener)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    return accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
}

static int with_sys_accept4(int listener)
{
    return (int)syscall(SYS_accept4, listener, NULL, NULL, 0);
}

/* How it reads: at most `n` bytes. */
static ssize_t with_read(int fd, char *at, size_t n)
{
    return read(fd, at, n);
}

static ssize_t with_readv(int fd, char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    return readv(fd, vector, PARTS);
}

static ssize_t with_recv(int fd, char *at, size_t n)
{
    return recv(fd, at, n, 0);
}

static ssize_t with_recvfrom(int fd, char *at, size_t n)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    return recvfrom(fd, at, n, 0, (struct sockaddr *)&address, &size);
}

static ssize_t with_recvmsg(int fd, char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    struct msghdr message = message_of(vector, PARTS);
    return recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
}

static ssize_t with_recvmmsg(int fd, char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    struct mmsghdr messages[] = {{.msg_hdr = message_of(vector, 1)},
                                 {.msg_hdr = message_of(vector + 1, 2)}};
    int got = recvmmsg(fd, messages, 2, MSG_WAITFORONE, NULL);
    if (got < 1)
        return got;
    return (ssize_t)(messages[0].msg_len + (got == 2 ? messages[1].msg_len : 0));
}

static ssize_t with_read_chk(int fd, char *at, size_t n)
{
    return __read_chk(fd, at, n, n);
}

static ssize_t with_recv_chk(int fd, char *at, size_t n)
{
    return __recv_chk(fd, at, n, n, 0);
}

static ssize_t with_recvfrom_chk(int fd, char *at, size_t n)
{
    return __recvfrom_chk(fd, at, n, n, 0, NULL, NULL);
}

static ssize_t with_sys_read(int fd, char *at, size_t n)
{
    return syscall(SYS_read, fd, at, n);
}

static ssize_t with_sys_recvfrom(int fd, char *at, size_t n)
{
    return syscall(SYS_recvfrom, fd, at, n, 0, NULL, NULL);
}

static ssize_t with_sys_readv(int fd, char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    return syscall(SYS_readv, fd, vector, PARTS);
}

static ssize_t with_sys_recvmsg(int fd, char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    struct msghdr message = message_of(vector, PARTS);
    return syscall(SYS_recvmsg, fd, &message, 0);
}

/* How it writes: some of `n` bytes. */
static ssize_t with_write(int fd, const char *at, size_t n)
{
    return write(fd, at, n > 9 ? 9 : n);
}

static ssize_t with_writev(int fd, const char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    return writev(fd, vector, PARTS);
}

static ssize_t with_send(int fd, const char *at, size_t n)
{
    return send(fd, at, n > 30 ? 30 : n, MSG_NOSIGNAL);
}

static ssize_t with_sendto(int fd, const char *at, size_t n)
{
    return sendto(fd, at, n > 70 ? 70 : n, 0, NULL, 0);
}

static ssize_t with_sendmsg(int fd, const char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    struct msghdr message = message_of(vector, PARTS);
    return sendmsg(fd, &message, 0);
}

static ssize_t with_sendmmsg(int fd, const char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    struct mmsghdr messages[] = {{.msg_hdr = message_of(vector, 2)},
                                 {.msg_hdr = message_of(vector + 2, 1)}};
    EXPECT(sendmmsg(fd, messages, 2, 0) == 2);
    return (ssize_t)(messages[0].msg_len + messages[1].msg_len);
}

static ssize_t with_sys_write(int fd, const char *at, size_t n)
{
    return syscall(SYS_write, fd, at, n);
}

static ssize_t with_sys_sendto(int fd, const char *at, size_t n)
{
    return syscall(SYS_sendto, fd, at, n, 0, NULL, 0);
}

static ssize_t with_sys_writev(int fd, const char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    return syscall(SYS_writev, fd, vector, PARTS);
}

static ssize_t with_sys_sendmsg(int fd, const char *at, size_t n)
{
    struct iovec vector[PARTS];
    split(vector, at, n);
    struct msghdr message = message_of(vector, PARTS);
    return syscall(SYS_sendmsg, fd, &message, 0);
}

/* The body in ten pieces that do not pass through memory; the head goes out before. */
static int body_file(void)
{
    int file = memfd_create("body", MFD_CLOEXEC);
    EXPECT(write(file, BODY, BODY_BYTES) == BODY_BYTES);
    EXPECT(lseek(file, 0, SEEK_SET) == 0);
    return file;
}

static ssize_t with_sendfile(int fd, const char *at, size_t n)
{
    int file = body_file();
    EXPECT(write(fd, at, HEAD_BYTES) == HEAD_BYTES);
    for (int i = 0; i < 10; i++)
        EXPECT(sendfile(fd, file, NULL, BODY_BYTES / 10) == BODY_BYTES / 10);
    EXPECT(close(file) == 0);
    return (ssize_t)n;
}

static ssize_t with_sendfile64(int fd, const char *at, size_t n)
{
    int file = body_file();
    off64_t offset = 0;
    EXPECT(send(fd, at, HEAD_BYTES, MSG_MORE) == HEAD_BYTES);
    for (int i = 0; i < 10; i++)
        EXPECT(sendfile64(fd, file, &offset, BODY_BYTES / 10) == BODY_BYTES / 10);
    EXPECT(close(file) == 0);
    return (ssize_t)n;
}

static ssize_t with_splice(int fd, const char *at, size_t n)
{
    int file = body_file(), pipes[2];
    EXPECT(pipe(pipes) == 0 && write(fd, at, HEAD_BYTES) == HEAD_BYTES);
    for (int i = 0; i < 10; i++) {
        EXPECT(splice(file, NULL, pipes[1], NULL, BODY_BYTES / 10, 0) == BODY_BYTES / 10);
        EXPECT(splice(pipes[0], NULL, fd, NULL, BODY_BYTES / 10, SPLICE_F_MOVE) == BODY_BYTES / 10);
    }
    EXPECT(close(pipes[0]) == 0 && close(pipes[1]) == 0 && close(file) == 0);
    return (ssize_t)n;
}

/* How it ends a connection. */
static void with_close(int fd)
{
    EXPECT(close(fd) == 0);
}

static void with_shutdown(int fd)
{
    EXPECT(shutdown(fd, SHUT_WR) == 0 && close(fd) == 0);
}

static void with_shutdown_both(int fd)
{
    EXPECT(shutdown(fd, SHUT_RDWR) == 0 && close(fd) == 0);
}

static void with_dup2(int fd)
{
    EXPECT(dup2(STDERR_FILENO, fd) == fd && close(fd) == 0);
}

static void with_dup3(int fd)
{
    EXPECT(dup3(STDERR_FILENO, fd, O_CLOEXEC) == fd && close(fd) == 0);
}

static void with_close_range(int fd)
{
    EXPECT(close_range((unsigned)fd, (unsigned)fd, 0) == 0);
}

static void with_closefrom(int fd)
{
    closefrom(fd);
}

static void with_sys_close(int fd)
{
    EXPECT(syscall(SYS_close, fd) == 0);
}

static void with_sys_dup3(int fd)
{
    EXPECT(syscall(SYS_dup3, STDERR_FILENO, fd, O_CLOEXEC) == fd && close(fd) == 0);
}

static void with_sys_close_range(int fd)
{
    EXPECT(syscall(SYS_close_range, fd, fd, 0) == 0);
}

static const struct way {
    const char *name;
    int (*accept)(int listener);
    ssize_t (*read)(int fd, char *at, size_t n);
    ssize_t (*write)(int fd, const char *at, size_t n);
    void (*close)(int fd);
} ways[] = {
    {"accept", .accept = with_accept},
    {"accept4", .accept = with_accept4},
    {"SYS_accept4", .accept = with_sys_accept4},
    {"read", .read = with_read},
    {"readv", .read = with_readv},
    {"recv", .read = with_recv},
    {"recvfrom", .read = with_recvfrom},
    {"recvmsg", .read = with_recvmsg},
    {"recvmmsg", .read = with_recvmmsg},
    {"__read_chk", .read = with_read_chk},
    {"__recv_chk", .read = with_recv_chk},
    {"__recvfrom_chk", .read = with_recvfrom_chk},
    {"SYS_read", .read = with_sys_read},
    {"SYS_recvfrom", .read = with_sys_recvfrom},
    {"SYS_readv", .read = with_sys_readv},
    {"SYS_recvmsg", .read = with_sys_recvmsg},
    {"write", .write = with_write},
    {"writev", .write = with_writev},
    {"send", .write = with_send},
    {"sendto", .write = with_sendto},
    {"sendmsg", .write = with_sendmsg},
    {"sendmmsg", .write = with_sendmmsg},
    {"sendfile", .write = with_sendfile},
    {"sendfile64", .write = with_sendfile64},
    {"splice", .write = with_splice},
    {"SYS_write", .write = with_sys_write},
    {"SYS_sendto", .write = with_sys_sendto},
    {"SYS_writev", .write = with_sys_writev},
    {"SYS_sendmsg", .write = with_sys_sendmsg},
    {"close", .close = with_close},
    {"shutdown", .close = with_shutdown},
    {"shutdown_both", .close = with_shutdown_both},
    {"dup2", .close = with_dup2},
    {"dup3", .close = with_dup3},
    {"close_range", .close = with_close_range},
    {"closefrom", .close = with_closefrom},
    {"SYS_close", .close = with_sys_close},
    {"SYS_dup3", .close = with_sys_dup3},
    {"SYS_close_range", .close = with_sys_close_range},
};

static const struct way *way_named(const char *name)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    dprintf(STDERR_FILENO, "no way '%s'\n", name);
    exit(2);
}

/* The head, a few bytes at a time. */
static void take_head(const struct way *reads, int fd)
{
    char head[256];
    size_t n = 0;
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0) {
        ssize_t got = reads->read(fd, head + n, 7);
        EXPECT(got > 0 && (n += (size_t)got) < sizeof head - 7);
    }
}

static void send_answer(const struct way *writes, int fd)
{
    static const char text[] = HEAD BODY;
    for (size_t n = 0; n < sizeof text - 1;) {
        ssize_t wrote = writes->write(fd, text + n, sizeof text - 1 - n);
        EXPECT(wrote > 0);
        n += (size_t)wrote;
    }
}

static void hear_answer(int client)
{
    char text[sizeof HEAD BODY - 1];
    read_all(client, text, sizeof text);
    EXPECT(memcmp(text, HEAD BODY, sizeof text) == 0);
}

static void serve_one(struct pair pair, char **names, bool answered)
{
    ask(pair.client, "/page");
    take_head(way_named(names[1]), pair.server);
    if (!answered)
        return;
    send_answer(way_named(names[2]), pair.server);
    hear_answer(pair.client);
}

static void serve_connection(int listener, char **names, bool half)
{
    struct pair pair = {.client = loopback_connect(listener)};
    pair.server = way_named(names[0])->accept(listener);
    EXPECT(pair.server > pair.client);
    for (int i = 0; i < REQUESTS; i++)
        serve_one(pair, names, !half || i < REQUESTS - 1);
    way_named(names[3])->close(pair.server);
    hear_end(pair.client);
    EXPECT(close(pair.client) == 0);
}

int main(int argc, char **argv)
{
    EXPECT(argc >= 5);
    alarm(PATIENCE_S);
    int listener = loopback_listen();
    for (int i = 0; i < CONNECTIONS; i++)
        serve_connection(listener, argv + 1, argc > 5);
    return 0;
}
