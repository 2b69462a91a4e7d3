#ifndef PROTO_HTTP1_LOOK_H
#define PROTO_HTTP1_LOOK_H

/*
 * http1_look: where lines of a head begin that may matter, 32 places at a look. A line that frames
 * the body, has the request id, or ends the head is told by a few bytes at places that are always
 * the same: so lines are not gone through one by one, and most are never looked at again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* In this place of their names "content-length" and "transfer-encoding" have an N, and hardly
 * another field has. */
#define HTTP1_LOOK_LETTER    10

#define HTTP1_LOOK_PLACES    32
#define HTTP1_LOOK_READS     (HTTP1_LOOK_PLACES + 1 + HTTP1_LOOK_LETTER)
#define HTTP1_LOOK_END_READS (HTTP1_LOOK_PLACES + 1)

/*
 * Looks. `lens` is what is looked for, made once for many. Bit i of the result: a newline stands at
 * at[i], and behind it a line that may matter: it has an N in that place, or the letter of the
 * lens, or its first byte is CR or less. Reads HTTP1_LOOK_READS bytes.
 *
 * http1_look_for_end is the same by first bytes alone, for lines that end a head: it reads
 * HTTP1_LOOK_END_READS bytes.
 */

#ifdef __x86_64__

#define HTTP1_NARROW static inline __attribute__((always_inline))
#define HTTP1_WIDE   static inline __attribute__((always_inline, target("avx2")))

struct http1_narrow_lens {
    __m128i newline, cr, small, n, letter;
};

struct http1_wide_lens {
    __m256i newline, cr, small, n, letter;
};

/* Bytes all over, from memory: compilers make each anew wherever it is needed, at three
 * instructions a time, unless they can't know what it is. */
struct http1_bytes {
    _Alignas(32) char newline[32];
    char cr[32], small[32], n[32];
};

HTTP1_NARROW const struct http1_bytes *http1_bytes(void)
{
    static const struct http1_bytes bytes = {
        {[0 ... 31] = '\n'}, {[0 ... 31] = '\r'}, {[0 ... 31] = 0x20}, {[0 ... 31] = 'n'}};
    const struct http1_bytes *unknown = &bytes;
    __asm__("" : "+r"(unknown));
    return unknown;
}

HTTP1_NARROW __m128i http1_load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

HTTP1_WIDE __m256i http1_load_32(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/* `letter` is a small one, or 0 for none. */
HTTP1_NARROW struct http1_narrow_lens http1_narrow_lens(char letter)
{
    const struct http1_bytes *all = http1_bytes();
    return (struct http1_narrow_lens){http1_load_16(all->newline), http1_load_16(all->cr),
                                      http1_load_16(all->small), http1_load_16(all->n),
                                      _mm_set1_epi8(letter)};
}

HTTP1_WIDE struct http1_wide_lens http1_wide_lens(char letter)
{
    const struct http1_bytes *all = http1_bytes();
    return (struct http1_wide_lens){http1_load_32(all->newline), http1_load_32(all->cr),
                                    http1_load_32(all->small), http1_load_32(all->n),
                                    _mm256_set1_epi8(letter)};
}

HTTP1_NARROW __m128i http1_ends_16(const char *at, const struct http1_narrow_lens *lens)
{
    __m128i first = http1_load_16(at + 1);
    return _mm_cmpeq_epi8(_mm_min_epu8(first, lens->cr), first);
}

HTTP1_WIDE __m256i http1_ends_32(const char *at, const struct http1_wide_lens *lens)
{
    __m256i first = http1_load_32(at + 1);
    return _mm256_cmpeq_epi8(_mm256_min_epu8(first, lens->cr), first);
}

HTTP1_NARROW unsigned http1_lines_16(const char *at, __m128i lines,
                                     const struct http1_narrow_lens *lens)
{
    __m128i newlines = _mm_cmpeq_epi8(http1_load_16(at), lens->newline);
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(lines, newlines));
}

HTTP1_WIDE uint32_t http1_lines_32(const char *at, __m256i lines,
                                   const struct http1_wide_lens *lens)
{
    __m256i newlines = _mm256_cmpeq_epi8(http1_load_32(at), lens->newline);
    return (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(lines, newlines));
}

HTTP1_NARROW unsigned http1_look_16(const char *at, const struct http1_narrow_lens *lens,
                                    bool letters)
{
    __m128i here = _mm_or_si128(http1_load_16(at + 1 + HTTP1_LOOK_LETTER), lens->small);
    __m128i lines = _mm_or_si128(_mm_cmpeq_epi8(here, lens->n), http1_ends_16(at, lens));
    if (letters)
        lines = _mm_or_si128(lines, _mm_cmpeq_epi8(here, lens->letter));
    return http1_lines_16(at, lines, lens);
}

HTTP1_NARROW uint32_t http1_look_narrow(const char *at, const struct http1_narrow_lens *lens,
                                        bool letters)
{
    return http1_look_16(at, lens, letters) | http1_look_16(at + 16, lens, letters) << 16;
}

HTTP1_WIDE uint32_t http1_look_wide(const char *at, const struct http1_wide_lens *lens,
                                    bool letters)
{
    __m256i here = _mm256_or_si256(http1_load_32(at + 1 + HTTP1_LOOK_LETTER), lens->small);
    __m256i lines = _mm256_or_si256(_mm256_cmpeq_epi8(here, lens->n), http1_ends_32(at, lens));
    if (letters)
        lines = _mm256_or_si256(lines, _mm256_cmpeq_epi8(here, lens->letter));
    return http1_lines_32(at, lines, lens);
}

HTTP1_NARROW uint32_t http1_look_for_end_narrow(const char *at,
                                                const struct http1_narrow_lens *lens)
{
    return http1_lines_16(at, http1_ends_16(at, lens), lens) |
           http1_lines_16(at + 16, http1_ends_16(at + 16, lens), lens) << 16;
}

HTTP1_WIDE uint32_t http1_look_for_end_wide(const char *at, const struct http1_wide_lens *lens)
{
    return http1_lines_32(at, http1_ends_32(at, lens), lens);
}

#else

struct http1_narrow_lens {
    char letter;
};

static inline struct http1_narrow_lens http1_narrow_lens(char letter)
{
    return (struct http1_narrow_lens){letter};
}

static inline bool http1_letter_at(const char *at, char letter)
{
    return at[0] == '\n' && (at[1 + HTTP1_LOOK_LETTER] | 0x20) == letter;
}

static inline uint32_t http1_look_for_end_narrow(const char *at,
                                                 const struct http1_narrow_lens *lens)
{
    uint32_t found = 0;
    (void)lens;
    for (unsigned i = 0; i < HTTP1_LOOK_PLACES; i++)
        found |= (uint32_t)(at[i] == '\n' && (unsigned char)at[i + 1] <= '\r') << i;
    return found;
}

static inline uint32_t http1_look_narrow(const char *at, const struct http1_narrow_lens *lens,
                                         bool letters)
{
    uint32_t found = http1_look_for_end_narrow(at, lens);
    for (unsigned i = 0; i < HTTP1_LOOK_PLACES; i++)
        found |= (uint32_t)(http1_letter_at(at + i, 'n') ||
                            (letters && http1_letter_at(at + i, lens->letter)))
                 << i;
    return found;
}

#endif
#endif
