#include "request/snapshot.h"

#include "request/names.h"

static void tell_timers(const struct snapshot *snapshot, snapshot_entry *entry, void *context)
{
    for (uint32_t i = 0; i < snapshot->timers; i++)
        entry(context, label_text(&names.timers, snapshot->timer[i].label),
              snapshot->timer[i].time_us, snapshot->timer[i].count);
}

static void tell_sums(const struct snapshot *snapshot, snapshot_entry *entry, void *context)
{
    struct upstream list[TIMERS_MOST], sum;
    size_t n = upstream_list(&snapshot->rule, snapshot->timer, snapshot->timers, list);
    for (size_t at = 0; upstream_sum(list, n, &at, &sum);)
        entry(context, sum.prefix, sum.time_us, sum.count);
}

void snapshot_tell(const struct snapshot *snapshot, enum snapshot_detail detail,
                   snapshot_entry *entry, void *context)
{
    entry(context, BYTES("req_time"), snapshot->request_us, 0);
    if (detail != SNAPSHOT_AGG)
        tell_timers(snapshot, entry, context);
    if (detail != SNAPSHOT_NO_AGG)
        tell_sums(snapshot, entry, context);
}
