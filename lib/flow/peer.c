#include "flow/peer.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/sys.h"

enum { LISTEN_PORTS_MOST = 512 }; /* what the variable's length allows */

static struct {
    size_t ports;
    uint16_t port[LISTEN_PORTS_MOST]; /* none: all */
} peer;

void peer_begin(const struct config *config)
{
    struct bytes rest = config->listen_ports;
    while (rest.n > 0 && peer.ports < LISTEN_PORTS_MOST) {
        uint64_t port;
        if (bytes_to_u64(bytes_trim(bytes_cut(&rest, ',')), &port) == 0)
            peer.port[peer.ports++] = (uint16_t)port;
    }
}

bool peer_any_port(void)
{
    return peer.ports == 0;
}

bool peer_on_wanted_port(int fd)
{
    struct sockaddr_in6 address; /* sin6_port stands where sin_port does */
    uint32_t size = sizeof address;
    if (peer_any_port())
        return true;
    if (sys_getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
        (address.sin6_family != AF_INET && address.sin6_family != AF_INET6))
        return false;
    for (size_t i = 0; i < peer.ports; i++)
        if (peer.port[i] == ntohs(address.sin6_port))
            return true;
    return false;
}

bool peer_hung_up(int fd)
{
    struct pollfd client = {fd, POLLRDHUP, 0};
    return sys_poll(&client, 1, 0) == 1;
}

bool peer_is_internet(int fd)
{
    struct sockaddr_in6 address;
    uint32_t size = sizeof address;
    return sys_getpeername(fd, (struct sockaddr *)&address, &size) == 0 &&
           (address.sin6_family == AF_INET || address.sin6_family == AF_INET6);
}
