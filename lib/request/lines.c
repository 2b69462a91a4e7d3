#include "request/lines.h"

#include <stdlib.h>

#include "metric/label.h"
#include "request/names.h"
#include "request/phrases.h"

void lines_begin(struct lines *lines, const struct config *config)
{
    phrases_forget();
    lines->codec = codec_of(config->protocol);
    lines->in_ms = config->time_unit == UNIT_MS;
    lines->upstream_prefixes = config->upstream_prefixes;
    lines->app_bytes = label_clean_name(lines->app, sizeof lines->app, config->app);
    lines->host_bytes = label_clean_name(lines->host, sizeof lines->host, config->my_host);
}

static struct bytes app(const struct lines *lines)
{
    return (struct bytes){lines->app, lines->app_bytes};
}

static struct bytes host(const struct lines *lines)
{
    return (struct bytes){lines->host, lines->host_bytes};
}

/* One line, its key in pieces; all of it or nothing. */
static void put_line(const struct lines *lines, struct writer *w, const struct bytes *piece,
                     size_t pieces, uint64_t value, enum metric_kind kind)
{
    struct writer before = *w;
    w->full = false;
    for (size_t i = 0; i < pieces; i++)
        put_bytes(w, piece[i]);
    lines->codec->value(w, (int64_t)value, kind);
    if (w->full)
        w->n = before.n;
    w->full |= before.full;
}

#define LINE(lines, w, value, kind, ...)                                                           \
    put_line((lines), (w), (const struct bytes[]){__VA_ARGS__},                                    \
             sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes), (value), (kind))

/* The subjects of most lines: each names a phrase, the line that counts one of it. */
#define APP_REQUESTS        (0ull << 61)
#define HOST_REQUESTS       (1ull << 61)
#define TYPE_REQUESTS(l, a) (2ull << 61 | (uint64_t)(l) << 16 | (a))
#define APP_STATUS(status)  (3ull << 61 | (uint32_t)(status))
#define HOST_STATUS(status) (4ull << 61 | (uint32_t)(status))

static void put_status_line(const struct lines *lines, struct writer *w, uint64_t subject)
{
    char digits[24];
    struct writer number = writer_on(digits, sizeof digits);
    put_i64(&number, (int32_t)(uint32_t)subject);
    struct bytes text = {digits, number.n};
    if (subject >> 61 == APP_STATUS(0) >> 61)
        LINE(lines, w, 1, METRIC_COUNTER, app(lines), BYTES(".application.byStatusCode."), text);
    else
        LINE(lines, w, 1, METRIC_COUNTER, app(lines), BYTES("."), host(lines),
             BYTES(".byStatusCode."), text);
}

/* The line that counts one of the subject. */
static void put_one(const struct lines *lines, struct writer *w, uint64_t subject)
{
    if (subject == APP_REQUESTS)
        LINE(lines, w, 1, METRIC_COUNTER, app(lines), BYTES(".application.allRequests"));
    else if (subject == HOST_REQUESTS)
        LINE(lines, w, 1, METRIC_COUNTER, app(lines), BYTES("."), host(lines),
             BYTES(".allRequests"));
    else if (subject >> 61 == TYPE_REQUESTS(0, 0) >> 61)
        LINE(lines, w, 1, METRIC_COUNTER, app(lines), BYTES(".application.byRequestType."),
             label_text(&names.labels, (uint16_t)(subject >> 16)), BYTES("."),
             label_text(&names.actions, (uint16_t)subject));
    else
        put_status_line(lines, w, subject);
}

static const struct phrase *phrase_for(const struct lines *lines, uint64_t subject)
{
    struct phrase *phrase = phrase_of(lines, subject);
    if (phrase->n == 0) {
        struct writer w = writer_on(phrase->at, sizeof phrase->at);
        put_one(lines, &w, subject);
        phrase->n = (uint16_t)w.n;
        phrase->key_bytes = (uint16_t)((const char *)memchr(w.at, ':', w.n) - w.at);
    }
    return phrase;
}

static void put_count(const struct lines *lines, struct writer *w, uint64_t subject, uint64_t count)
{
    const struct phrase *phrase = phrase_for(lines, subject);
    if (count == 1)
        put_bytes(w, (struct bytes){phrase->at, phrase->n});
    else
        LINE(lines, w, count, METRIC_COUNTER, (struct bytes){phrase->at, phrase->key_bytes});
}

static void put_time(const struct lines *lines, struct writer *w, uint64_t subject, uint64_t time)
{
    const struct phrase *phrase = phrase_for(lines, subject);
    LINE(lines, w, time, METRIC_TIMER, (struct bytes){phrase->at, phrase->key_bytes});
}

