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

/* What ends a line: its value. */
struct tail {
    size_t n;
    char at[32];
};

static struct tail tail_of(const struct lines *lines, uint64_t value, enum metric_kind kind)
{
    struct tail tail;
    struct writer w = writer_on(tail.at, sizeof tail.at);
    lines->codec->value(&w, (int64_t)value, kind);
    tail.n = w.n;
    return tail;
}

/* Where there is room, a fixed number of bytes costs less than the right one. */
static inline void copy_tail(char *to, size_t room, const struct tail *tail)
{
    if (__builtin_expect(room >= sizeof tail->at, 1))
        memcpy(to, tail->at, sizeof tail->at);
    else
        memcpy(to, tail->at, tail->n);
}

/* A line for each of the phrase's keys, all with the same value; each whole or not at all. */
static void put_phrase(struct writer *w, const struct phrase *phrase, const struct tail *tail)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < phrase->keys; i++) {
        size_t key = phrase->end[i] - from, room = w->size - w->n;
        if (__builtin_expect(room < key + tail->n, 0)) {
            w->full = true;
        } else {
            memcpy(w->at + w->n, phrase->at + from, key);
            copy_tail(w->at + w->n + key, room - key, tail);
            w->n += key + tail->n;
        }
        from = phrase->end[i];
    }
}

static void add_key(struct phrase *phrase, const struct bytes *piece, size_t pieces)
{
    struct writer w = {phrase->at, sizeof phrase->at, phrase->n, false};
    for (size_t i = 0; i < pieces; i++)
        put_bytes(&w, piece[i]);
    phrase->n = (uint32_t)w.n;
    phrase->end[phrase->keys++] = phrase->n;
}

#define KEY(phrase, ...)                                                                           \
    add_key((phrase), (const struct bytes[]){__VA_ARGS__},                                         \
            sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes))

/* Its keys are there. */
static void spell_one(const struct lines *lines, struct phrase *phrase)
{
    struct writer w = writer_on(phrase->at + phrase->n, sizeof phrase->at - phrase->n);
    struct tail tail = tail_of(lines, 1, METRIC_COUNTER);
    put_phrase(&w, phrase, &tail);
    phrase->one_bytes = w.full ? 0 : (uint32_t)w.n;
}

/* What phrases are about. */
#define REQUESTS(label, action) ((uint64_t)(label) << 16 | (action))
#define STATUS(status)          (1ull << 63 | (uint32_t)(status))
#define WHOLE(event)                                                                               \
    (1ull << 62 | (uint64_t)(uint16_t)(event)->status << 32 |                                      \
     REQUESTS((event)->label, (event)->action))

static void add_requests_keys(const struct lines *lines, struct phrase *phrase, uint16_t label,
                              uint16_t action)
{
    KEY(phrase, app(lines), BYTES(".application.allRequests"));
    KEY(phrase, app(lines), BYTES("."), host(lines), BYTES(".allRequests"));
    KEY(phrase, app(lines), BYTES(".application.byRequestType."), label_text(&names.labels, label),
        BYTES("."), label_text(&names.actions, action));
}

/* All requests, and those of one label and action. */
static struct phrase *requests_phrase(const struct lines *lines, uint16_t label, uint16_t action)
{
    struct phrase *phrase = phrase_of(lines, REQUESTS(label, action));
    if (phrase->keys == 0) {
        add_requests_keys(lines, phrase, label, action);
        spell_one(lines, phrase);
    }
    return phrase;
}

static struct phrase *status_phrase(const struct lines *lines, int status)
{
    struct phrase *phrase = phrase_of(lines, STATUS(status));
    if (phrase->keys == 0) {
        char digits[24];
        struct writer number = writer_on(digits, sizeof digits);
        put_i64(&number, status);
        struct bytes text = {digits, number.n};
        KEY(phrase, app(lines), BYTES(".application.byStatusCode."), text);
        KEY(phrase, app(lines), BYTES("."), host(lines), BYTES(".byStatusCode."), text);
        spell_one(lines, phrase);
    }
    return phrase;
}

static void put_counts(const struct lines *lines, struct writer *w, struct phrase *phrase,
                       uint64_t count)
{
    struct bytes one = {phrase->at + phrase->n, phrase->one_bytes};
    if (count == 1 && one.n > 0 && w->size - w->n >= one.n) {
        put_bytes(w, one);
        return;
    }
    struct tail tail = tail_of(lines, count, METRIC_COUNTER);
    put_phrase(w, phrase, &tail);
}

void lines_started(const struct lines *lines, struct writer *w, uint16_t label, uint16_t action,
                   uint64_t count)
{
    put_counts(lines, w, requests_phrase(lines, label, action), count);
}

