#ifndef METRIC_ROUTE_H
#define METRIC_ROUTE_H

/*
 * route: from a request target to the label it is counted under: the user's rules first, then the
 * first path segment. Pure after parsing; any thread, signal handlers included.
 */

#include "base/bytes.h"

#define ROUTE_RULES_MOST 128

/* `path` patterns match a whole path without its query. `*` stands for one or more bytes of one
 * segment, `**` for any bytes, slashes too. */
struct route_rule {
    struct bytes pattern;
    struct bytes label;
};

/* Zero it to have no rules. */
struct routes {
    size_t n;
    struct route_rule rule[ROUTE_RULES_MOST];
};

/* Told of each rule that can't be used, and what is accepted. */
typedef void route_refusal(struct bytes rule, const char *accepted);

/*
 * Reads `text`, `pattern=label` rules separated by `;` (blanks around them and empty rules are
 * skipped), into `*routes`. A pattern begins with `/` or `*`; a label is not empty. Rules that
 * can't be used, and those past ROUTE_RULES_MOST, are told to `refused` (may be NULL) and left out.
 * The views point into `text`, which must live as long as `*routes`.
 */
void routes_parse(struct routes *routes, struct bytes text, route_refusal *refused);

/*
 * The label of a request target (RFC 9112 3.2), as a view of a rule's label, of `target` or of a
 * constant; it is not cleaned. The query is cut off, the scheme and host of an absolute target too.
 * Without a matching rule: the first path segment that is not empty; `root` if there is none; `id`
 * if it is a number, a UUID or 16 or more hexadecimal digits; `_` for a target that is no path
 * (`*`, or the authority of CONNECT).
 */
struct bytes routes_label(const struct routes *routes, struct bytes target);

/* Whether, without rules, a target's label follows from its first path segment alone: that is then
 * `*segment`. */
bool routes_segment(struct bytes target, struct bytes *segment);

#endif
