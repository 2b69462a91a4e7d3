#ifndef CMD_ADDRESS_H
#define CMD_ADDRESS_H

/* address: where datagrams go to or come in, as users spell it. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ADDRESS_PORT "8125"

/* The longest spelling of a host or a socket's path, with its end. */
#define ADDRESS_HOST_BYTES 256

struct address_parts {
    char host[ADDRESS_HOST_BYTES];
    char port[6]; /* digits, 1 to 65535 */
};

/*
 * Splits `HOST:PORT`, `[IPv6]:PORT` or `HOST` (port 8125); `unix:/path` and `unix:@name` are a
 * host. False when it is none of these.
 */
bool address_split(const char *text, struct address_parts *parts);

/* Reads a port number, 0 to 65535, or returns -1. */
int address_port(const char *text);

/*
 * A socket that receives datagrams at `host` (an address, a name, `unix:/path` or `unix:@name`) and
 * `port` (digits, not for unix): non-blocking, closed on exec, with the largest receive buffer that
 * is permitted. A socket file that nobody listens at is replaced. The fd, or -1 after having said
 * why.
 */
int address_bind(const char *host, const char *port);

/* Where `fd` listens, as users spell it: `127.0.0.1:8125`, `[::1]:8125`, `unix:/path`. */
void address_name(int fd, char *text, size_t size);

/* Removes the socket file of `host`, if it is one. */
void address_remove(const char *host);

#endif
