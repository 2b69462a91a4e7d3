#include "request/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/owned_fd.h"
#include "base/process.h"
#include "base/sys.h"
#include "request/names.h"

enum { BUFFER_BYTES = 65536, PATH_MOST = 4096 };

static char log_path[PATH_MOST];

static struct {
    struct owned_fd file;
    struct owned_fd first; /* the process's; a later one is the thread's that opened it */
    bool complained, torn;
    size_t n;
    char *buffer;
} journal = {.file = {-1, 0, 0}, .first = {-1, 0, 0}};

static void complain(const char *what, int error)
{
    char digits[16];
    struct writer number = writer_on(digits, sizeof digits);
    if (journal.complained)
        return;
    journal.complained = true;
    put_i64(&number, -error);
    log_line(LOG_WARN, BYTES("request log "), bytes_of(log_path), BYTES(": "), bytes_of(what),
             BYTES(" failed with errno "), (struct bytes){digits, number.n},
             BYTES("; its lines are lost until that is mended"));
}

static int open_file(void)
{
    int fd = sys_open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        return fd;
    owned_fd_close(&journal.file);
    return owned_fd_take(&journal.file, fd);
}

void journal_begin(struct bytes path)
{
    if (path.n == 0 || path.n >= PATH_MOST)
        return;
    memcpy(log_path, path.at, path.n);
    log_path[path.n] = '\0';
    int error = open_file();
    if (error < 0)
        complain("opening", error);
    journal.first = journal.file;
}

/* A thread that has ended may have had the one that was open last. */
static bool is_usable(void)
{
    if (!owned_fd_intact(&journal.file))
        journal.file = owned_fd_intact(&journal.first) ? journal.first : OWNED_FD_NONE;
    return journal.file.fd >= 0;
}

bool journal_wanted(void)
{
    return log_path[0] != '\0';
}

int journal_fd(void)
{
    return is_usable() ? journal.file.fd : -1;
}

static bool moved_away(void)
{
    struct stat status;
    return sys_stat(log_path, &status) < 0 || status.st_ino != journal.file.inode ||
           status.st_dev != journal.file.device;
}

static void write_all(const char *at, size_t n)
{
    const char *begin = at;
    bool was_torn = journal.torn;
    journal.torn = false;
    while (n > 0) {
        ssize_t written = sys_write(journal.file.fd, at, n);
        if (written == -EINTR)
            continue;
        if (written <= 0) {
            complain("writing", (int)written);
            journal.torn = at == begin ? was_torn : at[-1] != '\n';
            return;
        }
        at += written;
        n -= (size_t)written;
    }
}

/* A file that can't be made anew (rights given up since) goes on where it was moved to. */
void journal_flush(void)
{
    if (journal.n == 0)
        return;
    bool usable = is_usable();
    if (!usable || moved_away()) {
        int error = open_file();
        if (error < 0 && !usable)
            complain("opening", error);
    }
    if (journal.file.fd >= 0)
        write_all(journal.buffer + !journal.torn, journal.n + journal.torn);
    journal.n = 0;
}

void journal_forget(void)
{
    journal.n = 0;
    journal.torn = false;
}

static void put_key(struct writer *w, const char *key)
{
    put_string(w, ",\"");
    put_string(w, key);
    put_string(w, "\":");
}

static void put_text(struct writer *w, const char *key, struct bytes text)
{
    put_key(w, key);
    put_char(w, '"');
    put_json(w, text);
    put_char(w, '"');
}

static void put_number(struct writer *w, const char *key, int64_t number)
{
    put_key(w, key);
    put_i64(w, number);
}

static void put_timers(struct writer *w, const struct event *event)
{
    const struct timer *timer = event_timers(event);
    put_key(w, "timers");
    put_char(w, '{');
    for (uint32_t i = 0; i < event->timers; i++) {
        put_string(w, i == 0 ? "\"" : ",\"");
        put_json(w, label_text(&names.timers, timer[i].label));
        put_string(w, "\":{\"time_us\":");
        put_u64(w, timer[i].time_us);
        put_number(w, "count", timer[i].count);
        put_char(w, '}');
    }
    put_char(w, '}');
}

static void put_line(struct writer *w, const struct event *event, struct bytes app,
                     struct bytes host)
{
    static const char *const outcomes[] = {"done", "aborted", "down"};
    uint64_t wall_less_clock = clock_wall_ns() - clock_now_ns();
    put_string(w, "{\"request_id\":\"");
    put_json(w, event_id(event));
    put_char(w, '"');
    put_text(w, "app", app);
    put_text(w, "host", host);
    put_number(w, "pid", process.pid);
    put_number(w, "tid", event->tid);
    put_text(w, "label", label_text(&names.labels, event->label));
    put_text(w, "action", label_text(&names.actions, event->action));
    put_number(w, "status", event->status);
    put_number(w, "start_us", (int64_t)((event->start_ns + wall_less_clock) / 1000));
    put_number(w, "req_time_us", (int64_t)(event->duration_ns / 1000));
    put_text(w, "outcome", bytes_of(outcomes[event->outcome]));
    put_timers(w, event);
    put_string(w, "}\n");
}

/* The buffer's first byte is always a newline: the end of a line that a full disk tore. */
static bool make_buffer(void)
{
    if (journal.buffer == NULL) {
        journal.buffer = sys_pages(BUFFER_BYTES);
        if (journal.buffer != NULL)
            journal.buffer[0] = '\n';
    }
    return journal.buffer != NULL;
}

void journal_add(const struct event *event, struct bytes app, struct bytes host)
{
    if (!make_buffer())
        return;
    for (int attempt = 0; attempt < 2; attempt++) {
        struct writer w = writer_on(journal.buffer + 1, BUFFER_BYTES - 1);
        w.n = journal.n;
        put_line(&w, event, app, host);
        if (!w.full) {
            journal.n = w.n;
            return;
        }
        journal_flush();
    }
}
