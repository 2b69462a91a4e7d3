#include "send/pool.h"

#include <errno.h>
#include <netinet/udp.h>
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

bool send_pool_looks_up(const struct send_pool *pool)
{
    return pool->n > 0 && pool->endpoint[0].is_name;
}

/* `full`, or why nobody waits any longer; 0: the receiver may have room. */
static int wait_for_room(const struct send_pool *pool, int fd, uint64_t since_ns, int full)
{
    uint64_t now = clock_now_ns();
    uint64_t give_up = atomic_load_explicit(&pool->give_up_ns, memory_order_relaxed);
    if (now - since_ns > SEND_PATIENCE_NS || (give_up != 0 && now > give_up))
        return full;
    if (send_pool_hurried(pool))
        return -ECANCELED;
    struct pollfd writable = {fd, POLLOUT, 0};
    sys_poll(&writable, 1, 10);
    return 0;
}

static bool is_full(int error)
{
    return error == -EAGAIN || error == -ENOBUFS || error == -EINTR;
}

/* The messages of one system call, each of one or more datagrams. */
struct call {
    struct mmsghdr message[SEND_DATAGRAMS];
    struct iovec part[SEND_DATAGRAMS];
    uint32_t messages;
    _Alignas(struct cmsghdr) char segment[CMSG_SPACE(sizeof(uint16_t))];
};

/* Segments of one send at most, in every kernel that has them (UDP_MAX_SEGMENTS), and what one send
 * may hold. */
enum { SEGMENTS_MOST = 64, SEGMENTED_BYTES = 65507 };

/* How many of the datagrams may go as one: 1 if their sizes differ, but for a smaller last one. */
static uint32_t together(const struct endpoint *endpoint, const struct bytes *datagram, uint32_t n)
{
    if (!endpoint->segmented || n < 2 || datagram[n - 1].n > datagram[0].n)
        return 1;
    for (uint32_t i = 1; i < n - 1; i++)
        if (datagram[i].n != datagram[0].n)
            return 1;
    size_t most = SEGMENTED_BYTES / datagram[0].n;
    return most > SEGMENTS_MOST ? SEGMENTS_MOST : most > 1 ? (uint32_t)most : 1;
}

static void ask_for_segments(struct call *call, struct msghdr *message, uint16_t size)
{
    struct cmsghdr *control = (struct cmsghdr *)(void *)call->segment;
    memset(call->segment, 0, sizeof call->segment); /* the space behind the size, too */
    *control = (struct cmsghdr){CMSG_LEN(sizeof size), SOL_UDP, UDP_SEGMENT};
    memcpy(CMSG_DATA(control), &size, sizeof size);
    message->msg_control = call->segment;
    message->msg_controllen = sizeof call->segment;
}

static void fill_call(struct call *call, const struct bytes *datagram, uint32_t n, uint32_t each)
{
    call->messages = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct msghdr *message = &call->message[i / each].msg_hdr;
        call->part[i] = (struct iovec){(void *)(uintptr_t)datagram[i].at, datagram[i].n};
        if (i % each == 0) {
            *message = (struct msghdr){.msg_iov = &call->part[i]};
            call->messages++;
        }
        if (++message->msg_iovlen == 2)
            ask_for_segments(call, message, (uint16_t)datagram[0].n);
    }
}

/*
 * A connected UDP socket reports an earlier datagram's ICMP error (nobody listens) on the next send
 * and does not send: the same datagram is tried once more, so none is lost by it. A Unix socket
 * speaks of the datagram at hand.
 */
static int send_call(struct send_pool *pool, const struct endpoint *endpoint, int fd,
                     struct call *call, uint32_t *datagrams)
{
    uint32_t sent = 0;
    bool reports_late = endpoint->address.any.sa_family != AF_UNIX, refused = false;
    uint64_t since = 0;
    while (sent < call->messages) {
        int result = sys_sendmmsg(fd, call->message + sent, call->messages - sent,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
        for (int i = 0; i < result; i++)
            *datagrams += (uint32_t)call->message[sent++].msg_hdr.msg_iovlen;
        if (result > 0) {
            refused = false;
            continue;
        }
        if (result == -ECONNREFUSED && reports_late && !refused) {
            refused = true;
            pool->errors++;
            continue;
        }
        if (!is_full(result))
            return result;
        if (since == 0)
            since = clock_now_ns();
        result = wait_for_room(pool, fd, since, result);
        if (result < 0)
            return result;
    }
    return 0;
}

/* The kernel does not cut, or not here: a device without checksums, datagrams over the path's MTU.
 */
static bool cannot_cut(int error)
{
    return error == -EINVAL || error == -EIO || error == -EMSGSIZE || error == -EOPNOTSUPP ||
           error == -ENOPROTOOPT;
}

static int send_datagrams(struct send_pool *pool, struct endpoint *endpoint, int fd,
                          const struct bytes *datagram, uint32_t n, uint32_t *sent)
{
    struct call call;
    uint32_t each = together(endpoint, datagram, n);
    fill_call(&call, datagram, n, each);
    int error = send_call(pool, endpoint, fd, &call, sent);
    if (each == 1 || !cannot_cut(error))
        return error;
    endpoint->segmented = false;
    fill_call(&call, datagram + *sent, n - *sent, 1);
    return send_call(pool, endpoint, fd, &call, sent);
}

int send_pool_ready(struct send_pool *pool, uint32_t which)
{
    if (which == SEND_POOL_ANY)
        which = pool->turn;
    int fd = endpoint_fd(&pool->endpoint[which % pool->n], clock_now_ns());
    return fd < 0 ? fd : 0;
}

uint32_t send_pool_send(struct send_pool *pool, uint32_t which, const struct bytes *datagram,
                        uint32_t n)
{
    uint32_t sent = 0;
    uint64_t now = clock_now_ns();
    if (which == SEND_POOL_ANY)
        which = pool->turn++;
    struct endpoint *endpoint = &pool->endpoint[which % pool->n];
    int fd = endpoint_fd(endpoint, now);
    int error = fd < 0 ? fd : send_datagrams(pool, endpoint, fd, datagram, n, &sent);
    if (error < 0)
        pool->error = error;
    if (error == -ECANCELED)
        return sent;
    if (error < 0)
        pool->errors += n - sent;
    if (error < 0 && fd >= 0)
        endpoint_failed(endpoint, error, now);
    return sent;
}

int send_pool_lend(struct send_pool *pool)
{
    int first = 0;
    for (uint32_t i = 0; i < pool->n; i++) {
        int error = endpoint_lend(&pool->endpoint[i]);
        first = first != 0 ? first : error;
    }
    return first;
}

void send_pool_give_back(struct send_pool *pool)
{
    for (uint32_t i = 0; i < pool->n; i++)
        endpoint_give_back(&pool->endpoint[i]);
}

void send_pool_end(struct send_pool *pool)
{
    for (uint32_t i = 0; i < pool->n; i++)
        endpoint_end(&pool->endpoint[i]);
}