void lines_status(const struct lines *lines, struct writer *w, int status, uint64_t count)
{
    put_counts(lines, w, status_phrase(lines, status), count);
}

static void put_whole_counts(const struct lines *lines, struct writer *w, const struct event *event)
{
    lines_started(lines, w, event->label, event->action, 1);
    lines_status(lines, w, event->status, 1);
}

/* Its keys are those of the requests, and what it counts is one of them and its status. What it is
 * made from may fall on its own slot: it takes that last. */
static __attribute__((noinline)) struct phrase *spell_whole(const struct lines *lines,
                                                            const struct event *event)
{
    char counts[PHRASE_BYTES];
    struct writer w = writer_on(counts, sizeof counts);
    put_whole_counts(lines, &w, event);
    struct phrase *phrase = phrase_of(lines, WHOLE(event));
    add_requests_keys(lines, phrase, event->label, event->action);
    if (!w.full && w.n <= sizeof phrase->at - phrase->n) {
        memcpy(phrase->at + phrase->n, counts, w.n);
        phrase->one_bytes = (uint32_t)w.n;
    }
    return phrase;
}

static struct phrase *whole_phrase(const struct lines *lines, const struct event *event)
{
    struct phrase *phrase = phrase_of(lines, WHOLE(event));
    return __builtin_expect(phrase->keys > 0, 1) ? phrase : spell_whole(lines, event);
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

/* Behind `one`, unless the request before took as long: fast ones differ little. */
static inline void spell_times(const struct lines *lines, struct phrase *phrase, uint64_t time)
{
    if (__builtin_expect(phrase->time == time && phrase->times_bytes > 0, 1) || phrase->too_long)
        return;
    size_t from = phrase->n + phrase->one_bytes;
    struct writer w = writer_on(phrase->at + from, sizeof phrase->at - from);
    struct tail tail = tail_of(lines, time, METRIC_TIMER);
    put_phrase(&w, phrase, &tail);
    phrase->too_long = w.full;
    phrase->times_bytes = w.full ? 0 : (uint32_t)w.n;
    phrase->time = time;
}

static inline uint64_t time_of(const struct lines *lines, const struct event *event)
{
    return in_unit(lines, event->duration_ns / 1000);
}

static struct bytes kept_times(const struct lines *lines, const struct event *event)
{
    struct phrase *phrase = requests_phrase(lines, event->label, event->action);
    spell_times(lines, phrase, time_of(lines, event));
    return (struct bytes){phrase->at + phrase->n + phrase->one_bytes, phrase->times_bytes};
}

static struct bytes kept_whole(const struct lines *lines, const struct event *event)
{
    if (__builtin_expect((uint32_t)event->status > UINT16_MAX, 0))
        return BYTES("");
    struct phrase *phrase = whole_phrase(lines, event);
    spell_times(lines, phrase, time_of(lines, event));
    if (__builtin_expect(phrase->one_bytes == 0 || phrase->times_bytes == 0, 0))
        return BYTES("");
    return (struct bytes){phrase->at + phrase->n, phrase->one_bytes + phrase->times_bytes};
}

struct bytes lines_kept(const struct lines *lines, const struct event *event, bool whole)
{
    if (event->timers > 0)
        return BYTES("");
    return whole ? kept_whole(lines, event) : kept_times(lines, event);
}

static bool put_if_kept(struct writer *w, struct bytes text)
{
    if (text.n == 0 || w->size - w->n < text.n)
        return false;
    put_bytes(w, text);
    return true;
}

/* What is too long to be kept. */
static void put_times(const struct lines *lines, struct writer *w, const struct event *event)
{
    struct tail tail = tail_of(lines, time_of(lines, event), METRIC_TIMER);
    put_phrase(w, requests_phrase(lines, event->label, event->action), &tail);
}

void lines_times(const struct lines *lines, struct writer *w, const struct event *event)
{
    if (!put_if_kept(w, kept_times(lines, event)))
        put_times(lines, w, event);
    if (event->timers > 0)
        put_upstreams(lines, w, event);
}

void lines_whole(const struct lines *lines, struct writer *w, const struct event *event)
{
    if (!put_if_kept(w, kept_whole(lines, event))) {
        put_whole_counts(lines, w, event);
        put_times(lines, w, event);
    }
    if (event->timers > 0)
        put_upstreams(lines, w, event);
}

void lines_own(const struct lines *lines, struct writer *w, const char *name, uint64_t count)
{
    LINE(lines, w, count, METRIC_COUNTER, app(lines), BYTES(".stats_hero."), bytes_of(name));
}
