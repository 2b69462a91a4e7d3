#ifndef STATS_HERO_H
#define STATS_HERO_H

/*
 * stats_hero: what a program under libstatshero.so can tell it of its own requests, and ask it.
 *
 * A request is a worker: it has an id, a label and an action, cumulative timers, append logs, and an
 * owner thread. It is started, is added to from any thread, is reported with a status, and is
 * stopped. When its owner ends first it is DOWN: its entries are removed, one line is logged, and no
 * end is reported.
 *
 * A program that includes this header needs no library: it is linked as it is, and every function is
 * a weak reference. Without the shim each call returns -ENOSYS (0 entries, 0 threads where it counts
 * something) and costs one branch.
 *
 * Every function may be called from any thread, in any order. None may be called from a signal
 * handler that interrupted another one: that call returns -EDEADLK. None touches errno. Errors are
 * negative errno values:
 *
 *   -ENOSYS    the shim is not there, or not active in this program
 *   -ENOENT    no request has this id
 *   -EINVAL    an argument can't be used; each function says which
 *   -ENOMEM    no memory
 *   -EAGAIN    somebody has held what this call needs for a quarter of a second
 *   -EDEADLK   called from a signal handler that interrupted another call
 *
 * A request id is STATS_HERO_ID_BYTES long at most, of any bytes; `request_id_bytes` is its length, or
 * STATS_HERO_STRING where it ends with a NUL. Labels, actions and applications are strings; in what
 * is sent each byte outside A-Z a-z 0-9 _ - is written as `_` (in timer labels and applications `.`
 * stays), an empty one is `_`, and what is longer than STATS_HERO_LABEL_BYTES is cut (applications at
 * 128 bytes). Of labels, actions
 * and timers the setting STATS_HERO_MAX_LABELS (200) different ones each are kept in a process, and
 * STATS_HERO_TIMERS timers in a request; those past it are `other`.
 */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A reference that a position-dependent program (-no-pie) leaves to the loader, too: without this the
 * linker, which finds nobody who defines it, settles on NULL, shim or no shim. */
#ifdef __has_attribute
#if __has_attribute(noplt)
#define STATS_HERO_NOPLT
#endif
#endif

#ifdef STATS_HERO_SHIM /* the shim itself, which defines them */
#define STATS_HERO_API __attribute__((visibility("default")))
#elif defined(STATS_HERO_NOPLT)
#define STATS_HERO_API __attribute__((weak, noplt))
#else
#define STATS_HERO_API __attribute__((weak))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define STATS_HERO_ID_BYTES    128
#define STATS_HERO_LABEL_BYTES 64
#define STATS_HERO_STRING      ((size_t)-1)
#define STATS_HERO_LOG_BYTES   65536 /* in the append logs of one request */
#define STATS_HERO_PAYLOAD_BYTES 1048576 /* of one stats_hero_send */
#define STATS_HERO_TIMERS      255   /* labels of timers in one request, `other` the last of them */

/* What a request starts with. All strings are copied. */
struct stats_hero_config {
    const char *my_app;            /* required: the first part of every key */
    const char *request_label;     /* required */
    const char *request_action;    /* required */
    const char *request_id;        /* required: 1 to STATS_HERO_ID_BYTES bytes */
    size_t request_id_bytes;       /* its length, or STATS_HERO_STRING */
    const char *upstream_prefixes; /* required: separated by commas, in the order in which they are
                                      tried; "": none */
    pid_t parent;                  /* the owner thread, by its thread id; 0: the caller */
};

/*
 * Starts a request: its start metrics are queued, and from now on it is found by its id and its time
 * runs. Of two live requests with one id the newer one is found; when it ends, the older one again.
 * 0, or
 *   -EINVAL        a required string is NULL, and then `*missing` (unless `missing` is NULL) is its
 *                  name, such as "my_app", a constant; or the id is empty
 *   -ENAMETOOLONG  the id is over STATS_HERO_ID_BYTES, or application and prefixes over 1,000 bytes
 *   -ENOSPC        over 255 different pairs of application and prefixes, or 1,048,576 live requests
 *                  (or no memory for one more)
 *   -ESRCH         `parent` is no thread of this process
 *   -ENOMEM
 */
STATS_HERO_API int stats_hero_start(const struct stats_hero_config *config, const char **missing);

enum stats_hero_unit { STATS_HERO_MS, STATS_HERO_MICROS };

/*
 * Adds `time` to the request's cumulative timer of this label, and one to its count. Microseconds are
 * kept; they are cut to milliseconds once, where a time is sent. 0, -ENOENT, or -EINVAL: a negative
 * time, another unit, no label, a label that is a log's; or -ENOMEM.
 */
STATS_HERO_API int stats_hero_ctime(const char *request_id, size_t request_id_bytes, const char *label,
                     int64_t time, enum stats_hero_unit unit);

/* The time now, in nanoseconds of CLOCK_MONOTONIC; for STATS_HERO_TIME. 0 without the shim. */
STATS_HERO_API uint64_t stats_hero_now_ns(void);

