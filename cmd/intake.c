#include "intake.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define DRAIN_NS 1000000000ull

enum { BATCH = 64, DATAGRAM_BYTES = 65536 };

struct intake_batch {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    char buffers[BATCH][DATAGRAM_BYTES]; /* pages that no datagram reaches are never touched */
};

static struct intake_batch *new_batch(void)
{
    struct intake_batch *batch = calloc(1, sizeof *batch);
    for (int i = 0; batch != NULL && i < BATCH; i++) {
        batch->vectors[i] = (struct iovec){batch->buffers[i], DATAGRAM_BYTES};
        batch->messages[i].msg_hdr.msg_iov = &batch->vectors[i];
        batch->messages[i].msg_hdr.msg_iovlen = 1;
    }
    return batch;
}

int intake_open(struct intake *intake, int fd, enum time_unit unit)
{
    *intake = (struct intake){.fd = fd, .batch = new_batch()};
    if (intake->batch == NULL)
        return -ENOMEM;
    int rc = receive_new(&intake->receive);
    return rc != 0 ? rc : series_new(&intake->series, unit, SERIES_KEYS);
}

void intake_close(struct intake *intake)
{
    if (intake->fd >= 0)
        close(intake->fd);
    series_free(intake->series);
    receive_free(intake->receive);
    free(intake->batch);
    *intake = (struct intake){.fd = -1};
}

static void take(struct intake *intake, const struct mmsghdr *message, uint64_t now_ns)
{
    struct bytes datagram = {message->msg_hdr.msg_iov->iov_base, message->msg_len};
    series_datagram(intake->series, now_ns);
    if (message->msg_hdr.msg_flags & MSG_TRUNC)
        receive_truncated(intake->receive, datagram);
    else
        receive_datagram(intake->receive, datagram, series_add, intake->series);
}

int intake_read(struct intake *intake)
{
    int n = recvmmsg(intake->fd, intake->batch->messages, BATCH, MSG_DONTWAIT, NULL);
    uint64_t now_ns = clock_now_ns();
    for (int i = 0; i < n; i++)
        take(intake, &intake->batch->messages[i], now_ns);
    return n < 0 ? 0 : n;
}

/* Connected to itself, a UDP socket keeps what it holds and takes nothing more from others. */
static bool deafen(int fd)
{
    struct sockaddr_storage own = {0};
    socklen_t n = sizeof own;
    return getsockname(fd, (struct sockaddr *)&own, &n) == 0 && own.ss_family != AF_UNIX &&
           connect(fd, (struct sockaddr *)&own, n) == 0;
}

void intake_drain(struct intake *intake)
{
    uint64_t end_ns = clock_now_ns() + DRAIN_NS;
    bool finite = deafen(intake->fd);
    while (intake_read(intake) > 0 && (finite || clock_now_ns() < end_ns))
        continue;
}

const struct receive_counts *intake_counts(struct intake *intake)
{
    uint32_t figures[SK_MEMINFO_VARS] = {0};
    socklen_t n = sizeof figures;
    struct receive_counts *counts = receive_counts(intake->receive);
    if (getsockopt(intake->fd, SOL_SOCKET, SO_MEMINFO, figures, &n) == 0)
        counts->lost = figures[SK_MEMINFO_DROPS];
    return counts;
}
