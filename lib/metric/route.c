#include "metric/route.h"

/* `text` between two of its bytes; `to` is past the last one. */
static struct bytes between(const char *from, const char *to)
{
    return (struct bytes){from, (size_t)(to - from)};
}

static void refuse(route_refusal *refused, struct bytes rule, const char *accepted)
{
    if (refused != NULL)
        refused(rule, accepted);
}

/* The last `=` parts a rule: a path may hold one, a label can't. */
static bool read_rule(struct bytes text, struct route_rule *rule)
{
    const char *equals = memrchr(text.at, '=', text.n);
    if (equals == NULL)
        return false;
    rule->pattern = bytes_trim(between(text.at, equals));
    rule->label = bytes_trim(between(equals + 1, text.at + text.n));
    return rule->label.n > 0 && rule->pattern.n > 0 &&
           (rule->pattern.at[0] == '/' || rule->pattern.at[0] == '*');
}

void routes_parse(struct routes *routes, struct bytes text, route_refusal *refused)
{
    routes->n = 0;
    for (struct bytes rest = text; rest.at != NULL;) {
        struct bytes part = bytes_trim(bytes_cut(&rest, ';'));
        struct route_rule rule;
        if (part.n == 0)
            continue;
        if (!read_rule(part, &rule))
            refuse(refused, part, "pattern=label, where the pattern begins with / or *");
        else if (routes->n == ROUTE_RULES_MOST)
            refuse(refused, part, "at most 128 rules");
        else
            routes->rule[routes->n++] = rule;
    }
}

/*
 * Matching. Each kind of star takes as little as it can and is widened when what follows fails.
 *
 * Only the last star of each kind is ever widened. A `**` can take anything, so when a later one
 * was reached, reaching it elsewhere gains nothing. A `*` is met as early in its segment as it can
 * be, so what fails after it from there on fails after it from any later place in that segment.
 *
 * For the same reason a `*` that ran to its segment's end without success has used that segment up:
 * the `**` ahead of it goes on behind the next slash, as what lies between the two stars always has
 * the same number of slashes. So a star looks at each byte of the path once, and the whole costs at
 * most the product of both lengths, whatever they are.
 */
struct glob {
    struct bytes pattern;
    struct bytes path;
    size_t p, t;           /* where both are */
    size_t wide_p, wide_t; /* the last `**`: what follows it, and where it ends; wide_p 0: none */
    size_t star_p, star_t; /* the last `*` behind it, likewise */
};

/* What follows the last `**` failed at one place: to the next. */
static bool widen_wide(struct glob *g, size_t end)
{
    if (g->wide_p == 0 || end > g->path.n)
        return false;
    g->wide_t = end;
    g->star_p = 0;
    g->p = g->wide_p;
    g->t = g->wide_t;
    return true;
}

/* The last `*` takes one more byte. */
static bool widen_star(struct glob *g)
{
    if (g->star_t < g->path.n && g->path.at[g->star_t] != '/') {
        g->t = ++g->star_t;
        g->p = g->star_p;
        return true;
    }
    const char *from = g->path.at + g->wide_t;
    const char *slash = memchr(from, '/', g->path.n - g->wide_t);
    return slash != NULL && widen_wide(g, (size_t)(slash + 1 - g->path.at));
}

static bool widen(struct glob *g)
{
    return g->star_p != 0 ? widen_star(g) : widen_wide(g, g->wide_t + 1);
}

/* One step through the pattern; false if it can't match. */
static bool step(struct glob *g)
{
    bool more = g->p < g->pattern.n;
    if (more && g->pattern.at[g->p] == '*') {
        bool wide = g->p + 1 < g->pattern.n && g->pattern.at[g->p + 1] == '*';
        if (wide) {
            g->wide_p = g->p += 2;
            g->wide_t = g->t;
            g->star_p = 0;
            return true;
        }
        g->star_p = ++g->p;
        g->star_t = g->t;
        return widen_star(g);
    }
    if (more && g->t < g->path.n && g->pattern.at[g->p] == g->path.at[g->t]) {
        g->p++;
        g->t++;
        return true;
    }
    return widen(g);
}

static bool matches(struct bytes pattern, struct bytes path)
{
    struct glob g = {.pattern = pattern, .path = path};
    while (g.p < pattern.n || g.t < path.n)
        if (!step(&g))
            return false;
    return true;
}

/* `text` up to the first `end`; all of it without one. */
static struct bytes before(struct bytes text, char end)
{
    const char *found = bytes_find(text.at, text.n, end);
    return found != NULL ? between(text.at, found) : text;
}

static struct bytes after(struct bytes text, size_t n)
{
    return (struct bytes){text.at + n, text.n - n};
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct bytes before_query(struct bytes target)
{
    size_t n = 0;
    while (n < target.n && target.at[n] != '?' && target.at[n] != '#')
        n++;
    return (struct bytes){target.at, n};
}

/* The path of a target; a target that has none is returned as it is, without its query. */
static struct bytes path_of(struct bytes target)
{
    struct bytes path = before_query(target);
    if (path.n == 0 || !letter(path.at[0]))
        return path;
    struct bytes scheme = before(path, ':');
    struct bytes rest = after(path, scheme.n);
    if (!bytes_start_with(rest, BYTES("://")) || before(scheme, '/').n < scheme.n)
        return path;
    rest = after(rest, strlen("://"));
    rest = after(rest, before(rest, '/').n);
    return rest.n > 0 ? rest : BYTES("/");
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool hex(char c)
{
    char lower = (char)(c | 0x20);
    return digit(c) || (lower >= 'a' && lower <= 'f');
}

static bool all(struct bytes text, bool (*is)(char))
{
    for (size_t i = 0; i < text.n; i++)
        if (!is(text.at[i]))
            return false;
    return true;
}

static bool is_uuid(struct bytes text)
{
    static const struct bytes shape = BYTES("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    if (text.n != shape.n)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (shape.at[i] == '-' ? text.at[i] != '-' : !hex(text.at[i]))
            return false;
    return true;
}

static bool is_id(struct bytes segment)
{
    return all(segment, digit) || is_uuid(segment) || (segment.n >= 16 && all(segment, hex));
}

/* How long the segment is that begins here. */
static size_t segment_bytes(struct bytes path)
{
    size_t n = 0;
    while (n < path.n && !route_ends_segment(path.at[n]))
        n++;
    return n;
}

/* The first segment of a path that is not empty, cut at the query. */
static struct bytes first_segment(struct bytes path)
{
    const char *at = path.at, *end = path.at + path.n;
    while (at < end && *at == '/')
        at++;
    return (struct bytes){at, segment_bytes(between(at, end))};
}

static struct bytes segment_label(struct bytes path)
{
    if (path.n == 0 || path.at[0] != '/')
        return BYTES("_");
    struct bytes segment = first_segment(path);
    if (segment.n == 0)
        return BYTES("root");
    return is_id(segment) ? BYTES("id") : segment;
}

struct bytes routes_label(const struct routes *routes, struct bytes target)
{
    if (routes->n == 0 && target.n > 0 && target.at[0] == '/')
        return segment_label(target);
    struct bytes path = path_of(target);
    for (size_t i = 0; i < routes->n; i++)
        if (matches(routes->rule[i].pattern, path))
            return routes->rule[i].label;
    return segment_label(path);
}
