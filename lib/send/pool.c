#include "send/pool.h"

#include <errno.h>
#include <poll.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/sys.h"

void send_pool_begin(struct send_pool *pool, struct bytes host, uint32_t port, uint32_t n)
{
    *pool = (struct send_pool){.n = n <= SEND_POOL_MOST ? n : SEND_POOL_MOST};
    for (uint32_t i = 0; i < pool->n; i++)
        endpoint_begin(&pool->endpoint[i], host, port);
}

/* Waits until the receiver may have room; false when patience is at its end. */
static bool wait_for_room(const struct send_pool *pool, int fd, uint64_t since_ns)
{
    uint64_t now = clock_now_ns();
    uint64_t give_up = atomic_load_explicit(&pool->give_up_ns, memory_order_relaxed);
    if (now - since_ns > SEND_PATIENCE_NS || (give_up != 0 && now > give_up))
        return false;
    struct pollfd writable = {fd, POLLOUT, 0};
    sys_poll(&writable, 1, 10);
    return true;
}

static bool is_full(int error)
{
    return error == -EAGAIN || error == -ENOBUFS || error == -EINTR;
}

/*
 * A connected UDP socket reports an earlier datagram's ICMP error (nobody listens) on the next send
 * and does not send: the same datagram is tried once more, so none is lost by it.
 */
static uint32_t send_all(struct send_pool *pool, int fd, struct mmsghdr *message, uint32_t n)
{
    uint32_t sent = 0;
    bool refused = false;
    uint64_t since = 0;
    while (sent < n) {
        int result = sys_sendmmsg(fd, message + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (result > 0) {
            sent += (uint32_t)result;
            refused = false;
            continue;
        }
        if (result == -ECONNREFUSED && !refused) {
            refused = true;
            pool->errors++;
            continue;
        }
        if (!is_full(result))
            break;
        if (since == 0)
            since = clock_now_ns();
        if (!wait_for_room(pool, fd, since))
            break;
    }
    return sent;
}

uint32_t send_pool_send(struct send_pool *pool, const struct bytes *datagram, uint32_t n)
{
    struct mmsghdr message[SEND_DATAGRAMS];
    struct iovec part[SEND_DATAGRAMS];
    uint64_t now = clock_now_ns();
    struct endpoint *endpoint = &pool->endpoint[pool->turn++ % pool->n];
    int fd = endpoint_fd(endpoint, now);
    if (fd < 0) {
        pool->errors += n;
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        part[i] = (struct iovec){(void *)(uintptr_t)datagram[i].at, datagram[i].n};
        message[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &part[i], .msg_iovlen = 1}};
    }
    uint32_t sent = send_all(pool, fd, message, n);
    if (sent < n) {
        pool->errors += n - sent;
        endpoint_failed(endpoint, now);
    }
    return sent;
}

void send_pool_end(struct send_pool *pool)
{
    for (uint32_t i = 0; i < pool->n; i++)
        endpoint_end(&pool->endpoint[i]);
}
