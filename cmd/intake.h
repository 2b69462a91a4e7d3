#ifndef CMD_INTAKE_H
#define CMD_INTAKE_H

/* intake: a socket's datagrams, read in batches into a series. */

#include "collect/receive.h"
#include "collect/series.h"

struct intake_batch;

struct intake {
    int fd; /* owned; -1: nothing comes in */
    struct receive *receive;
    struct series *series;
    struct intake_batch *batch;
};

/* Takes `fd` over, a non-blocking datagram socket. 0 or -ENOMEM; intake_close is right after both.
 */
int intake_open(struct intake *intake, int fd, enum time_unit unit);
void intake_close(struct intake *intake);

/* Reads what waits, one batch at most; the number of datagrams, 0 when there are none. */
int intake_read(struct intake *intake);

/* Reads all that waits now. Senders may still be alive: a UDP socket takes nothing from them any
 * more, a Unix socket is read for a second at most. */
void intake_drain(struct intake *intake);

/* The counts, with what the kernel says it had no room for. */
const struct receive_counts *intake_counts(struct intake *intake);

#endif
