#include "proto/http1_scan.h"

#include "base/cpu.h"
#include "base/hot.h"

/* What was found in one look, from[i] for bit i. False: that was the last. */
static inline __attribute__((always_inline)) bool note(uint32_t found, const char *from,
                                                       const char **line, unsigned *n)
{
    for (; found != 0; found &= found - 1) {
        const char *begin = from + (unsigned)__builtin_ctz(found) + 1;
        line[(*n)++] = begin;
        if ((unsigned char)*begin <= '\r' || *n == HTTP1_SCAN_LINES)
            return false;
    }
    return true;
}

/*
 * The same for either width. The last look at whole lines goes back over places that were looked
 * at, or stand before `at`, not beyond the end; what it leaves has room for no line but the head's
 * end.
 */
#define SCAN(width)                                                                                \
    struct http1_##width##_lens lens = http1_##width##_lens(letter);                               \
    const char *next = at, *last = end - HTTP1_LOOK_READS;                                         \
    unsigned n = 0;                                                                                \
    uint32_t found;                                                                                \
    for (; next <= last; next += HTTP1_LOOK_PLACES) {                                              \
        found = http1_look_##width(next, &lens, letter != 0);                                      \
        if (__builtin_expect(found != 0, 0) && !note(found, next, line, &n))                       \
            return n;                                                                              \
    }                                                                                              \
    if (next <= end - HTTP1_SCAN_LEAST) {                                                          \
        found = http1_look_##width(last, &lens, letter != 0) >> (next - last);                     \
        if (__builtin_expect(found != 0, 0) && !note(found, next, line, &n))                       \
            return n;                                                                              \
    }                                                                                              \
    next = end - HTTP1_LOOK_END_READS;                                                             \
    found = http1_look_for_end_##width(next, &lens);                                               \
    if (found != 0)                                                                                \
        line[n++] = next + (unsigned)__builtin_ctz(found) + 1;                                     \
    return n

static HOT unsigned scan_narrow(const char *at, const char *end, char letter, const char **line)
{
    SCAN(narrow);
}

#ifdef __x86_64__

static inline __attribute__((always_inline, target("avx2"))) unsigned
scan_wide(const char *at, const char *end, char letter, const char **line)
{
    SCAN(wide);
}

static HOT __attribute__((target("avx2"))) unsigned
scan_wide_for_any(const char *at, const char *end, char letter, const char **line)
{
    return letter != 0 ? scan_wide(at, end, letter, line) : scan_wide(at, end, 0, line);
}

#endif

HOT_DATA http1_scan_lines *http1_scan = scan_narrow;

void http1_scan_wide_from_now(bool wide)
{
    http1_scan = scan_narrow;
#ifdef __x86_64__
    if (wide && cpu_has_avx2())
        http1_scan = scan_wide_for_any;
#else
    (void)wide;
#endif
}
