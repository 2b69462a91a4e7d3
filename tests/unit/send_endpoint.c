#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

#include "receiver.h"
#include "scratch.h"
#include "send/endpoint.h"

enum { SECOND = 1000000000 };

static struct receiver receiver;
static struct endpoint endpoint;

static void begin(void)
{
    endpoint_begin(&endpoint, bytes_of(receiver.host), receiver.port);
}

/* A datagram through the endpoint reaches the receiver. */
static void assert_delivers(uint64_t now_ns)
{
    int fd = endpoint_fd(&endpoint, now_ns);
    cr_assert_geq(fd, 0, "%d", fd);
    cr_assert_eq(send(fd, "hello", 5, 0), 5);
    cr_assert(bytes_equal(receiver_next(&receiver), BYTES("hello")));
}

Test(endpoint, ipv4)
{
    receiver_udp(&receiver);
    begin();
    assert_delivers(1);
}

Test(endpoint, ipv6)
{
    receiver_bind_udp(&receiver, "::1", 0);
    begin();
    assert_delivers(1);
    endpoint_end(&endpoint);
    endpoint_begin(&endpoint, BYTES("[::1]"), receiver.port);
    assert_delivers(1);
}

Test(endpoint, a_name)
{
    receiver_udp(&receiver);
    endpoint_begin(&endpoint, BYTES("localhost"), receiver.port);
    int fd = endpoint_fd(&endpoint, 1);
    cr_assert_geq(fd, 0);
    cr_assert(endpoint.is_name);
}

Test(endpoint, unix_path)
{
    char folder[64], path[100];
    scratch_folder(folder);
    snprintf(path, sizeof path, "%s/socket", folder);
    receiver_unix(&receiver, path);
    begin();
    assert_delivers(1);
    unlink(path);
    rmdir(folder);
}

Test(endpoint, unix_abstract_name)
{
    receiver_abstract(&receiver);
    begin();
    assert_delivers(1);
}

Test(endpoint, no_socket_before_it_is_needed)
{
    receiver_udp(&receiver);
    begin();
    cr_assert_eq(endpoint.socket.fd, -1);
}

Test(endpoint, one_socket_is_kept_out_of_the_way)
{
    receiver_udp(&receiver);
    begin();
    int fd = endpoint_fd(&endpoint, 1);
    cr_assert_geq(fd, 960);
    cr_assert_eq(endpoint_fd(&endpoint, 2), fd);
    cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

Test(endpoint, the_host_closed_the_socket)
{
    receiver_udp(&receiver);
    begin();
    close(endpoint_fd(&endpoint, 1));
    assert_delivers(2);
}

Test(endpoint, never_writes_to_what_the_host_has_at_its_number)
{
    int theirs[2];
    char byte;
    receiver_udp(&receiver);
    begin();
    int number = endpoint_fd(&endpoint, 1);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, theirs), 0);
    cr_assert_eq(dup2(theirs[0], number), number);
    assert_delivers(2);
    cr_assert_neq(endpoint.socket.fd, number);
    endpoint_end(&endpoint);
    cr_assert_eq(recv(theirs[1], &byte, 1, MSG_DONTWAIT), -1);
    cr_assert_eq(send(number, "x", 1, 0), 1, "and leaves it open");
}

Test(endpoint, bad_addresses)
{
    char longest[300];
    memset(longest, 'a', sizeof longest);
    endpoint_begin(&endpoint, (struct bytes){longest, 256}, 1);
    cr_assert_eq(endpoint_fd(&endpoint, 1), -ENAMETOOLONG);
    memcpy(longest, "unix:/", 6);
    endpoint_begin(&endpoint, (struct bytes){longest, 5 + 108}, 1);
    cr_assert_eq(endpoint_fd(&endpoint, 1), -ENAMETOOLONG);
    endpoint_begin(&endpoint, BYTES("unix:"), 1);
    cr_assert_lt(endpoint_fd(&endpoint, 1), 0);
    endpoint_begin(&endpoint, BYTES("unix:/no/such/socket"), 1);
    cr_assert_eq(endpoint_fd(&endpoint, 1), -ENOENT);
}

Test(endpoint, a_name_that_is_none)
{
    endpoint_begin(&endpoint, BYTES("no such host"), 1);
    cr_assert_eq(endpoint_fd(&endpoint, 1), -EHOSTUNREACH);
}

