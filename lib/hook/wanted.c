#include "hook/wanted.h"

#include "hook/defaults.h"

struct wanted wanted[WANTED_MOST];
struct pattern wanted_patterns[WANTED_MOST];
size_t wanted_n;

enum { TARGET_BYTES = 512 };

/* A target as a pattern's text; false if it is too long. */
static bool spell(const struct spec_target *target, struct writer *w)
{
    put_bytes(w, target->symbol);
    if (target->module.n > 0) {
        put_bytes(w, BYTES("@"));
        put_bytes(w, target->module);
    }
    return !w->full;
}

static void add(const struct spec_target *target, struct wanted row)
{
    char text[TARGET_BYTES];
    struct writer w = writer_on(text, sizeof text);
    struct pattern *pattern = &wanted_patterns[wanted_n];
    if (wanted_n == WANTED_MOST || !spell(target, &w) ||
        pattern_read(pattern, (struct bytes){text, w.n}) < 0)
        return;
    wanted[wanted_n] = row;
    wanted[wanted_n].target = (struct bytes){pattern->text, w.n};
    wanted_n++;
}

static void add_timers(const struct spec_timer *timers, size_t n, bool standard)
{
    for (size_t i = 0; i < n; i++)
        add(&timers[i].target, (struct wanted){.label = timers[i].label, .standard = standard});
}

bool wanted_read(struct bytes hooks, struct bytes timers)
{
    static struct spec_hooks hook_rows;
    static struct spec_timers timer_rows;
    size_t defaults;
    const struct spec_timer *standard = defaults_timers(&defaults);
    spec_read_hooks(&hook_rows, hooks, spec_warn);
    spec_read_timers(&timer_rows, timers, spec_warn);
    for (size_t i = 0; i < hook_rows.n; i++)
        add(&hook_rows.row[i].target, (struct wanted){.hook = &hook_rows.row[i]});
    add_timers(timer_rows.row, timer_rows.n, false);
    if (timer_rows.defaults)
        add_timers(standard, defaults, true);
    return hook_rows.defaults;
}