/*
 * Evaluates `expression` (which has a value: write `(call(), 0)` for one that has none), adds the
 * time that took to the timer `label` of the request whose id is the string `request_id`, and yields
 * the expression's value. The value comes whether the request is known or not. An exception, or a
 * jump out of the expression, passes and records nothing.
 */
#define STATS_HERO_TIME(request_id, label, expression)                                             \
    STATS_HERO_TIME_IN(__COUNTER__, request_id, label, expression)

/* Variables of their own for each use, so that uses may stand inside each other. */
#define STATS_HERO_TIME_IN(number, request_id, label, expression)                                  \
    STATS_HERO_TIME_NUMBERED(number, request_id, label, expression)
#define STATS_HERO_TIME_NUMBERED(number, request_id, label, expression)                            \
    STATS_HERO_TIME_AS(stats_hero_began_##number, stats_hero_value_##number, request_id, label,    \
                       expression)
#define STATS_HERO_TIME_AS(began, value, request_id, label, expression)                            \
    __extension__({                                                                                \
        uint64_t began = stats_hero_now_ns();                                                      \
        __typeof__(expression) value = (expression);                                               \
        stats_hero_ctime((request_id), STATS_HERO_STRING, (label),                                 \
                         (int64_t)((stats_hero_now_ns() - began) / 1000), STATS_HERO_MICROS);      \
        value;                                                                                     \
    })

/*
 * Appends `n` bytes to the request's log of this label. 0, -ENOENT, or -EINVAL: no label, a label
 * that is a timer's; -ENOSPC: over STATS_HERO_LOG_BYTES, and then nothing is appended; or -ENOMEM.
 */
STATS_HERO_API int stats_hero_alog(const char *request_id, size_t request_id_bytes, const char *label,
                    const void *message, size_t n);

/*
 * Copies the request's log of this label, whatever was appended in turn, to `room` bytes at `to`, as
 * far as it fits. Returns the log's size, which may be larger than `room`: 0 for a label that is no
 * log; -ENOENT; -EINVAL: no label.
 */
STATS_HERO_API ssize_t stats_hero_read_alog(const char *request_id, size_t request_id_bytes, const char *label,
                             void *to, size_t room);

enum stats_hero_detail {
    STATS_HERO_AGG,    /* the timers summed by upstream prefix */
    STATS_HERO_NO_AGG, /* each timer */
    STATS_HERO_ALL     /* both */
};

/* The first entry of a snapshot is "req_time": the request's time, with a count of 0. */
struct stats_hero_entry {
    char label[STATS_HERO_LABEL_BYTES + 1];
    uint64_t time_us;
    uint64_t count;
};

/* The time as the original gives it: whole milliseconds. */
static inline int64_t stats_hero_entry_ms(const struct stats_hero_entry *entry)
{
    return (int64_t)(entry->time_us / 1000);
}

/*
 * Writes the request's metrics to `entry`, as many as fit in `room`. The request's time runs until it
 * is reported, and then is the one that was reported. Returns how many entries there are, which may
 * be more than `room` (511 at most: STATS_HERO_TIMERS, as many prefixes, and one); 0 for an unknown id
 * and without the shim; -EINVAL: another detail.
 */
STATS_HERO_API int stats_hero_snapshot(const char *request_id, size_t request_id_bytes,
                        enum stats_hero_detail detail, struct stats_hero_entry *entry, size_t room);

/*
 * Queues the request's end metrics: the status, its time from its start to this call, its timers.
 * The request stays until it is stopped: a second report sends its own, with the timers added
 * since. 0, -ENOENT, -ENOMEM, or -EPERM: the shim itself saw this request on a connection, and reports it
 * at the end of its response.
 */
STATS_HERO_API int stats_hero_report_metrics(const char *request_id, size_t request_id_bytes, int status);

/* Ends the request, without reporting it. 0, -ENOENT, or -EPERM as above. */
STATS_HERO_API int stats_hero_stop_worker(const char *request_id, size_t request_id_bytes);

/*
 * Makes the thread (by its thread id; 0: the caller) the request's owner, whose end is watched. 0,
 * -ENOENT, -ESRCH: no thread of this process; -ENOMEM.
 */
STATS_HERO_API int stats_hero_reparent(const char *request_id, size_t request_id_bytes, pid_t thread);

/*
 * Removes every request that the thread (0: the caller) owns, as if each was stopped; one that the
 * shim itself saw can't be looked up any more, and is still reported. 0, or -ENOENT: it owns none.
 */
STATS_HERO_API int stats_hero_clean_worker_data(pid_t thread);

/*
 * Watches a thread (0: the caller) from now on: when it ends, however it ends, its requests are
 * DOWN. Threads that start or serve requests are watched anyway. 0, -ESRCH, -ENOMEM.
 */
STATS_HERO_API int stats_hero_monitor_register(pid_t thread);

/* How many requests are live: those started here and those that the shim saw. */
STATS_HERO_API size_t stats_hero_monitor_registered_count(void);

