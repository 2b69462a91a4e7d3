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
 * Bit i of the result: a newline stands at at[i], and behind it a line that may matter: it has an N
 * in that place, or `letter` (a small one; 0: none), or its first byte is CR or less. Reads
 * HTTP1_LOOK_READS bytes.
 */
typedef uint32_t http1_look(const char *at, char letter);

/* The same, by first bytes alone: lines that end a head. Reads HTTP1_LOOK_END_READS bytes. */
typedef uint32_t http1_look_for_end(const char *at);

#ifdef __x86_64__

#define HTTP1_NARROW static inline __attribute__((always_inline))
#define HTTP1_WIDE   static inline __attribute__((always_inline, target("avx2")))

HTTP1_NARROW __m128i http1_load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

HTTP1_NARROW __m128i http1_ends_16(const char *at)
{
    __m128i first = http1_load_16(at + 1);
    return _mm_cmpeq_epi8(_mm_min_epu8(first, _mm_set1_epi8('\r')), first);
}

HTTP1_NARROW unsigned http1_lines_16(const char *at, __m128i lines)
{
    __m128i newlines = _mm_cmpeq_epi8(http1_load_16(at), _mm_set1_epi8('\n'));
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(lines, newlines));
}

HTTP1_NARROW unsigned http1_look_16(const char *at, char letter)
{
    __m128i here = _mm_or_si128(http1_load_16(at + 1 + HTTP1_LOOK_LETTER), _mm_set1_epi8(0x20));
    __m128i lines = _mm_or_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('n')), http1_ends_16(at));
    if (letter != 0)
        lines = _mm_or_si128(lines, _mm_cmpeq_epi8(here, _mm_set1_epi8(letter)));
    return http1_lines_16(at, lines);
}

HTTP1_NARROW uint32_t http1_look_narrow(const char *at, char letter)
{
    return http1_look_16(at, letter) | http1_look_16(at + 16, letter) << 16;
}

HTTP1_NARROW uint32_t http1_look_for_end_narrow(const char *at)
{
    return http1_lines_16(at, http1_ends_16(at)) | http1_lines_16(at + 16, http1_ends_16(at + 16))
                                                       << 16;
}

HTTP1_WIDE __m256i http1_load_32(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

HTTP1_WIDE __m256i http1_ends_32(const char *at)
{
    __m256i first = http1_load_32(at + 1);
    return _mm256_cmpeq_epi8(_mm256_min_epu8(first, _mm256_set1_epi8('\r')), first);
}

HTTP1_WIDE uint32_t http1_lines_32(const char *at, __m256i lines)
{
    __m256i newlines = _mm256_cmpeq_epi8(http1_load_32(at), _mm256_set1_epi8('\n'));
    return (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(lines, newlines));
}

HTTP1_WIDE uint32_t http1_look_wide(const char *at, char letter)
{
    __m256i here =
        _mm256_or_si256(http1_load_32(at + 1 + HTTP1_LOOK_LETTER), _mm256_set1_epi8(0x20));
    __m256i lines =
        _mm256_or_si256(_mm256_cmpeq_epi8(here, _mm256_set1_epi8('n')), http1_ends_32(at));
    if (letter != 0)
        lines = _mm256_or_si256(lines, _mm256_cmpeq_epi8(here, _mm256_set1_epi8(letter)));
    return http1_lines_32(at, lines);
}

HTTP1_WIDE uint32_t http1_look_for_end_wide(const char *at)
{
    return http1_lines_32(at, http1_ends_32(at));
}

#else

static inline bool http1_ends_at(const char *at)
{
    return at[0] == '\n' && (unsigned char)at[1] <= '\r';
}

static inline bool http1_letter_at(const char *at, char letter)
{
    char here = at[1 + HTTP1_LOOK_LETTER] | 0x20;
    return at[0] == '\n' && (here == 'n' || (letter != 0 && here == letter));
}

static inline uint32_t http1_look_for_end_narrow(const char *at)
{
    uint32_t found = 0;
    for (unsigned i = 0; i < HTTP1_LOOK_PLACES; i++)
        found |= (uint32_t)http1_ends_at(at + i) << i;
    return found;
}

static inline uint32_t http1_look_narrow(const char *at, char letter)
{
    uint32_t found = http1_look_for_end_narrow(at);
    for (unsigned i = 0; i < HTTP1_LOOK_PLACES; i++)
        found |= (uint32_t)http1_letter_at(at + i, letter) << i;
    return found;
}

#endif
#endif
