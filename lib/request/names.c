#include "request/names.h"

#include "base/hot.h"
#include "base/log.h"
#include "metric/route.h"

HOT_DATA struct names names;

static struct routes routes;

static void refuse(struct bytes rule, const char *accepted)
{
    log_line(LOG_WARN, BYTES("STATS_HERO_ROUTES: rule '"), rule,
             BYTES("' is left out: accepted is "), bytes_of(accepted));
}

void names_read_routes(const struct config *config)
{
    routes_parse(&routes, config->routes, refuse);
    names.routed = routes.n > 0;
}

int names_begin(const struct config *config)
{
    names.timers.dots = true;
    names.rule =
        (struct upstream_rule){config->upstream_prefixes, config->upstream_prefixes.n == 0};
    int error = label_table_begin(&names.labels, config->max_labels);
    if (error == 0)
        error = label_table_begin(&names.actions, config->max_labels + 1);
    if (error == 0)
        names.get = label_number(&names.actions, BYTES("GET"));
    return error < 0 ? error : label_table_begin(&names.timers, config->max_labels);
}

static __attribute__((noinline)) uint16_t find_label(struct bytes target)
{
    return label_number(&names.labels, routes_label(&routes, target));
}

static inline uint64_t place_of(struct bytes_16 segment)
{
    uint64_t hash = (segment.low ^ (segment.high << 32 | segment.high >> 32)) * 0x9e3779b97f4a7c15;
    return hash / (UINT64_MAX / NAMES_REMEMBERED + 1);
}

/* A thread that is stopped in between, and whose memory another goes on with, leaves none. */
static __attribute__((noinline)) uint16_t
find_and_remember(struct name_memory *of, struct bytes_16 segment, size_t n, struct bytes target)
{
    bool full = label_table_full(&names.labels);
    uint16_t label = find_label(target);
    of->bytes = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    of->segment = segment;
    of->label = label;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (label != LABEL_OTHER || full) /* else it may get its own yet */
        of->bytes = (uint16_t)(n + 1);
    return label;
}

HOT uint16_t names_label(struct names_memory *memory, struct bytes target)
{
    struct bytes_16 segment;
    size_t n;
    if (__builtin_expect(names.routed || !routes_segment(target, &segment, &n), 0))
        return find_label(target);
    struct name_memory *of = &memory->of[place_of(segment)];
    if (__builtin_expect(((of->segment.low ^ segment.low) | (of->segment.high ^ segment.high)) ==
                                 0 &&
                             of->bytes == n + 1,
                         1))
        return of->label;
    return find_and_remember(of, segment, n, target);
}
