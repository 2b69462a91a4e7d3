#include "metric/label.h"

#include <errno.h>

#include "base/sys.h"

static inline char clean_byte(char c, bool dots)
{
    char lower = (char)(c | 0x20);
    bool kept =
        (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && dots);
    return kept ? c : '_';
}

size_t label_clean_name(char *out, size_t size, struct bytes name)
{
    size_t n = name.n < size ? name.n : size;
    for (size_t i = 0; i < n; i++)
        out[i] = clean_byte(name.at[i], true);
    if (n == 0)
        out[n++] = '_';
    return n;
}

static size_t table_bytes(uint32_t most, uint32_t slots)
{
    size_t n = (most + 1) * sizeof(struct label) + slots * sizeof(uint16_t);
    return sys_whole_pages(n);
}

int label_table_begin(struct label_table *table, uint32_t most)
{
    uint32_t slots = 64;
    while (slots < most * 2)
        slots *= 2;
    char *memory = sys_pages(table_bytes(most, slots));
    if (memory == NULL)
        return -ENOMEM;
    table->slot = (_Atomic uint16_t *)(void *)memory;
    table->label = (struct label *)(void *)(memory + slots * sizeof(uint16_t));
    table->slots = slots;
    table->most = most;
    table->label[LABEL_OTHER].n = 5;
    memcpy(table->label[LABEL_OTHER].word, "other", 5);
    return 0;
}

/* A clean label's text in words, its last word's unused bytes 0, as tables keep it. */
struct clean_text {
    const uint64_t *word;
    uint32_t n, words;
    uint32_t hash;
};

static inline bool is_text(const struct label *label, const struct clean_text *text)
{
    if (label->hash != text->hash || label->n != text->n)
        return false;
    for (uint32_t i = 0; i < text->words; i++)
        if (label->word[i] != text->word[i])
            return false;
    return true;
}

/* The number of a label, or 0 with the free slot where its search ended in `*at`. */
static inline uint16_t find(const struct label_table *table, const struct clean_text *text,
                            uint32_t *at)
{
    uint32_t mask = table->slots - 1;
    for (uint32_t i = text->hash & mask;; i = (i + 1) & mask) {
        uint16_t number = atomic_load_explicit(&table->slot[i], memory_order_acquire);
        *at = i;
        if (number == 0 || is_text(&table->label[number], text))
            return number;
    }
}

/* `full` is set once the last label can be found: who has missed it and sees `full` looks again. */
static __attribute__((noinline, cold)) uint16_t add(struct label_table *table,
                                                    const struct clean_text *text)
{
    uint32_t at;
    if (label_table_full(table))
        return find(table, text, &at);
    if (!lock_take(&table->adding))
        return LABEL_OTHER;
    uint16_t number = find(table, text, &at);
    if (number == 0 && table->n < table->most) {
        number = (uint16_t)++table->n;
        struct label *label = &table->label[number];
        label->hash = text->hash;
        label->n = (uint8_t)text->n;
        memcpy(label->word, text->word, text->words * sizeof(uint64_t));
        atomic_store_explicit(&table->slot[at], number, memory_order_release);
    }
    if (table->n == table->most)
        atomic_store_explicit(&table->full, true, memory_order_release);
    lock_release(&table->adding);
    return number;
}

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

static inline uint16_t number_of(struct label_table *table, const struct clean_text *text)
{
    uint32_t at;
    uint16_t number = find(table, text, &at);
    return __builtin_expect(number != 0, 1) ? number : add(table, text);
}

/* Up to eight bytes, cleaned, as one word. */
static inline uint64_t clean_word(const struct label_table *table, const char *at, uint32_t n)
{
    uint64_t word = 0;
    while (n-- > 0)
        word = word << 8 | (unsigned char)clean_byte(at[n], table->dots);
    return word;
}

static __attribute__((noinline)) uint16_t number_of_long(struct label_table *table,
                                                         struct bytes text)
{
    uint64_t word[LABEL_BYTES / 8], hash = 0;
    uint32_t n = text.n < LABEL_BYTES ? (uint32_t)text.n : LABEL_BYTES, words = 0;
    for (uint32_t i = 0; i < n; i += 8) {
        word[words] = clean_word(table, text.at + i, n - i < 8 ? n - i : 8);
        hash = mix(hash, word[words++]);
    }
    return number_of(table, &(struct clean_text){word, n, words, (uint32_t)hash});
}

#ifdef __SSE2__

static inline __m128i within(__m128i bytes, char first, char last)
{
    return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8((char)(first - 1))),
                         _mm_cmplt_epi8(bytes, _mm_set1_epi8((char)(last + 1))));
}

static inline __m128i is_byte(__m128i bytes, char c)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

/* Sixteen bytes cleaned at once. Bytes from 0x80 on are negative here, and no letters. */
static inline __m128i clean_16(__m128i bytes, bool dots)
{
    __m128i letter = within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    __m128i kept = _mm_or_si128(_mm_or_si128(letter, within(bytes, '0', '9')), is_byte(bytes, '-'));
    if (dots)
        kept = _mm_or_si128(kept, is_byte(bytes, '.'));
    return _mm_or_si128(_mm_and_si128(kept, bytes), _mm_andnot_si128(kept, _mm_set1_epi8('_')));
}

/* Most labels and nearly all methods fit in 16 bytes, and are cleaned, hashed and found in words.
 */
static inline uint16_t number_of_short(struct label_table *table, struct bytes text)
{
    uint32_t n = (uint32_t)text.n, first = n < 8 ? n : 8;
    struct bytes_16 raw = bytes_load_16(text.at, n);
    __m128i clean = clean_16(_mm_set_epi64x((long long)raw.high, (long long)raw.low), table->dots);
    uint64_t word[2] = {(uint64_t)_mm_cvtsi128_si64(clean) & UINT64_MAX >> (64 - 8 * first), 0};
    uint64_t hash = mix(0, word[0]);
    if (n > 8) {
        clean = _mm_unpackhi_epi64(clean, clean);
        word[1] = (uint64_t)_mm_cvtsi128_si64(clean) & UINT64_MAX >> (128 - 8 * n);
        hash = mix(hash, word[1]);
    }
    return number_of(table, &(struct clean_text){word, n, 1 + (n > 8), (uint32_t)hash});
}

#else

static inline uint16_t number_of_short(struct label_table *table, struct bytes text)
{
    return number_of_long(table, text);
}

#endif

uint16_t label_number(struct label_table *table, struct bytes text)
{
    if (text.n == 0)
        text = BYTES("_");
    return text.n <= 16 ? number_of_short(table, text) : number_of_long(table, text);
}

bool label_table_full(const struct label_table *table)
{
    return atomic_load_explicit(&table->full, memory_order_acquire);
}

struct bytes label_text(const struct label_table *table, uint16_t number)
{
    return (struct bytes){(const char *)table->label[number].word, table->label[number].n};
}
