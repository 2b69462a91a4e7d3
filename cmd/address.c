#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "say.h"

enum { BUFFER_BYTES = 64 << 20 };

static const char unix_prefix[] = "unix:";

static const char *unix_path(const char *host)
{
    size_t n = sizeof unix_prefix - 1;
    return strncmp(host, unix_prefix, n) == 0 ? host + n : NULL;
}

int address_port(const char *text)
{
    uint64_t port;
    return bytes_to_u64(bytes_of(text), &port) == 0 && port <= 65535 ? (int)port : -1;
}

static bool set_host(struct address_parts *parts, const char *host, size_t n)
{
    if (n == 0 || n >= sizeof parts->host)
        return false;
    memcpy(parts->host, host, n);
    parts->host[n] = '\0';
    return true;
}

static bool set_port(struct address_parts *parts, const char *text)
{
    int port = address_port(text);
    snprintf(parts->port, sizeof parts->port, "%u", (uint16_t)port);
    return port > 0;
}

static bool split_brackets(const char *text, struct address_parts *parts)
{
    const char *end = strchr(text, ']');
    if (end == NULL || !set_host(parts, text + 1, (size_t)(end - text - 1)))
        return false;
    if (end[1] == '\0')
        return set_port(parts, ADDRESS_PORT);
    return end[1] == ':' && set_port(parts, end + 2);
}

bool address_split(const char *text, struct address_parts *parts)
{
    const char *path = unix_path(text);
    const char *colon = strchr(text, ':');
    if (path != NULL)
        return (path[0] == '/' || path[0] == '@') && path[1] != '\0' &&
               set_port(parts, ADDRESS_PORT) && set_host(parts, text, strlen(text));
    if (text[0] == '[')
        return split_brackets(text, parts);
    /* Two colons without brackets: an IPv6 address alone. */
    if (colon == NULL || strchr(colon + 1, ':') != NULL)
        return set_port(parts, ADDRESS_PORT) && set_host(parts, text, strlen(text));
    return set_port(parts, colon + 1) && set_host(parts, text, (size_t)(colon - text));
}

/* FORCE passes the system's limit where we are privileged. */
static void enlarge_buffer(int fd)
{
    int bytes = BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static int new_socket(int family)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        enlarge_buffer(fd);
    return fd;
}

static socklen_t fill_unix(const char *path, struct sockaddr_un *at)
{
    size_t n = strlen(path);
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n == 0 || n >= sizeof at->sun_path)
        return 0;
    memcpy(at->sun_path, path, n);
    if (path[0] == '@')
        at->sun_path[0] = '\0';
    /* An abstract name ends where its length says; a path ends with a zero byte. */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@'));
}

/* A file whose socket refuses a connection was left by a process that is gone. */
static bool abandoned(int fd, const char *path, const struct sockaddr_un *at, socklen_t n)
{
    struct stat file;
    return path[0] == '/' && lstat(path, &file) == 0 && S_ISSOCK(file.st_mode) &&
           connect(fd, (const struct sockaddr *)at, n) != 0 && errno == ECONNREFUSED;
}

static int bind_unix(const char *path)
{
    struct sockaddr_un at;
    socklen_t n = fill_unix(path, &at);
    int fd = n == 0 ? (errno = ENAMETOOLONG, -1) : new_socket(AF_UNIX);
    if (fd < 0)
        return -1;
    if (abandoned(fd, path, &at, n))
        unlink(path);
    if (bind(fd, (struct sockaddr *)&at, n) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int bind_first(const struct addrinfo *list)
{
    for (; list != NULL; list = list->ai_next) {
        int fd = new_socket(list->ai_family);
        if (fd >= 0 && bind(fd, list->ai_addr, list->ai_addrlen) == 0)
            return fd;
        int error = errno;
        if (fd >= 0)
            close(fd);
        errno = error;
    }
    return -1;
}

static int bind_udp(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        say("can't resolve %s: %s", host, gai_strerror(rc));
        return -1;
    }
    int fd = bind_first(list);
    int error = errno;
    freeaddrinfo(list);
    if (fd < 0)
        say("can't listen on %s port %s: %s", host, port, strerror(error));
    return fd;
}

int address_bind(const char *host, const char *port)
{
    const char *path = unix_path(host);
    if (path == NULL)
        return bind_udp(host, port);
    int fd = bind_unix(path);
    if (fd < 0)
        say("can't listen on %s: %s", host, strerror(errno));
    return fd;
}

static void name_unix(const struct sockaddr_un *at, socklen_t n, char *text, size_t size)
{
    int length = (int)(n - offsetof(struct sockaddr_un, sun_path));
    if (length > 0 && at->sun_path[0] == '\0')
        snprintf(text, size, "%s@%.*s", unix_prefix, length - 1, at->sun_path + 1);
    else
        snprintf(text, size, "%s%.*s", unix_prefix, length, at->sun_path);
}

void address_name(int fd, char *text, size_t size)
{
    struct sockaddr_storage at = {0};
    socklen_t n = sizeof at;
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    getsockname(fd, (struct sockaddr *)&at, &n);
    if (at.ss_family == AF_UNIX) {
        name_unix((struct sockaddr_un *)&at, n, text, size);
        return;
    }
    getnameinfo((struct sockaddr *)&at, n, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, size, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

void address_remove(const char *host)
{
    const char *path = unix_path(host);
    if (path != NULL && path[0] == '/')
        unlink(path);
}
