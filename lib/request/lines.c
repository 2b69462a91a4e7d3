#include "request/lines.h"

#include "metric/label.h"
#include "request/names.h"
#include "request/phrases.h"

void lines_begin(struct lines *lines, const struct config *config)
{
    phrases_forget();
    lines->codec = codec_of(config->protocol);
    lines->in_ms = config->time_unit == UNIT_MS;
    lines->rule = names.rule;
    lines->app_bytes = label_clean_name(lines->app, sizeof lines->app, config->app);
    lines->host_bytes = label_clean_name(lines->host, sizeof lines->host, config->my_host);
}

void lines_begin_scope(struct lines *lines, const struct lines *of_process, struct scope scope)
{
    *lines = *of_process;
    lines->rule = (struct upstream_rule){scope.prefixes, false};
    lines->app_bytes = label_clean_name(lines->app, sizeof lines->app, scope.app);
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

static uint64_t in_unit(const struct lines *lines, uint64_t time_us)
{
    return lines->in_ms ? time_us / 1000 : time_us;
}

static void put_upstreams(const struct lines *lines, struct writer *w, const struct event *event)
{
    struct upstream list[TIMERS_MOST], sum;
    size_t n = upstream_list(&lines->rule, event_timers(event), event->timers, list);
    for (size_t at = 0; upstream_sum(list, n, &at, &sum);)
        LINE(lines, w, in_unit(lines, sum.time_us), METRIC_TIMER, app(lines),
             BYTES(".upstreamRequests."), sum.prefix);
    for (size_t i = 0; i < n; i++)
        LINE(lines, w, in_unit(lines, list[i].time_us), METRIC_TIMER, app(lines),
             BYTES(".upstreamRequests."), list[i].label);
    for (size_t at = 0; upstream_sum(list, n, &at, &sum);)
        LINE(lines, w, in_unit(lines, sum.time_us), METRIC_TIMER, app(lines),
             BYTES(".application.byRequestType."), label_text(&names.labels, event->label),
             BYTES("."), label_text(&names.actions, event->action), BYTES(".upstreamRequests."),
             sum.prefix);
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
