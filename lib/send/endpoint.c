#include "send/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

#include "base/sys.h"

#define RETRY_NS 1000000000ull

/* unix:/path, or unix:@name for Linux's abstract names. */
static int resolve_unix(struct endpoint *endpoint, struct bytes path)
{
    struct sockaddr_un *un = &endpoint->address.un;
    if (path.n == 0 || path.n >= sizeof un->sun_path)
        return -ENAMETOOLONG;
    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(un->sun_path, path.at, path.n);
    endpoint->address_bytes = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
    if (path.at[0] == '@') {
        un->sun_path[0] = '\0';
        endpoint->address_bytes--;
    }
    return 0;
}

static bool resolve_number(struct endpoint *endpoint, const char *host)
{
    in_port_t port = htons((uint16_t)endpoint->port);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
    if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
        endpoint->address.in = in;
        endpoint->address_bytes = sizeof in;
        return true;
    }
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
        return false;
    endpoint->address.in6 = in6;
    endpoint->address_bytes = sizeof in6;
    return true;
}

static int resolve_name(struct endpoint *endpoint, const char *host)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_DGRAM}, *found;
    char service[8];
    struct writer w = writer_on(service, sizeof service - 1);
    put_u64(&w, endpoint->port);
    service[w.n] = '\0';
    if (getaddrinfo(host, service, &wanted, &found) != 0)
        return -EHOSTUNREACH;
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

/* A host as text that ends, without the brackets of an IPv6 address. False: it is too long. */
static bool spell_host(struct bytes name, char host[256])
{
    if (name.n >= 2 && name.at[0] == '[' && name.at[name.n - 1] == ']')
        name = (struct bytes){name.at + 1, name.n - 2};
    if (name.n >= 256)
        return false;
    memcpy(host, name.at, name.n);
    host[name.n] = '\0';
    return true;
}

static int read_address(struct endpoint *endpoint)
{
    char host[256];
    struct bytes text = endpoint->host, unix_prefix = BYTES("unix:");
    if (bytes_start_with(text, unix_prefix))
        return resolve_unix(endpoint,
                            (struct bytes){text.at + unix_prefix.n, text.n - unix_prefix.n});
    if (!spell_host(text, host))
        return -ENAMETOOLONG;
    endpoint->is_name = !resolve_number(endpoint, host);
    return 0;
}

void endpoint_begin(struct endpoint *endpoint, struct bytes host, uint32_t port)
{
    *endpoint = (struct endpoint){
        .host = host, .port = port, .socket = OWNED_FD_NONE, .kept = OWNED_FD_NONE};
    endpoint->address_error = read_address(endpoint);
}

static int resolve(struct endpoint *endpoint, uint64_t now_ns)
{
    char host[256];
    if (!endpoint->is_name || endpoint->lent)
        return endpoint->address_error;
    endpoint->resolved_ns = now_ns;
    spell_host(endpoint->host, host);
    return resolve_name(endpoint, host);
}

static int connect_socket(struct endpoint *endpoint)
{
    int fd = sys_socket(endpoint->address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int error = sys_connect(fd, &endpoint->address.any, endpoint->address_bytes);
    endpoint->segmented = endpoint->address.any.sa_family != AF_UNIX;
    if (error < 0) {
        sys_close(fd);
        return error;
    }
    return owned_fd_take(&endpoint->socket, fd);
}

int endpoint_fd(struct endpoint *endpoint, uint64_t now_ns)
{
    bool stale = endpoint->is_name && !endpoint->lent &&
                 now_ns - endpoint->resolved_ns > ENDPOINT_RESOLVE_NS;
    bool intact = owned_fd_intact(&endpoint->socket);
    if (!stale && intact)
        return endpoint->socket.fd;
    if (now_ns < endpoint->retry_ns)
        return endpoint->error;
    int error = resolve(endpoint, now_ns);
    if (error < 0 && intact)
        return endpoint->socket.fd;
    owned_fd_close(&endpoint->socket);
    if (error == 0)
        error = connect_socket(endpoint);
    if (error < 0) {
        endpoint->error = error;
        endpoint->retry_ns = now_ns + RETRY_NS;
        return error;
    }
    return endpoint->socket.fd;
}

void endpoint_failed(struct endpoint *endpoint, int error, uint64_t now_ns)
{
    owned_fd_close(&endpoint->socket);
    endpoint->error = error;
    endpoint->retry_ns = now_ns + RETRY_NS;
}

int endpoint_lend(struct endpoint *endpoint)
{
    endpoint->kept = endpoint->socket;
    endpoint->lent = true;
    if (owned_fd_intact(&endpoint->socket))
        return 0;
    endpoint->socket = OWNED_FD_NONE;
    if (endpoint->address_bytes == 0)
        return endpoint->is_name ? -EHOSTUNREACH : endpoint->address_error;
    return connect_socket(endpoint);
}

void endpoint_give_back(struct endpoint *endpoint)
{
    if (endpoint->socket.inode != endpoint->kept.inode)
        owned_fd_close(&endpoint->socket);
    endpoint->socket = endpoint->kept;
    endpoint->lent = false;
}

void endpoint_end(struct endpoint *endpoint)
{
    owned_fd_close(&endpoint->socket);
}
