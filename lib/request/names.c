#include "request/names.h"

#include "base/log.h"
#include "metric/route.h"

struct names names;

static struct routes routes;

static void refuse(struct bytes rule, const char *accepted)
{
    log_line(LOG_WARN, BYTES("STATS_HERO_ROUTES: rule '"), rule,
             BYTES("' is left out: accepted is "), bytes_of(accepted));
}

void names_read_routes(const struct config *config)
{
    routes_parse(&routes, config->routes, refuse);
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

uint16_t names_label(struct bytes target)
{
    return label_number(&names.labels, routes_label(&routes, target));
}
