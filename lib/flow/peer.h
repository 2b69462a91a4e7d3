#ifndef FLOW_PEER_H
#define FLOW_PEER_H

/* peer: what the kernel says of the connection behind an fd. Each question is a system call. */

#include <stdbool.h>

#include "base/config.h"

/* Once, before the rest: which ports are wanted. */
void peer_begin(const struct config *config);

/* Whether every port is wanted, those that can't be told included. */
bool peer_any_port(void);

/* Whether the connection was accepted on a wanted port. */
bool peer_on_wanted_port(int fd);

/* Whether the client has hung up, for hosts that learn it from poll or epoll alone. */
bool peer_hung_up(int fd);

/* Whether the fd is a connected internet socket. */
bool peer_is_internet(int fd);

#endif
