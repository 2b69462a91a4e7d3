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

/*
 * Whether, without rules, a target's label follows from its first path segment alone, which stands
 * behind one slash, and has up to 16 bytes: `*segment`, and `*n` of them. A target for which it is
 * false may follow from one as well.
 */
static inline bool routes_segment(struct bytes target, struct bytes_16 *segment, size_t *n);

static inline bool route_ends_segment(char c)
{
    return c == '/' || c == '?' || c == '#';
}

#ifdef __SSE2__

static inline __attribute__((always_inline)) bool
routes_segment(struct bytes target, struct bytes_16 *segment, size_t *n)
{
    if (__builtin_expect(target.n == 0 || target.at[0] != '/', 0))
        return false;
    size_t most = target.n - 1 < 16 ? target.n - 1 : 16;
    struct bytes_16 loaded = bytes_load_16(target.at + 1, most);
    __m128i path = _mm_set_epi64x((long long)loaded.high, (long long)loaded.low);
    __m128i ends = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(path, _mm_set1_epi8('/')),
                                             _mm_cmpeq_epi8(path, _mm_set1_epi8('?'))),
                                _mm_cmpeq_epi8(path, _mm_set1_epi8('#')));
    *n = (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(ends) | 1u << most);
    path = bytes_first_16(path, *n);
    memcpy(segment, &path, sizeof *segment);
    if (__builtin_expect(*n == 0, 0))
        return target.n == 1 || target.at[1] != '/';
    return __builtin_expect(*n < 16, 1) || target.n == 17 || route_ends_segment(target.at[17]);
}

#else

static inline bool routes_segment(struct bytes target, struct bytes_16 *segment, size_t *n)
{
    *n = 0;
    if (target.n == 0 || target.at[0] != '/')
        return false;
    while (1 + *n < target.n && !route_ends_segment(target.at[1 + *n]))
        if (++*n > 16)
            return false;
    *segment = bytes_load_16(target.at + 1, *n);
    return *n > 0 || target.n == 1 || target.at[1] != '/';
}

#endif

#endif
