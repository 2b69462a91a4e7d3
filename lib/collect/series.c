#include "collect/series.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/name.h"

/* The counters that the shim keeps about itself. */
enum own_counter { OWN_DROPPED, OWN_SEND_ERRORS, OWN_DOWN, OWN_COUNTERS };

struct series {
    enum time_unit unit;
    size_t keys;
    size_t bytes; /* taken, about */
    struct keymap counters, timers, statuses, types, upstreams;
    double total;
    double own[OWN_COUNTERS];
    uint64_t ignored;
    uint64_t now_ns, first_ns, last_ns;
    int status;     /* of the request whose end is being read, or STATUS_UNKNOWN */
    uint64_t group; /* number of the request whose timers are being read */
    bool grouped;   /* inside such a request's lines */
};

enum { STATUS_UNKNOWN = -1, STATUS_ERROR = 500 };

#define OTHER      BYTES("other")
#define OTHER_TYPE BYTES("other.other")

static void clear_timer(struct keymap_entry *entry)
{
    histogram_clear(&((struct series_timer *)entry)->us);
}

int series_new(struct series **series, enum time_unit unit, size_t keys)
{
    struct series *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->unit = unit;
    s->keys = keys;
    s->status = STATUS_UNKNOWN;
    s->counters = keymap_of(sizeof(struct series_counter), NULL);
    s->timers = keymap_of(sizeof(struct series_timer), clear_timer);
    s->statuses = keymap_of(sizeof(struct series_counter), NULL);
    s->types = keymap_of(sizeof(struct series_type), clear_timer);
    s->upstreams = keymap_of(sizeof(struct series_upstream), NULL);
    *series = s;
    return 0;
}

void series_free(struct series *series)
{
    if (series == NULL)
        return;
    keymap_clear(&series->counters);
    keymap_clear(&series->timers);
    keymap_clear(&series->statuses);
    keymap_clear(&series->types);
    keymap_clear(&series->upstreams);
    free(series);
}

void series_datagram(struct series *series, uint64_t now_ns)
{
    series->now_ns = now_ns;
    series->status = STATUS_UNKNOWN;
    series->grouped = false;
}

static struct bytes other_of(const struct series *series, const struct keymap *map)
{
    return map == &series->types ? OTHER_TYPE : OTHER;
}

/* The entry of `key`, or of `other` where there is no room for a new one; NULL when out of memory.
 */
static void *entry_of(struct series *series, struct keymap *map, struct bytes key)
{
    struct bytes other = other_of(series, map);
    size_t cost = keymap_cost(map, key);
    void *entry = keymap_find(map, key);
    if (entry != NULL)
        return entry;
    bool room = map->n < series->keys && series->bytes + cost <= SERIES_BYTES;
    if (!room && !bytes_equal(key, other))
        return entry_of(series, map, other);
    entry = keymap_add(map, key);
    if (entry != NULL)
        series->bytes += cost;
    return entry;
}

static void add_sum(struct series *series, struct keymap *map, struct bytes key, double value,
                    bool foreign)
{
    struct series_counter *counter = entry_of(series, map, key);
    if (counter == NULL)
        return;
    counter->sum += value;
    counter->foreign = foreign;
}

/* Adds a time under `key`, or under `other` where the key's histogram has no room to grow. */
static struct series_timer *add_time(struct series *series, struct keymap *map, struct bytes key,
                                     uint64_t us)
{
    struct series_timer *timer = entry_of(series, map, key);
    if (timer == NULL)
        return NULL;
    size_t cost = histogram_cost(&timer->us, us);
    if (cost > 0 && series->bytes + cost > SERIES_BYTES)
        timer = entry_of(series, map, other_of(series, map));
    if (timer == NULL || histogram_add(&timer->us, us) != 0)
        return NULL;
    series->bytes += cost;
    return timer;
}

static void saw_request(struct series *series)
{
    if (series->first_ns == 0)
        series->first_ns = series->now_ns;
    series->last_ns = series->now_ns;
}

static int read_status(struct bytes code)
{
    uint64_t status;
    if (bytes_to_u64(code, &status) != 0)
        return STATUS_UNKNOWN;
    return status > STATUS_ERROR ? STATUS_ERROR : (int)status;
}

static bool failed(int status)
{
    return status == 0 || status >= STATUS_ERROR;
}

static void count_started(struct series *series, struct bytes part, double value)
{
    struct series_type *type = entry_of(series, &series->types, part);
    if (type != NULL)
        type->started += value;
}

