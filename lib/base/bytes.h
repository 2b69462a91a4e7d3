#ifndef BASE_BYTES_H
#define BASE_BYTES_H

/*
 * bytes: a bounded view of memory that somebody else owns, and a writer that never runs past its
 * end. Pure; may be called from anywhere, signal handlers included.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* `n` bytes at `at`; not terminated, not owned. */
struct bytes {
    const char *at;
    size_t n;
};

/* A view of a string literal. */
#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})

static inline struct bytes bytes_of(const char *string)
{
    return (struct bytes){string, strlen(string)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}

/* Up to 16 bytes as two words, unused ones 0: short texts are compared and hashed so. */
struct bytes_16 {
    uint64_t low, high;
};

static inline uint64_t bytes_load_8(const char *at, size_t n)
{
    uint64_t whole;
    uint32_t low, high;
    if (n == 8) {
        memcpy(&whole, at, 8);
        return whole;
    }
    if (n >= 4) {
        memcpy(&low, at, 4);
        memcpy(&high, at + n - 4, 4);
        return low | (uint64_t)high << (8 * (n - 4));
    }
    if (n == 0)
        return 0;
    return (unsigned char)at[0] | (uint64_t)(unsigned char)at[n / 2] << (8 * (n / 2)) |
           (uint64_t)(unsigned char)at[n - 1] << (8 * (n - 1));
}

/* The first `n` <= 16 bytes at `at`; reads none but these. */
static inline __attribute__((always_inline)) struct bytes_16 bytes_load_16(const char *at, size_t n)
{
    if (n <= 8)
        return (struct bytes_16){bytes_load_8(at, n), 0};
    struct bytes_16 loaded;
    memcpy(&loaded.low, at, 8);
    memcpy(&loaded.high, at + n - 8, 8);
    loaded.high >>= 8 * (16 - n);
    return loaded;
}

#ifdef __SSE2__

/* The first `n` <= 16 of these bytes, the others 0. */
static inline __m128i bytes_first_16(__m128i bytes, size_t n)
{
    static const unsigned char masks[32] = {[0 ... 15] = 0xff};
    return _mm_and_si128(bytes, _mm_loadu_si128((const __m128i *)(const void *)(masks + 16 - n)));
}

#endif

/*
 * Finds each `wanted` between `at` and `end` in turn, sixteen bytes at a look. Inline: the lines of
 * a message head are short, and a call of memchr costs more than the search.
 */
struct bytes_finder {
    const char *begin, *at, *end; /* from `at` on it is still to be looked */
    unsigned found;               /* places before `at` not told yet: bit 0 is at[-16] */
    char wanted;
};

static inline struct bytes_finder bytes_finder_on(const char *at, const char *end, char wanted)
{
    return (struct bytes_finder){at, at, end, 0, wanted};
}

#ifdef __SSE2__

static inline unsigned bytes_places_16(const char *at, char wanted)
{
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)at);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(here, _mm_set1_epi8(wanted)));
}

/* Where bytes stand that are `most` or less. */
static inline unsigned bytes_places_16_to(const char *at, char most)
{
    __m128i here = _mm_loadu_si128((const __m128i *)(const void *)at);
    return (unsigned)_mm_movemask_epi8(
        _mm_cmpeq_epi8(_mm_min_epu8(here, _mm_set1_epi8(most)), here));
}

/* The last look goes back over bytes that were looked at, not beyond the end. */
static inline void bytes_finder_fill(struct bytes_finder *finder)
{
    while (finder->end - finder->at >= 16) {
        finder->found = bytes_places_16(finder->at, finder->wanted);
        finder->at += 16;
        if (finder->found != 0)
            return;
    }
    if (finder->at < finder->end && finder->end - finder->begin >= 16) {
        unsigned seen = 16 - (unsigned)(finder->end - finder->at);
        finder->found = bytes_places_16(finder->end - 16, finder->wanted) >> seen << seen;
        finder->at = finder->end;
    }
}