void lines_started(const struct lines *lines, struct writer *w, uint16_t label, uint16_t action,
                   uint64_t count)
{
    put_count(lines, w, APP_REQUESTS, count);
    put_count(lines, w, HOST_REQUESTS, count);
    put_count(lines, w, TYPE_REQUESTS(label, action), count);
}

void lines_status(const struct lines *lines, struct writer *w, int status, uint64_t count)
{
    put_count(lines, w, APP_STATUS(status), count);
    put_count(lines, w, HOST_STATUS(status), count);
}

/* One upstream label of a request, and the prefix it counts under. */
struct upstream {
    struct bytes label, prefix;
    uint64_t time_us;
};

/* The first configured prefix that matches; without any configured, the label's first part. False
 * if none matches. */
static bool find_prefix(const struct lines *lines, struct bytes label, struct bytes *prefix)
{
    struct bytes rest = lines->upstream_prefixes;
    if (rest.n == 0) {
        *prefix = bytes_cut(&label, '.');
        return true;
    }
    while (rest.at != NULL) {
        *prefix = bytes_trim(bytes_cut(&rest, ','));
        if (prefix->n > 0 && bytes_start_with(label, *prefix))
            return true;
    }
    return false;
}

static int compare_bytes(struct bytes a, struct bytes b)
{
    int order = memcmp(a.at, b.at, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_prefix_and_label(const void *a, const void *b)
{
    const struct upstream *x = a, *y = b;
    int order = compare_bytes(x->prefix, y->prefix);
    return order != 0 ? order : compare_bytes(x->label, y->label);
}

static size_t list_upstreams(const struct lines *lines, const struct event *event,
                             struct upstream *list)
{
    const struct event_timer *timer = event_timer_list(event);
    size_t n = 0;
    for (uint32_t i = 0; i < event->timers; i++) {
        list[n].label = label_text(&names.timers, timer[i].label);
        list[n].time_us = timer[i].time_us;
        if (find_prefix(lines, list[n].label, &list[n].prefix))
            n++;
    }
    qsort(list, n, sizeof *list, by_prefix_and_label);
    return n;
}

static uint64_t in_unit(const struct lines *lines, uint64_t time_us)
{
    return lines->in_ms ? time_us / 1000 : time_us;
}

/* The time summed over the upstreams from `*at` that share its prefix; `*at` moves past them. */
static uint64_t sum_prefix(const struct upstream *list, size_t n, size_t *at)
{
    struct bytes prefix = list[*at].prefix;
    uint64_t sum = 0;
    for (; *at < n && bytes_equal(list[*at].prefix, prefix); ++*at)
        sum += list[*at].time_us;
    return sum;
}

static void put_upstreams(const struct lines *lines, struct writer *w, const struct event *event)
{
    struct upstream list[EVENT_TIMERS];
    size_t n = list_upstreams(lines, event, list);
    for (size_t i = 0; i < n;) {
        struct bytes prefix = list[i].prefix;
        LINE(lines, w, in_unit(lines, sum_prefix(list, n, &i)), METRIC_TIMER, app(lines),
             BYTES(".upstreamRequests."), prefix);
    }
    for (size_t i = 0; i < n; i++)
        LINE(lines, w, in_unit(lines, list[i].time_us), METRIC_TIMER, app(lines),
             BYTES(".upstreamRequests."), list[i].label);
    for (size_t i = 0; i < n;) {
        struct bytes prefix = list[i].prefix;
        LINE(lines, w, in_unit(lines, sum_prefix(list, n, &i)), METRIC_TIMER, app(lines),
             BYTES(".application.byRequestType."), label_text(&names.labels, event->label),
             BYTES("."), label_text(&names.actions, event->action), BYTES(".upstreamRequests."),
             prefix);
    }
}

void lines_times(const struct lines *lines, struct writer *w, const struct event *event)
{
    uint64_t time = in_unit(lines, event->duration_ns / 1000);
    put_time(lines, w, APP_REQUESTS, time);
    put_time(lines, w, HOST_REQUESTS, time);
    put_time(lines, w, TYPE_REQUESTS(event->label, event->action), time);
    if (event->timers > 0)
        put_upstreams(lines, w, event);
}

void lines_own(const struct lines *lines, struct writer *w, const char *name, uint64_t count)
{
    LINE(lines, w, count, METRIC_COUNTER, app(lines), BYTES(".stats_hero."), bytes_of(name));
}
