#include "request/upstream.h"

#include "request/names.h"

static bool find_prefix(const struct upstream_rule *rule, struct bytes label, struct bytes *prefix)
{
    struct bytes rest = rule->prefixes;
    if (rule->first_parts) {
        *prefix = bytes_cut(&label, '.');
        return true;
    }
    while (rest.n > 0) {
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

static bool stands_before(const struct upstream *a, const struct upstream *b)
{
    int order = compare_bytes(a->prefix, b->prefix);
    return order < 0 || (order == 0 && compare_bytes(a->label, b->label) < 0);
}

/* Into its place among the `n` that are in order. By hand: libc's qsort allocates, which the
 * sender's thread may not. */
static void insert(struct upstream *list, size_t n, struct upstream upstream)
{
    while (n > 0 && stands_before(&upstream, &list[n - 1])) {
        list[n] = list[n - 1];
        n--;
    }
    list[n] = upstream;
}

size_t upstream_list(const struct upstream_rule *rule, const struct timer *timer, size_t n,
                     struct upstream *list)
{
    size_t taken = 0;
    for (size_t i = 0; i < n; i++) {
        struct upstream upstream = {.label = label_text(&names.timers, timer[i].label),
                                    .time_us = timer[i].time_us,
                                    .count = timer[i].count};
        if (find_prefix(rule, upstream.label, &upstream.prefix))
            insert(list, taken++, upstream);
    }
    return taken;
}

bool upstream_sum(const struct upstream *list, size_t n, size_t *at, struct upstream *sum)
{
    if (*at == n)
        return false;
    struct bytes prefix = list[*at].prefix;
    *sum = (struct upstream){.prefix = prefix, .label = prefix};
    for (; *at < n && bytes_equal(list[*at].prefix, prefix); ++*at) {
        uint64_t room = INT64_MAX - sum->time_us;
        sum->time_us += list[*at].time_us < room ? list[*at].time_us : room;
        sum->count += list[*at].count;
    }
    return true;
}
