/*
 * errors SCENARIO: errno is the host's: calls that succeed leave it alone, those that fail set what
 * the kernel says.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "loopback.h"

enum { KEPT = 77, ROUNDS = 50 };

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"

/* The call succeeds, and errno is as it was. */
#define KEEPS(call)                                                                                \
    do {                                                                                           \
        errno = KEPT;                                                                              \
        EXPECT((call) >= 0);                                                                       \
        EXPECT(errno == KEPT);                                                                     \
    } while (false)

static void read_each_way(int fd)
{
    char text[1];
    struct iovec vector = {text, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};
    KEEPS(read(fd, text, 1));
    KEEPS(readv(fd, &vector, 1));
    KEEPS(recv(fd, text, 1, 0));
    KEEPS(recv(fd, text, 1, MSG_PEEK));
    KEEPS(recvfrom(fd, text, 1, 0, NULL, NULL));
    KEEPS(recvmsg(fd, &message, 0));
    KEEPS(recvmmsg(fd, &messages, 1, 0, NULL));
    KEEPS(syscall(SYS_read, fd, text, 1));
}

/* The head and 100 bytes. */
static void write_each_way(int fd, int file)
{
    static char zeros[100];
    int pipes[2];
    off_t offset = 0;
    struct iovec vector = {zeros, 10};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};
    KEEPS(write(fd, HEAD, sizeof HEAD - 1));
    KEEPS(write(fd, zeros, 10));
    KEEPS(writev(fd, &vector, 1));
    KEEPS(send(fd, zeros, 10, 0));
    KEEPS(sendto(fd, zeros, 10, 0, NULL, 0));
    KEEPS(sendmsg(fd, &message, 0));
    KEEPS(sendmmsg(fd, &messages, 1, 0));
    KEEPS(sendfile(fd, file, &offset, 10));
    EXPECT(pipe(pipes) == 0);
    KEEPS(write(pipes[1], zeros, 10));
    KEEPS(splice(pipes[0], NULL, fd, NULL, 10, 0));
    KEEPS(syscall(SYS_write, fd, zeros, 20));
    KEEPS(close(pipes[0]));
    KEEPS(close(pipes[1]));
}

static void copy_each_way(int fd)
{
    int copy;
    KEEPS(copy = dup(fd));
    KEEPS(dup2(fd, copy));
    KEEPS(dup3(fd, copy, O_CLOEXEC));
    KEEPS(close(copy));
    KEEPS(copy = fcntl(fd, F_DUPFD_CLOEXEC, 100));
    KEEPS(fcntl(copy, F_GETFL));
    KEEPS(close_range((unsigned)copy, (unsigned)copy, 0));
}

static void kept(void)
{
    int listener = loopback_listen(), file = memfd_create("file", 0);
    char text[sizeof HEAD - 1 + 100];
    EXPECT(ftruncate(file, 100) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct pair pair = {.client = loopback_connect(listener)};
        KEEPS(pair.server =
                  i % 2 ? accept(listener, NULL, NULL) : accept4(listener, NULL, NULL, 0));
        ask(pair.client, "/kept");
        read_each_way(pair.server);
        take(pair.server);
        copy_each_way(pair.server);
        write_each_way(pair.server, file);
        read_all(pair.client, text, sizeof text);
        KEEPS(shutdown(pair.server, SHUT_WR));
        KEEPS(close(pair.server));
        KEEPS(close(pair.client));
    }
}

/* Also where the sender is started, stopped for a fork, and told to send. */
static void kept_by_processes(void)
{
    for (int i = 0; i < 5; i++) {
        pid_t child;
        serve("/kept", 1);
        KEEPS(child = fork());
        if (child == 0)
            _exit(errno == KEPT ? 0 : 1);
        expect_child(child);
        EXPECT_ERROR(ENOENT, execv("/nonexistent", (char *[]){NULL, NULL}));
    }
}

static void set_by_failures(void)
{
    struct pair pair = pair_make();
    char c;
    exchange(pair, "/failed");
    EXPECT(fcntl(pair.server, F_SETFL, O_NONBLOCK) == 0);
    EXPECT_ERROR(EAGAIN, read(pair.server, &c, 1));
    EXPECT_ERROR(ENOTSOCK, accept(STDERR_FILENO, NULL, NULL));
    EXPECT_ERROR(EINVAL, accept4(pair.server, NULL, NULL, 0));
    EXPECT_ERROR(EBADF, close(-1));
    EXPECT_ERROR(EBADF, read(-1, &c, 1));
    EXPECT_ERROR(EBADF, write(1 << 30, &c, 1));
    EXPECT_ERROR(EBADF, recv(0x7fffffff, &c, 1, 0));
    EXPECT_ERROR(EBADF, dup(-1));
    EXPECT_ERROR(EINVAL, shutdown(pair.server, 99));
    EXPECT_ERROR(ENOTSOCK, shutdown(STDERR_FILENO, SHUT_WR));
    EXPECT_ERROR(EINVAL, fcntl(pair.server, 9999));
    EXPECT_ERROR(ENOSYS, syscall(9999));
    exchange(pair, "/failed");
    pair_close(pair);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"kept", kept},
        {"kept_by_processes", kept_by_processes},
        {"set_by_failures", set_by_failures},
    };
    return SCENARIO_RUN(table, argc, argv);
}