/*
 * Sends `n` bytes (or STATS_HERO_STRING) of metric lines ("KEY:VALUE|TYPE\n" each) by one of the pool's senders, or by sender
 * number `sender` of them (0 to UDP_SOCKET_POOL_SIZE - 1). The protocol's header is added. What is
 * over DATAGRAM_BYTES is split between lines. Waits until the background thread has sent it, a second
 * at most, and two more where the receiver keeps it waiting. 0, or
 *   -EMSGSIZE      a line is over a datagram: the other lines were sent
 *   -EINVAL        no payload, one over STATS_HERO_PAYLOAD_BYTES, or no such sender
 *   -EHOSTUNREACH  the receiver's name can't be resolved
 *   -ETIMEDOUT     the background thread did not come to it in time: nothing was sent
 *   -EINPROGRESS   it is being sent since
 *   -EAGAIN        the background thread can't be started
 *   -ENOMEM, or what the kernel said (-ENETUNREACH, -ENOENT and -ECONNREFUSED of a unix: socket …):
 *                  nothing was sent, or of a payload of over 32 datagrams the first ones alone. That
 *                  a UDP port is closed is no error: it is counted.
 */
STATS_HERO_API int stats_hero_send(const char *payload, size_t n);
STATS_HERO_API int stats_hero_send_to(unsigned sender, const char *payload, size_t n);

#ifdef __cplusplus
}
#endif

/*
 * Each call asks whether the function is there; STATS_HERO_ADDRESS(stats_hero_ctime) is NULL if not.
 * clang has no `noplt`: with it a position-dependent program reads the address where the loader
 * writes it.
 */
#ifndef STATS_HERO_SHIM
#if defined(STATS_HERO_NOPLT) || defined(__PIC__)
#define STATS_HERO_ADDRESS(function) (&function)
#elif defined(__x86_64__)
#define STATS_HERO_ADDRESS(function) STATS_HERO_READ(function, "movq " #function "@GOTPCREL(%%rip), %0")
#elif defined(__aarch64__)
#define STATS_HERO_ADDRESS(function)                                                               \
    STATS_HERO_READ(function, "adrp %0, :got:" #function "\n\tldr %0, [%0, :got_lo12:" #function "]")
#else
#define STATS_HERO_ADDRESS(function) (&function)
#endif
#define STATS_HERO_READ(function, instructions)                                                    \
    __extension__({                                                                                \
        __typeof__(&function) stats_hero_address;                                                  \
        __asm__(".weak " #function "\n\t" instructions : "=r"(stats_hero_address));                \
        stats_hero_address;                                                                        \
    })
#define STATS_HERO_CALL(without, function, ...)                                                    \
    __extension__({                                                                                \
        STATS_HERO_ADDRESS(function) ? STATS_HERO_ADDRESS(function)(__VA_ARGS__) : (without);      \
    })
#define STATS_HERO_CALL_NOTHING(function)                                                          \
    __extension__({ STATS_HERO_ADDRESS(function) ? STATS_HERO_ADDRESS(function)() : 0; })
#define stats_hero_start(...)          STATS_HERO_CALL(-ENOSYS, stats_hero_start, __VA_ARGS__)
#define stats_hero_ctime(...)          STATS_HERO_CALL(-ENOSYS, stats_hero_ctime, __VA_ARGS__)
#define stats_hero_now_ns()            STATS_HERO_CALL_NOTHING(stats_hero_now_ns)
#define stats_hero_alog(...)           STATS_HERO_CALL(-ENOSYS, stats_hero_alog, __VA_ARGS__)
#define stats_hero_read_alog(...)      STATS_HERO_CALL(-ENOSYS, stats_hero_read_alog, __VA_ARGS__)
#define stats_hero_snapshot(...)       STATS_HERO_CALL(0, stats_hero_snapshot, __VA_ARGS__)
#define stats_hero_report_metrics(...) STATS_HERO_CALL(-ENOSYS, stats_hero_report_metrics, __VA_ARGS__)
#define stats_hero_stop_worker(...)    STATS_HERO_CALL(-ENOSYS, stats_hero_stop_worker, __VA_ARGS__)
#define stats_hero_reparent(...)       STATS_HERO_CALL(-ENOSYS, stats_hero_reparent, __VA_ARGS__)
#define stats_hero_clean_worker_data(...)                                                          \
    STATS_HERO_CALL(-ENOSYS, stats_hero_clean_worker_data, __VA_ARGS__)
#define stats_hero_monitor_register(...)                                                           \
    STATS_HERO_CALL(-ENOSYS, stats_hero_monitor_register, __VA_ARGS__)
#define stats_hero_monitor_registered_count()                                                      \
    STATS_HERO_CALL_NOTHING(stats_hero_monitor_registered_count)
#define stats_hero_send(...)    STATS_HERO_CALL(-ENOSYS, stats_hero_send, __VA_ARGS__)
#define stats_hero_send_to(...) STATS_HERO_CALL(-ENOSYS, stats_hero_send_to, __VA_ARGS__)
#endif

#endif
