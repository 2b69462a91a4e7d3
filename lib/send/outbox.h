#ifndef SEND_OUTBOX_H
#define SEND_OUTBOX_H

/*
 * outbox: payloads that a host's thread wants sent now, and whose fate it waits for. They go to the
 * sender's thread like everything else, which alone has the sockets.
 */

#include "send/batch.h"

/*
 * Leaves a payload for one of the pool's endpoints (SEND_POOL_ANY: the next) with the sender, which
 * `notify` wakes, and waits until it is sent, `patience_ns` at most. 0; -EINVAL: it is empty;
 * -EMSGSIZE: a line is over a datagram, the others were sent; -ETIMEDOUT: nothing was sent, and it
 * will not be; -EINPROGRESS: it is being sent since; -ENOMEM, -EAGAIN (a lock), or what endpoint_fd
 * or the kernel said. Any thread.
 */
int outbox_send(struct bytes payload, uint32_t endpoint, uint64_t patience_ns,
                void (*notify)(void));

/* Somebody waits. Any thread. */
bool outbox_waiting(void);

/* Sends what waits, each payload in datagrams of its own; `batch` must have been flushed. What is
 * left when sending is put off (batch_waits) is for the next time. The sender's thread only. */
void outbox_deliver(struct batch *batch);

/* In a forked child: what waits is the parent's. */
void outbox_forget(void);

#endif
