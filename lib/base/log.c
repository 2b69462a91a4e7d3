#include "base/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/sys.h"

static const char *const level_names[] = {"off", "error", "warn", "info", "debug"};

static struct {
    char path[256];
    enum log_level level;
} sink;

const char *log_level_name(unsigned level)
{
    return level < sizeof level_names / sizeof level_names[0] ? level_names[level] : NULL;
}

void log_begin(struct bytes path, enum log_level level)
{
    struct writer w = writer_on(sink.path, sizeof sink.path - 1);
    put_bytes(&w, path);
    sink.path[w.n] = '\0';
    sink.level = level;
}

bool log_wants(enum log_level level)
{
    return level <= sink.level;
}

static int open_syslog(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && sys_connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        sys_close(fd);
        return -1;
    }
    return fd;
}

static void write_line(struct bytes line)
{
    if (sink.path[0] == '\0') {
        sys_write(STDERR_FILENO, line.at, line.n);
        return;
    }
    int fd = strcmp(sink.path, "syslog") == 0
                 ? open_syslog()
                 : sys_open(sink.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        return;
    sys_write(fd, line.at, line.n);
    sys_close(fd);
}

void log_pieces(enum log_level level, const struct bytes *pieces, size_t n)
{
    char text[512];
    if (!log_wants(level))
        return;
    struct writer w = writer_on(text, sizeof text - 1);
    put_string(&w, "stats-hero[");
    put_u64(&w, (uint64_t)sys_getpid());
    put_string(&w, "]: ");
    put_string(&w, level_names[level]);
    put_string(&w, ": ");
    for (size_t i = 0; i < n; i++)
        put_bytes(&w, pieces[i]);
    w.at[w.n++] = '\n';
    write_line((struct bytes){w.at, w.n});
}
