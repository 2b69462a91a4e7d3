#ifndef UNIT_CALLS_H
#define UNIT_CALLS_H

/* calls: what a program may do with requests by their ids, with ids and labels as strings; events
 * stay in the threads' queues (see live.h). */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "live.h"
#include "mortal.h"
#include "request/names.h"
#include "request/request.h"
#include "request/scope.h"

static struct config config;

static inline void calls_begin(void)
{
    live_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    cr_assert_eq(names_begin(&config), 0);
    thread_self();
}

static inline struct request_start start_of(const char *id)
{
    return (struct request_start){
        .app = BYTES("hero"),
        .label = BYTES("nodes"),
        .action = BYTES("PUT"),
        .id = bytes_of(id),
        .prefixes = BYTES("rdbms,couchdb,authz"),
    };
}

static inline int start_for(const char *id, pid_t parent)
{
    struct request_start start = start_of(id);
    start.parent = parent;
    return request_start(&start);
}

static inline int start(const char *id)
{
    return start_for(id, 0);
}

static inline int add_time(const char *id, const char *label, uint64_t time_us)
{
    return request_add_time(bytes_of(id), bytes_of(label), time_us);
}

static inline int append(const char *id, const char *label, const char *message)
{
    return request_append(bytes_of(id), bytes_of(label), bytes_of(message));
}

static inline int report(const char *id, int status)
{
    return request_report(bytes_of(id), status);
}

static inline int stop(const char *id)
{
    return request_stop(bytes_of(id));
}

static inline int reparent(const char *id, pid_t tid)
{
    return request_reparent(bytes_of(id), tid);
}

static inline ssize_t read_log(const char *id, const char *label, struct writer *w)
{
    return request_read_log(bytes_of(id), bytes_of(label), w);
}

static inline void assert_log(const char *id, const char *label, const char *expected)
{
    char text[1000];
    struct writer w = writer_on(text, sizeof text);
    cr_assert_eq(read_log(id, label, &w), (ssize_t)strlen(expected));
    cr_assert(bytes_equal((struct bytes){text, w.n}, bytes_of(expected)), "%.*s", (int)w.n, text);
}

static inline const struct snapshot *snapshot_of(const char *id)
{
    static struct snapshot snapshot;
    cr_assert_eq(request_snapshot(bytes_of(id), &snapshot), 0);
    return &snapshot;
}

static inline struct timer timer_of(const char *id, const char *label)
{
    const struct snapshot *snapshot = snapshot_of(id);
    uint16_t number = label_number(&names.timers, bytes_of(label));
    for (uint32_t i = 0; i < snapshot->timers; i++)
        if (snapshot->timer[i].label == number)
            return snapshot->timer[i];
    return (struct timer){0, 0, 0};
}

static inline pid_t owner_of(const char *id)
{
    struct registry_entry entry;
    return registry_find(bytes_of(id), &entry) == 0 ? entry.tid : 0;
}

/* The next event of the test's own thread. */
static inline const struct event *next(void)
{
    return live_event(thread_self());
}

static inline const struct event *next_end(void)
{
    const struct event *event = next();
    cr_assert_eq(event->kind, EVENT_END);
    return event;
}

static inline void assert_no_more(void)
{
    cr_assert_eq(next()->kind, 0);
}

static inline void assert_text(const struct label_table *table, uint16_t number,
                               const char *expected)
{
    cr_assert(bytes_equal(label_text(table, number), bytes_of(expected)), "%.*s",
              (int)label_text(table, number).n, label_text(table, number).at);
}

/* A thread id that is no thread's of this process. */
static inline pid_t nobody(void)
{
    struct mortal mortal;
    mortal_begin(&mortal);
    mortal_ends(&mortal, BY_RETURN);
    return mortal.tid;
}

static inline void assert_unknown(const char *id)
{
    char room[8];
    struct snapshot snapshot;
    struct writer w = writer_on(room, sizeof room);
    cr_assert_eq(add_time(id, "a", 1), -ENOENT);
    cr_assert_eq(append(id, "a", "x"), -ENOENT);
    cr_assert_eq(read_log(id, "a", &w), -ENOENT);
    cr_assert_eq(report(id, 200), -ENOENT);
    cr_assert_eq(stop(id), -ENOENT);
    cr_assert_eq(reparent(id, 0), -ENOENT);
    cr_assert_eq(reparent(id, nobody()), -ENOENT);
    cr_assert_eq(request_snapshot(bytes_of(id), &snapshot), -ENOENT);
}

#endif
