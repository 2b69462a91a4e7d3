#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/owned_fd.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int new_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert_geq(fd, 0);
    return fd;
}

static struct owned_fd taken(void)
{
    struct owned_fd owned = OWNED_FD_NONE;
    cr_assert_eq(owned_fd_take(&owned, new_socket()), 0);
    return owned;
}

Test(owned_fd, none)
{
    struct owned_fd owned = OWNED_FD_NONE;
    cr_assert_not(owned_fd_intact(&owned));
    owned_fd_close(&owned);
    cr_assert_eq(owned.fd, -1);
}

Test(owned_fd, moved_out_of_the_way)
{
    struct owned_fd owned = OWNED_FD_NONE;
    int fd = new_socket();
    cr_assert_eq(owned_fd_take(&owned, fd), 0);
    cr_assert_not(is_open(fd), "the low number is the host's again");
    cr_assert_geq(owned.fd, 960);
    cr_assert(fcntl(owned.fd, F_GETFD) & FD_CLOEXEC);
    cr_assert(owned_fd_intact(&owned));
}

Test(owned_fd, stays_where_it_is_when_numbers_are_few)
{
    struct rlimit few = {100, 100};
    struct owned_fd owned = OWNED_FD_NONE;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    int fd = new_socket();
    cr_assert_eq(owned_fd_take(&owned, fd), 0);
    cr_assert_eq(owned.fd, fd);
    cr_assert(owned_fd_intact(&owned));
}

Test(owned_fd, no_fd)
{
    struct owned_fd owned = OWNED_FD_NONE;
    cr_assert_eq(owned_fd_take(&owned, 950), -EBADF);
    cr_assert_not(owned_fd_intact(&owned));
}

Test(owned_fd, close)
{
    struct owned_fd owned = taken();
    int number = owned.fd;
    owned_fd_close(&owned);
    cr_assert_not(is_open(number));
    cr_assert_eq(owned.fd, -1);
}

Test(owned_fd, the_host_closed_it)
{
    struct owned_fd owned = taken();
    close(owned.fd);
    cr_assert_not(owned_fd_intact(&owned));
}

Test(owned_fd, the_host_has_its_number_now)
{
    struct owned_fd owned = taken();
    int number = owned.fd, theirs = new_socket();
    cr_assert_eq(dup2(theirs, number), number);
    cr_assert_not(owned_fd_intact(&owned));
    owned_fd_close(&owned);
    cr_assert(is_open(number), "what is the host's stays open");
    cr_assert_eq(owned.fd, -1);
}
