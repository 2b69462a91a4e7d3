/*
 * given SCENARIO: fds that come from another process by SCM_RIGHTS.
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include "loopback.h"

enum { REQUESTS = 3 };

/* A message of one byte that carries, or has room for, one fd. */
struct parcel {
    char byte;
    struct iovec vector;
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))];
    struct msghdr message;
};

static struct msghdr *parcel_of(struct parcel *parcel)
{
    parcel->vector = (struct iovec){&parcel->byte, 1};
    parcel->message = (struct msghdr){.msg_iov = &parcel->vector,
                                      .msg_iovlen = 1,
                                      .msg_control = parcel->room,
                                      .msg_controllen = sizeof parcel->room};
    return &parcel->message;
}

static void give(int way, int fd)
{
    struct parcel parcel = {.byte = 'x'};
    struct msghdr *message = parcel_of(&parcel);
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(part), &fd, sizeof fd);
    EXPECT(sendmsg(way, message, 0) == 1);
}

static int given(struct msghdr *message)
{
    int fd;
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    EXPECT(part != NULL && part->cmsg_type == SCM_RIGHTS && part->cmsg_len == CMSG_LEN(sizeof fd));
    memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return fd;
}

static int get_by_recvmsg(int way)
{
    struct parcel parcel;
    EXPECT(recvmsg(way, parcel_of(&parcel), 0) == 1);
    return given(&parcel.message);
}

static int get_by_recvmmsg(int way)
{
    struct parcel parcel;
    struct mmsghdr one = {.msg_hdr = *parcel_of(&parcel)};
    EXPECT(recvmmsg(way, &one, 1, 0, NULL) == 1);
    return given(&one.msg_hdr);
}

static int get_by_syscall(int way)
{
    struct parcel parcel;
    EXPECT(syscall(SYS_recvmsg, way, parcel_of(&parcel), 0) == 1);
    return given(&parcel.message);
}

static void serve_requests(int server)
{
    for (int i = 0; i < REQUESTS; i++) {
        take(server);
        answer(server);
    }
}

static void ask_requests(int client)
{
    for (int i = 0; i < REQUESTS; i++) {
        ask(client, "/given");
        hear(client);
    }
}

/* A child gets `fd` and does with it what it is to do. */
static pid_t child_with(int fd, int (*get)(int way), void (*act)(int fd))
{
    int way[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, way) == 0);
    pid_t child = fork();
    if (child == 0) {
        EXPECT(close(fd) == 0);
        act(get(way[1]));
        exit(0);
    }
    give(way[0], fd);
    EXPECT(close(way[0]) == 0 && close(way[1]) == 0);
    return child;
}

/* The parent accepts, and a process that was there before serves. */
static void serves(int (*get)(int way))
{
    int listener = loopback_listen(), client = loopback_connect(listener), way[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, way) == 0);
    pid_t child = fork();
    if (child == 0) {
        serve_requests(get(way[1]));
        exit(0);
    }
    int server = accept(listener, NULL, NULL);
    EXPECT(server >= 0);
    give(way[0], server);
    EXPECT(close(server) == 0);
    ask_requests(client);
    expect_child(child);
}

static void recvmsg_serves(void)
{
    serves(get_by_recvmsg);
}

static void recvmmsg_serves(void)
{
    serves(get_by_recvmmsg);
}

static void syscall_serves(void)
{
    serves(get_by_syscall);
}

/* The client's side goes away: nobody counts requests that are asked, nor the connection. */
static void client_asks(void)
{
    struct pair pair = pair_make();
    pid_t child = child_with(pair.client, get_by_recvmsg, ask_requests);
    serve_requests(pair.server);
    expect_child(child);
}

static void read_requests(int fd)
{
    for (int i = 0; i < REQUESTS; i++)
        take(fd);
}

/* What comes out of a pipe is no request. */
static void pipe_is_read(void)
{
    int ends[2];
    EXPECT(pipe(ends) == 0);
    pid_t child = child_with(ends[0], get_by_recvmsg, read_requests);
    for (int i = 0; i < REQUESTS; i++)
        ask(ends[1], "/pipe");
    expect_child(child);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"recvmsg_serves", recvmsg_serves}, {"recvmmsg_serves", recvmmsg_serves},
        {"syscall_serves", syscall_serves}, {"client_asks", client_asks},
        {"pipe_is_read", pipe_is_read},
    };
    return SCENARIO_RUN(table, argc, argv);
}