Test(endpoint, tries_again_after_a_second)
{
    receiver_abstract(&receiver);
    receiver_close(&receiver);
    begin();
    cr_assert_eq(endpoint_fd(&endpoint, 5), -ECONNREFUSED);
    receiver_abstract(&receiver);
    cr_assert_eq(endpoint_fd(&endpoint, 5 + SECOND - 1), -ECONNREFUSED, "what it was");
    assert_delivers(5 + SECOND);
}

Test(endpoint, made_anew_when_sending_failed)
{
    receiver_udp(&receiver);
    begin();
    int fd = endpoint_fd(&endpoint, 5);
    endpoint_failed(&endpoint, -EPIPE, 5);
    cr_assert_eq(fcntl(fd, F_GETFD), -1);
    cr_assert_eq(endpoint_fd(&endpoint, 6), -EPIPE);
    assert_delivers(5 + SECOND);
}

Test(endpoint, a_name_is_looked_up_again_in_time)
{
    receiver_udp(&receiver);
    endpoint_begin(&endpoint, BYTES("localhost"), receiver.port);
    cr_assert_geq(endpoint_fd(&endpoint, 7), 0);
    cr_assert_geq(endpoint_fd(&endpoint, 7 + ENDPOINT_RESOLVE_NS), 0);
    cr_assert_eq(endpoint.resolved_ns, 7);
    cr_assert_geq(endpoint_fd(&endpoint, 8 + ENDPOINT_RESOLVE_NS), 0);
    cr_assert_eq(endpoint.resolved_ns, 8 + ENDPOINT_RESOLVE_NS);
}

Test(endpoint, a_name_that_can_not_be_looked_up_again_goes_on)
{
    char host[] = "localhost";
    receiver_udp(&receiver);
    endpoint_begin(&endpoint, bytes_of(host), receiver.port);
    int fd = endpoint_fd(&endpoint, 7);
    cr_assert_geq(fd, 0);
    memset(host, ' ', sizeof host - 1);
    cr_assert_eq(endpoint_fd(&endpoint, 8 + ENDPOINT_RESOLVE_NS), fd);
    cr_assert_eq(endpoint_fd(&endpoint, 9 + ENDPOINT_RESOLVE_NS), fd);
}

Test(endpoint, end_closes)
{
    receiver_udp(&receiver);
    begin();
    int fd = endpoint_fd(&endpoint, 1);
    endpoint_end(&endpoint);
    cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

Test(endpoint, lent_it_has_its_socket_still)
{
    receiver_udp(&receiver);
    begin();
    assert_delivers(1);
    int fd = endpoint.socket.fd;
    cr_assert_eq(endpoint_lend(&endpoint), 0);
    assert_delivers(2);
    endpoint_give_back(&endpoint);
    cr_assert_eq(endpoint.socket.fd, fd);
    assert_delivers(3);
}

/* As in another table of fds, where the sender's number is nothing, or something else. */
Test(endpoint, lent_elsewhere_it_has_another_socket)
{
    receiver_udp(&receiver);
    begin();
    assert_delivers(1);
    struct owned_fd senders = endpoint.socket;
    int away = dup(senders.fd);
    cr_assert_eq(close(senders.fd), 0);
    cr_assert_eq(endpoint_lend(&endpoint), 0);
    assert_delivers(2);
    int lent = endpoint.socket.fd;
    cr_assert_neq(endpoint.socket.inode, senders.inode);
    endpoint_give_back(&endpoint);
    cr_assert_eq(fcntl(lent, F_GETFD), -1, "which is gone afterwards");
    cr_assert_eq(dup2(away, senders.fd), senders.fd);
    assert_delivers(3);
    cr_assert_eq(endpoint.socket.inode, senders.inode);
}

Test(endpoint, lent_it_looks_nothing_up)
{
    receiver_udp(&receiver);
    endpoint_begin(&endpoint, BYTES("localhost"), receiver.port);
    cr_assert_eq(endpoint_lend(&endpoint), -EHOSTUNREACH);
    endpoint_give_back(&endpoint);
    cr_assert_geq(endpoint_fd(&endpoint, SECOND), 0);
    uint64_t resolved = endpoint.resolved_ns;
    cr_assert_eq(endpoint_lend(&endpoint), 0);
    cr_assert_geq(endpoint_fd(&endpoint, 2 * ENDPOINT_RESOLVE_NS), 0);
    cr_assert_eq(endpoint.resolved_ns, resolved);
    endpoint_give_back(&endpoint);
    cr_assert_geq(endpoint_fd(&endpoint, 2 * ENDPOINT_RESOLVE_NS), 0);
    cr_assert_neq(endpoint.resolved_ns, resolved);
}
