#include "request/upstream.h"

#include <stdlib.h>

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

static int by_prefix_and_label(const void *a, const void *b)
{
    const struct upstream *x = a, *y = b;
    int order = compare_bytes(x->prefix, y->prefix);
    return order != 0 ? order : compare_bytes(x->label, y->label);
}

size_t upstream_list(const struct upstream_rule *rule, const struct timer *timer, size_t n,
                     struct upstream *list)
{
    size_t taken = 0;
    for (size_t i = 0; i < n; i++) {
        struct upstream *upstream = &list[taken];
        upstream->label = label_text(&names.timers, timer[i].label);
        upstream->time_us = timer[i].time_us;
        upstream->count = timer[i].count;
        taken += find_prefix(rule, upstream->label, &upstream->prefix);
    }
    qsort(list, taken, sizeof *list, by_prefix_and_label);
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
