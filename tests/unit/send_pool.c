#include <criterion/criterion.h>
#include <errno.h>

#include "base/clock.h"
#include "receiver.h"
#include "scratch.h"
#include "send/pool.h"

static struct receiver receiver;
static struct send_pool pool;
static struct bytes datagram[SEND_DATAGRAMS];
static char number[SEND_DATAGRAMS][4];

TestSuite(send_pool, .timeout = 60);

static void begin(uint32_t n)
{
    send_pool_begin(&pool, bytes_of(receiver.host), receiver.port, n);
    for (int i = 0; i < SEND_DATAGRAMS; i++) {
        snprintf(number[i], sizeof number[i], "%d", i);
        datagram[i] = bytes_of(number[i]);
    }
}

static void assert_arrive(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        cr_assert(bytes_equal(receiver_next(&receiver), datagram[i]), "datagram %u", i);
}

static void assert_sends(uint32_t n)
{
    cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, datagram, n), n);
    assert_arrive(n);
}

Test(send_pool, many_by_one_call)
{
    receiver_udp(&receiver);
    begin(1);
    assert_sends(SEND_DATAGRAMS);
    cr_assert_eq(pool.errors, 0);
}

/* Datagrams of 1,000 bytes each, the last of `last`, told apart by their first byte. */
static void begin_large(uint32_t n, size_t last)
{
    static char large[SEND_DATAGRAMS][1000];
    begin(1);
    for (uint32_t i = 0; i < n; i++) {
        memset(large[i], ' ' + (char)i, sizeof large[i]);
        datagram[i] = (struct bytes){large[i], i == n - 1 ? last : sizeof large[i]};
    }
}

static bool segmented(void)
{
    return pool.endpoint[0].segmented;
}

Test(send_pool, datagrams_of_one_size_go_as_one)
{
    receiver_udp(&receiver);
    begin_large(SEND_DATAGRAMS, 1000);
    assert_sends(SEND_DATAGRAMS);
    begin_large(SEND_DATAGRAMS, 1);
    assert_sends(SEND_DATAGRAMS);
    cr_assert(segmented(), "the kernel cuts");
    receiver_bind_udp(&receiver, "::1", 0);
    begin_large(7, 1000);
    assert_sends(7);
    cr_assert(segmented());
}

Test(send_pool, datagrams_of_other_sizes_go_one_by_one)
{
    receiver_udp(&receiver);
    begin_large(3, 1000);
    datagram[1].n = 999;
    assert_sends(3);
    begin_large(3, 1000);
    datagram[0].n = 999;
    assert_sends(3);
    cr_assert(segmented(), "nothing was refused");
}

/* A socket without checksums is one for which the kernel does not cut. */
Test(send_pool, without_the_kernels_help_they_go_one_by_one)
{
    int on = 1;
    receiver_udp(&receiver);
    begin_large(20, 500);
    int fd = endpoint_fd(&pool.endpoint[0], clock_now_ns());
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    cr_assert(segmented());
    assert_sends(20);
    cr_assert_not(segmented());
    assert_sends(20);
    cr_assert_eq(pool.errors, 0);
}

Test(send_pool, ipv6)
{
    receiver_bind_udp(&receiver, "::1", 0);
    begin(1);
    assert_sends(3);
}

Test(send_pool, unix_abstract)
{
    receiver_abstract(&receiver);
    begin(1);
    assert_sends(3);
}

Test(send_pool, unix_path)
{
    char folder[64], path[100];
    scratch_folder(folder);
    snprintf(path, sizeof path, "%s/socket", folder);
    receiver_unix(&receiver, path);
    begin(1);
    assert_sends(3);
    unlink(path);
    rmdir(folder);
}

Test(send_pool, endpoints_take_turns)
{
    in_port_t port[6];
    receiver_udp(&receiver);
    begin(3);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, datagram, 1), 1);
        port[i] = receiver_next_port(&receiver);
    }
    cr_assert(port[0] != port[1] && port[1] != port[2] && port[0] != port[2]);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(port[i], port[i + 3]);
}

Test(send_pool, one_that_is_asked_for)
{
    in_port_t port;
    receiver_udp(&receiver);
    begin(3);
    cr_assert_eq(send_pool_send(&pool, 1, datagram, 1), 1);
    port = receiver_next_port(&receiver);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(send_pool_send(&pool, 1, datagram, 1), 1);
        cr_assert_eq(receiver_next_port(&receiver), port);
    }
    cr_assert_eq(pool.turn, 0, "turns are for the others");
    cr_assert_eq(send_pool_send(&pool, 2, datagram, 1), 1);
    cr_assert_neq(receiver_next_port(&receiver), port);
}

