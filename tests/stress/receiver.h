#ifndef STRESS_RECEIVER_H
#define STRESS_RECEIVER_H

/* receiver: a thread that reads what is sent to an abstract Unix socket of this process's own, line
 * by line. */

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "stress.h"

typedef void receiver_line(struct bytes line);

static struct {
    int fd;
    char host[64]; /* as STATS_HERO_ESTATSD_HOST */
    struct sockaddr_un address;
    socklen_t address_bytes;
    pthread_t thread;
    receiver_line *line;
} receiver;

static inline void *receiver_run(void *nothing)
{
    static char datagram[65536];
    for (;;) {
        ssize_t n = recv(receiver.fd, datagram, sizeof datagram, 0);
        expect(n >= 0);
        if (n == 0)
            return nothing;
        for (struct bytes rest = {datagram, (size_t)n}; rest.n > 0;)
            receiver.line(bytes_cut(&rest, '\n'));
    }
}

static inline void receiver_begin(receiver_line *line)
{
    int n =
        snprintf(receiver.host, sizeof receiver.host, "unix:@stats-hero-stress-%d", (int)getpid());
    receiver.address.sun_family = AF_UNIX;
    memcpy(receiver.address.sun_path + 1, receiver.host + 6, (size_t)n - 6);
    receiver.address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n - 5);
    receiver.line = line;
    receiver.fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    expect(bind(receiver.fd, (struct sockaddr *)&receiver.address, receiver.address_bytes) == 0);
    expect(pthread_create(&receiver.thread, NULL, receiver_run, NULL) == 0);
}

/* All that was sent before has been read: an empty datagram is the last. */
static inline void receiver_end(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    expect(sendto(fd, "", 0, 0, (struct sockaddr *)&receiver.address, receiver.address_bytes) == 0);
    close(fd);
    expect(pthread_join(receiver.thread, NULL) == 0);
}

/* If the line is KEY:VALUE|KIND: whether, and its value. */
static inline bool receiver_value(struct bytes line, const char *key, char kind, uint64_t *value)
{
    struct bytes start = bytes_of(key);
    if (!bytes_start_with(line, start) || line.at[line.n - 1] != kind)
        return false;
    line = (struct bytes){line.at + start.n, line.n - start.n};
    expect(bytes_to_u64(bytes_cut(&line, '|'), value) == 0);
    return true;
}

#endif