static void count_request(struct series *series, struct name name, double value)
{
    if (name.kind == NAME_ALL) {
        series->total += value;
        saw_request(series);
    } else if (name.kind == NAME_STATUS) {
        add_sum(series, &series->statuses, name.part, value, false);
    } else if (name.kind == NAME_TYPE) {
        count_started(series, name.part, value);
    } else if (name.kind >= NAME_DROPPED) {
        series->own[OWN_DROPPED + (int)(name.kind - NAME_DROPPED)] += value;
    }
}

static void add_counter(struct series *series, const struct line *line, struct name name)
{
    double value = line->value / line->rate;
    add_sum(series, &series->counters, line->key, value, name.kind == NAME_FOREIGN);
    count_request(series, name, value);
    if (name.kind == NAME_STATUS && value == 1)
        series->status = read_status(name.part);
    else if (name.kind != NAME_HOST_STATUS)
        series->status = STATUS_UNKNOWN;
}

static void end_request(struct series *series, struct bytes part, uint64_t us)
{
    struct series_type *type = (struct series_type *)add_time(series, &series->types, part, us);
    if (type != NULL) {
        type->unknown += series->status == STATUS_UNKNOWN;
        type->errors += failed(series->status);
    }
    series->status = STATUS_UNKNOWN;
}

static void add_upstream(struct series *series, struct bytes part, uint64_t us)
{
    struct series_upstream *upstream = entry_of(series, &series->upstreams, part);
    if (upstream == NULL || (series->grouped && upstream->group == series->group))
        return;
    upstream->count++;
    upstream->time_us += (double)us;
    upstream->group = series->group;
}

static uint64_t microseconds(const struct series *series, double value)
{
    double us = series->unit == UNIT_MS ? value * 1000 : value;
    if (us <= 0)
        return 0;
    return us >= 0x1p64 ? UINT64_MAX : (uint64_t)(us + 0.5);
}

static void add_timer(struct series *series, const struct line *line, struct name name)
{
    uint64_t us = microseconds(series, line->value);
    struct series_timer *timer = add_time(series, &series->timers, line->key, us);
    if (timer != NULL)
        timer->foreign = name.kind == NAME_FOREIGN;
    if (name.kind == NAME_ALL) {
        series->group++;
        series->grouped = true;
        saw_request(series);
    } else if (name.kind == NAME_TYPE) {
        end_request(series, name.part, us);
    } else if (name.kind == NAME_UPSTREAM) {
        add_upstream(series, name.part, us);
    }
}

void series_add(void *series, const struct line *line)
{
    struct series *s = series;
    struct name name = name_read(line->key);
    if (line->kind == LINE_COUNTER)
        add_counter(s, line, name);
    else if (line->kind == LINE_TIMER)
        add_timer(s, line, name);
    else
        s->ignored++;
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = (*(struct series_type *const *)a)->timer.us.count;
    uint64_t y = (*(struct series_type *const *)b)->timer.us.count;
    return x != y ? (x < y) - (x > y) : keymap_by_key(a, b);
}

static int by_time(const void *a, const void *b)
{
    double x = (*(struct series_upstream *const *)a)->time_us;
    double y = (*(struct series_upstream *const *)b)->time_us;
    return x != y ? (x < y) - (x > y) : keymap_by_key(a, b);
}

static void sum_up(struct series_view *view)
{
    for (struct series_type **type = view->types; *type != NULL; type++)
        view->ended += (*type)->timer.us.count;
    for (struct series_counter **status = view->statuses; *status != NULL; status++)
        view->errors += failed(read_status((*status)->entry.key)) ? (*status)->sum : 0;
}

int series_view(const struct series *series, struct series_view *view)
{
    double seconds = (double)(series->last_ns - series->first_ns) / 1e9;
    *view = (struct series_view){
        .counters = keymap_sorted(&series->counters, NULL),
        .timers = keymap_sorted(&series->timers, NULL),
        .statuses = keymap_sorted(&series->statuses, NULL),
        .types = keymap_sorted(&series->types, by_count),
        .upstreams = keymap_sorted(&series->upstreams, by_time),
        .total = series->total,
        .seconds = seconds < 1 ? 1 : seconds,
        .dropped = series->own[OWN_DROPPED],
        .send_errors = series->own[OWN_SEND_ERRORS],
        .down = series->own[OWN_DOWN],
        .ignored = series->ignored,
    };
    if (view->counters == NULL || view->timers == NULL || view->statuses == NULL ||
        view->types == NULL || view->upstreams == NULL) {
        series_view_free(view);
        return -ENOMEM;
    }
    view->rate = view->total / view->seconds;
    sum_up(view);
    return 0;
}

void series_view_free(struct series_view *view)
{
    free(view->counters);
    free(view->timers);
    free(view->statuses);
    free(view->types);
    free(view->upstreams);
    *view = (struct series_view){0};
}