Test(send_pool, ready_tells_what_is_wrong)
{
    receiver_udp(&receiver);
    begin(2);
    endpoint_begin(&pool.endpoint[1], BYTES("unix:/no/such/socket"), 1);
    cr_assert_eq(send_pool_ready(&pool, 0), 0);
    cr_assert_eq(send_pool_ready(&pool, SEND_POOL_ANY), 0);
    cr_assert_eq(send_pool_ready(&pool, 1), -ENOENT);
    cr_assert_eq(send_pool_send(&pool, 1, datagram, 2), 0);
    cr_assert_eq(pool.error, -ENOENT);
    cr_assert_eq(pool.errors, 2);
}

Test(send_pool, an_absent_receiver_costs_nothing_that_comes_later)
{
    receiver_udp(&receiver);
    receiver_close(&receiver);
    begin(1);
    send_pool_send(&pool, SEND_POOL_ANY, datagram, 5);
    send_pool_send(&pool, SEND_POOL_ANY, datagram, 5);
    cr_assert_gt(pool.errors, 0, "closed ports are counted");
    receiver_bind_udp(&receiver, "127.0.0.1", receiver.port);
    assert_sends(SEND_DATAGRAMS);
    assert_sends(SEND_DATAGRAMS);
}

Test(send_pool, nobody_there_is_counted)
{
    receiver_abstract(&receiver);
    receiver_close(&receiver);
    begin(1);
    cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, datagram, 5), 0);
    cr_assert_eq(pool.errors, 5);
}

Test(send_pool, a_failing_endpoint_does_not_stop_the_others)
{
    receiver_udp(&receiver);
    begin(2);
    endpoint_begin(&pool.endpoint[0], BYTES("unix:/no/such/socket"), 1);
    cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, datagram, 2), 0);
    assert_sends(2);
    cr_assert_eq(pool.errors, 2);
}

Test(send_pool, a_datagram_that_is_too_large_is_counted)
{
    static char large[70000];
    receiver_udp(&receiver);
    begin(1);
    struct bytes three[] = {datagram[0], {large, sizeof large}, datagram[2]};
    cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, three, 3), 1);
    cr_assert_eq(pool.errors, 2);
}

/* Fills the receiver: how many datagrams it holds. */
static uint32_t fill_receiver(void)
{
    uint32_t n = 0;
    int fd = endpoint_fd(&pool.endpoint[0], clock_now_ns());
    while (send(fd, "full", 4, MSG_DONTWAIT) == 4)
        n++;
    return n;
}

static void *read_after_a_while(void *count)
{
    struct pollfd nothing = {-1, 0, 0};
    poll(&nothing, 1, 30);
    for (uint32_t i = *(uint32_t *)count; i > 0; i--)
        receiver_next(&receiver);
    return NULL;
}

Test(send_pool, a_full_receiver_is_waited_for)
{
    pthread_t reader;
    receiver_abstract(&receiver);
    begin(1);
    uint32_t n = fill_receiver();
    cr_assert_eq(pthread_create(&reader, NULL, read_after_a_while, &n), 0);
    cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, datagram, 3), 3);
    pthread_join(reader, NULL);
    assert_arrive(3);
    cr_assert_eq(pool.errors, 0);
}

Test(send_pool, waiting_ends_at_the_given_moment)
{
    receiver_abstract(&receiver);
    begin(1);
    fill_receiver();
    uint64_t began = clock_now_ns();
    pool.give_up_ns = began + 50000000;
    cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, datagram, 3), 0);
    uint64_t took = clock_now_ns() - began;
    cr_assert(took >= 50000000 && took < SEND_PATIENCE_NS, "%lu ns", took);
    cr_assert_eq(pool.errors, 3);
}

Test(send_pool, patience_has_an_end)
{
    receiver_abstract(&receiver);
    begin(1);
    fill_receiver();
    uint64_t began = clock_now_ns();
    cr_assert_eq(send_pool_send(&pool, SEND_POOL_ANY, datagram, 3), 0);
    cr_assert_geq(clock_now_ns() - began, SEND_PATIENCE_NS);
    cr_assert_eq(pool.errors, 3);
}

Test(send_pool, no_more_endpoints_than_there_is_room_for)
{
    receiver_udp(&receiver);
    begin(1000);
    cr_assert_eq(pool.n, SEND_POOL_MOST);
}