#else

static inline void bytes_finder_fill(struct bytes_finder *finder)
{
    (void)finder;
}

#endif

/* The next place, or NULL past the last. */
static inline const char *bytes_finder_next(struct bytes_finder *finder)
{
    if (finder->found == 0)
        bytes_finder_fill(finder);
    if (finder->found != 0) {
        const char *place = finder->at - 16 + __builtin_ctz(finder->found);
        finder->found &= finder->found - 1;
        return place;
    }
    while (finder->at < finder->end)
        if (*finder->at++ == finder->wanted)
            return finder->at - 1;
    return NULL;
}

/* The first `c` in `n` bytes, or NULL: memchr for short texts. */
static inline const char *bytes_find(const char *at, size_t n, char c)
{
    struct bytes_finder finder = bytes_finder_on(at, at + n, c);
    return bytes_finder_next(&finder);
}

/* Equal without regard to ASCII case. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

static inline bool bytes_start_with(struct bytes text, struct bytes prefix)
{
    return text.n >= prefix.n && memcmp(text.at, prefix.at, prefix.n) == 0;
}

/* `text` without blanks and tabs at either end. */
struct bytes bytes_trim(struct bytes text);

/*
 * Cuts `*rest` at the first `separator`: returns what stands before it and leaves what follows in
 * `*rest`. Without a separator all of `*rest` is returned and `rest->at` becomes NULL, so that
 *     for (struct bytes rest = list; rest.at != NULL;) { part = bytes_cut(&rest, ','); … }
 * visits each part, empty ones too.
 */
struct bytes bytes_cut(struct bytes *rest, char separator);

/* How many of the 8 bytes at `at` are digits, up to the first that is none, and their value. All at
 * once: each step joins neighbours, of which the left one counts 10, 100, 10,000 times. */
static inline unsigned bytes_read_digits_8(const char *at, uint64_t *value)
{
    uint64_t digits;
    memcpy(&digits, at, sizeof digits);
    digits ^= 0x3030303030303030;
    uint64_t others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
    unsigned n = others == 0 ? 8 : (unsigned)__builtin_ctzll(others) / 8;
    *value = 0;
    if (n == 0)
        return 0;
    digits <<= 64 - 8 * n;
    digits = (digits & 0x0f0f0f0f0f0f0f0f) * 2561 >> 8;
    digits = (digits & 0x00ff00ff00ff00ff) * 6553601 >> 16;
    *value = (digits & 0x0000ffff0000ffff) * 42949672960001 >> 32;
    return n;
}

/*
 * Reads all of `text` as a decimal number without sign. 0, or -EINVAL (empty, not a digit) or
 * -ERANGE (over UINT64_MAX); `*value` is untouched on error.
 */
int bytes_to_u64(struct bytes text, uint64_t *value);

/* Writes into `size` bytes at `at`; what does not fit is left out and `full` is set. */
struct writer {
    char *at;
    size_t size;
    size_t n;
    bool full;
};

static inline struct writer writer_on(char *at, size_t size)
{
    return (struct writer){at, size, 0, false};
}

static inline void put_bytes(struct writer *w, struct bytes text)
{
    if (w->size - w->n < text.n) {
        w->full = true;
        return;
    }
    if (text.n > 0) /* an empty view may have no address */
        memcpy(w->at + w->n, text.at, text.n);
    w->n += text.n;
}

static inline void put_char(struct writer *w, char c)
{
    put_bytes(w, (struct bytes){&c, 1});
}

static inline void put_string(struct writer *w, const char *string)
{
    put_bytes(w, bytes_of(string));
}

/* Decimal, without padding. */
void put_u64(struct writer *w, uint64_t value);
void put_i64(struct writer *w, int64_t value);

/* `text` as the inside of a JSON string: quotes, backslashes and bytes outside printable ASCII are
 * escaped (`\u00XX` for each such byte), so that any bytes give valid JSON. */
void put_json(struct writer *w, struct bytes text);

#endif
