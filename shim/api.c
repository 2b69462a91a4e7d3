/* api: the public functions. Each is the same: raise the guard, ask lib/, lower the guard. */
#define STATS_HERO_SHIM
#include "stats_hero.h"

#include "base/clock.h"
#include "guard.h"
#include "life.h"
#include "metric/metric.h"
#include "request/alog.h"
#include "request/id.h"
#include "request/monitor.h"
#include "request/request.h"
#include "send/sender.h"

_Static_assert(STATS_HERO_ID_BYTES == REQUEST_ID_BYTES, "as it says");
_Static_assert(STATS_HERO_LABEL_BYTES == LABEL_BYTES, "as it says");
_Static_assert(STATS_HERO_LOG_BYTES == ALOG_BYTES, "as it says");
_Static_assert(STATS_HERO_TIMERS == TIMERS_MOST, "as it says");
_Static_assert((int)STATS_HERO_ALL == (int)SNAPSHOT_ALL, "as it says");

/* 0: the guard is up and the call may go on. */
static int come_in(void)
{
    if (!life_active())
        return -ENOSYS;
    if (guard_up)
        return -EDEADLK;
    guard_raise();
    if (monitor_ready())
        return 0;
    guard_lower();
    return -ENOMEM;
}

#define WITH_GUARD(call)                                                                           \
    ({                                                                                             \
        __typeof__(call) result = come_in();                                                       \
        if (result == 0) {                                                                         \
            result = (call);                                                                       \
            guard_lower();                                                                         \
        }                                                                                          \
        result;                                                                                    \
    })

static struct bytes text_of(const char *id, size_t n)
{
    if (id == NULL)
        return BYTES("");
    return n == STATS_HERO_STRING ? bytes_of(id) : (struct bytes){id, n};
}

static const char *missing_key(const struct stats_hero_config *config)
{
    return config->my_app == NULL              ? "my_app"
           : config->request_label == NULL     ? "request_label"
           : config->request_action == NULL    ? "request_action"
           : config->request_id == NULL        ? "request_id"
           : config->upstream_prefixes == NULL ? "upstream_prefixes"
                                               : NULL;
}

int stats_hero_start(const struct stats_hero_config *config, const char **missing)
{
    const char *key = config == NULL ? "config" : missing_key(config);
    if (missing != NULL)
        *missing = key;
    if (key != NULL)
        return -EINVAL;
    struct request_start start = {
        .app = bytes_of(config->my_app),
        .label = bytes_of(config->request_label),
        .action = bytes_of(config->request_action),
        .id = text_of(config->request_id, config->request_id_bytes),
        .prefixes = bytes_of(config->upstream_prefixes),
        .parent = config->parent,
    };
    return WITH_GUARD(request_start(&start));
}

int stats_hero_ctime(const char *request_id, size_t request_id_bytes, const char *label,
                     int64_t time, enum stats_hero_unit unit)
{
    if (label == NULL || time < 0 || (unit != STATS_HERO_MS && unit != STATS_HERO_MICROS))
        return -EINVAL;
    uint64_t us = (uint64_t)time;
    if (unit == STATS_HERO_MS)
        us = time > INT64_MAX / 1000 ? INT64_MAX : us * 1000;
    return WITH_GUARD(request_add_time(text_of(request_id, request_id_bytes), bytes_of(label), us));
}

uint64_t stats_hero_now_ns(void)
{
    return clock_monotonic_ns();
}

int stats_hero_alog(const char *request_id, size_t request_id_bytes, const char *label,
                    const void *message, size_t n)
{
    if (label == NULL || (message == NULL && n > 0))
        return -EINVAL;
    return WITH_GUARD(request_append(text_of(request_id, request_id_bytes), bytes_of(label),
                                     (struct bytes){message, n}));
}

ssize_t stats_hero_read_alog(const char *request_id, size_t request_id_bytes, const char *label,
                             void *to, size_t room)
{
    if (label == NULL || (to == NULL && room > 0))
        return -EINVAL;
    struct writer w = writer_on(to, room);
    return WITH_GUARD(request_read_log(text_of(request_id, request_id_bytes), bytes_of(label), &w));
}

struct entries {
    struct stats_hero_entry *entry;
    size_t room, n;
};

static void put_entry(void *context, struct bytes name, uint64_t time_us, uint64_t count)
{
    struct entries *entries = context;
    size_t at = entries->n++;
    if (at >= entries->room)
        return;
    struct stats_hero_entry *entry = &entries->entry[at];
    size_t n = name.n < STATS_HERO_LABEL_BYTES ? name.n : STATS_HERO_LABEL_BYTES;
    memcpy(entry->label, name.at, n);
    entry->label[n] = '\0';
    entry->time_us = time_us;
    entry->count = count;
}

static int take_snapshot(struct bytes id, enum snapshot_detail detail, struct entries *entries)
{
    struct snapshot snapshot;
    int error = request_snapshot(id, &snapshot);
    if (error < 0)
        return error == -ENOENT ? 0 : error;
    snapshot_tell(&snapshot, detail, put_entry, entries);
    return (int)entries->n;
}

int stats_hero_snapshot(const char *request_id, size_t request_id_bytes,
                        enum stats_hero_detail detail, struct stats_hero_entry *entry, size_t room)
{
    struct entries entries = {entry, room, 0};
    if (!life_active())
        return 0;
    if (detail > STATS_HERO_ALL || (entry == NULL && room > 0))
        return -EINVAL;
    return WITH_GUARD(take_snapshot(text_of(request_id, request_id_bytes),
                                    (enum snapshot_detail)detail, &entries));
}

int stats_hero_report_metrics(const char *request_id, size_t request_id_bytes, int status)
{
    return WITH_GUARD(request_report(text_of(request_id, request_id_bytes), status));
}

int stats_hero_stop_worker(const char *request_id, size_t request_id_bytes)
{
    return WITH_GUARD(request_stop(text_of(request_id, request_id_bytes)));
}

int stats_hero_reparent(const char *request_id, size_t request_id_bytes, pid_t thread)
{
    return WITH_GUARD(request_reparent(text_of(request_id, request_id_bytes), thread));
}

int stats_hero_clean_worker_data(pid_t thread)
{
    return WITH_GUARD(request_clean(thread));
}

int stats_hero_monitor_register(pid_t thread)
{
    return WITH_GUARD(request_watch(thread));
}

size_t stats_hero_monitor_registered_count(void)
{
    return life_active() ? request_count() : 0;
}

static int send_lines(unsigned sender, const char *payload, size_t n)
{
    struct bytes lines = text_of(payload, n);
    return lines.n > STATS_HERO_PAYLOAD_BYTES ? -EINVAL : WITH_GUARD(sender_send(lines, sender));
}

int stats_hero_send(const char *payload, size_t n)
{
    return send_lines(SEND_POOL_ANY, payload, n);
}

int stats_hero_send_to(unsigned sender, const char *payload, size_t n)
{
    return sender == SEND_POOL_ANY ? -EINVAL : send_lines(sender, payload, n);
}
