#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/sys.h"

/* A long value leaves room for what is said of it. */
enum { PIECE_MOST = 200 };

static const char *const level_names[] = {"off", "error", "warn", "info", "debug"};

static struct {
    char path[256];
    enum log_level level;
    uint64_t device, inode; /* of standard error when the process began */
    pid_t apart;            /* the thread that has a table of fds of its own */
    pid_t witness;          /* a thread that has the process's */
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
    struct stat status;
    if (sys_fstat(STDERR_FILENO, &status) == 0) {
        sink.device = status.st_dev;
        sink.inode = status.st_ino;
    }
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

void log_apart(void)
{
    sink.apart = sys_gettid();
}

void log_witness(pid_t tid)
{
    sink.witness = tid;
}

/* By its name: a socket has none that can be opened. */
static int open_by_witness(void)
{
    char path[64];
    struct writer w = writer_on(path, sizeof path - 1);
    put_string(&w, "/proc/self/task/");
    put_u64(&w, (uint64_t)sink.witness);
    put_string(&w, "/fd/2");
    path[w.n] = '\0';
    return sys_open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
}

/* Standard error, or a copy of it for a thread that has its own fds; negative without one. */
static int open_stderr(void)
{
    if (sys_gettid() != sink.apart)
        return STDERR_FILENO;
    int process = sys_pidfd_open(sys_getpid());
    if (process < 0)
        return process;
    int fd = sys_pidfd_getfd(process, STDERR_FILENO);
    sys_close(process);
    return fd < 0 && sink.witness > 0 ? open_by_witness() : fd;
}

/* A host that closed its standard error may have been given the number for a client's connection.
 */
static bool is_usable(int fd)
{
    struct stat status;
    if (sys_fstat(fd, &status) != 0)
        return false;
    return !S_ISSOCK(status.st_mode) ||
           (status.st_ino == sink.inode && status.st_dev == sink.device);
}

/* A pipe without a reader must not end the host: the SIGPIPE is taken back. */
static void write_stderr(struct bytes line)
{
    uint64_t signals;
    int fd = open_stderr();
    if (fd < 0)
        return;
    sys_signals_block(&signals);
    if (is_usable(fd) && sys_write(fd, line.at, line.n) == -EPIPE)
        sys_signal_take(SIGPIPE);
    sys_signals_restore(&signals);
    if (fd != STDERR_FILENO)
        sys_close(fd);
}

static void write_line(struct bytes line)
{
    if (sink.path[0] == '\0') {
        write_stderr(line);
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

/* Control characters, of strangers' ids and paths, make no line of their own. */
static void put_piece(struct writer *w, struct bytes piece)
{
    for (size_t i = 0; i < piece.n && i < PIECE_MOST; i++) {
        unsigned char c = (unsigned char)piece.at[i];
        put_char(w, c >= 0x20 && c < 0x7f ? (char)c : '_');
    }
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
        put_piece(&w, pieces[i]);
    w.at[w.n++] = '\n';
    write_line((struct bytes){w.at, w.n});
}
