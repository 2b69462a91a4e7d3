/*
 * A first line of rules, then a target: labels are views of what they may be views of, and a first
 * rule that is short enough to ask the plain model matches exactly when the model says so.
 */

#include <stdlib.h>

#include "../unit/glob_model.h"
#include "metric/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static bool inside(struct bytes part, struct bytes whole)
{
    return part.at >= whole.at && part.at + part.n <= whole.at + whole.n;
}

static bool constant(struct bytes label)
{
    return bytes_equal(label, BYTES("root")) || bytes_equal(label, BYTES("id")) ||
           bytes_equal(label, BYTES("_"));
}

static void check_label(const struct routes *routes, struct bytes rules, struct bytes target)
{
    struct bytes label = routes_label(routes, target);
    insist(label.n > 0);
    insist(inside(label, rules) || inside(label, target) || constant(label));
}

static void check_model(const struct routes *routes, struct bytes target)
{
    struct bytes path = bytes_cut(&target, '?');
    path = bytes_cut(&path, '#');
    if (routes->n == 0 || path.n == 0 || path.at[0] != '/')
        return;
    struct routes one = {.n = 1, .rule = {routes->rule[0]}};
    one.rule[0].label = BYTES("a label");
    if (one.rule[0].pattern.n > 12 || path.n > 24)
        return;
    bool matched = routes_label(&one, path).at == one.rule[0].label.at;
    bool expected = glob_model(one.rule[0].pattern, path);
    insist(matched == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct routes routes;
    struct bytes target = {(const char *)data, size};
    struct bytes rules = bytes_cut(&target, '\n');
    if (target.at == NULL)
        target = BYTES("/");
    routes_parse(&routes, rules, NULL);
    insist(routes.n <= ROUTE_RULES_MOST);
    check_label(&routes, rules, target);
    check_model(&routes, target);
    return 0;
}
