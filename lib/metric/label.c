#include "metric/label.h"

#include <errno.h>

#include "base/sys.h"

/* What each byte becomes; 0 stands for `_`. */
static const char legal[256] = {
#define SAME(c) [c] = (c)
#define SAME4(c) SAME(c), SAME((c) + 1), SAME((c) + 2), SAME((c) + 3)
    SAME4('A'), SAME4('E'), SAME4('I'), SAME4('M'), SAME4('Q'), SAME4('U'), SAME('Y'), SAME('Z'),
    SAME4('a'), SAME4('e'), SAME4('i'), SAME4('m'), SAME4('q'), SAME4('u'), SAME('y'), SAME('z'),
    SAME4('0'), SAME4('4'), SAME('8'), SAME('9'), SAME('_'), SAME('-'),
#undef SAME4
#undef SAME
};

static char clean_byte(char c, bool dots)
{
    char kept = legal[(unsigned char)c];
    if (c == '.' && dots)
        return '.';
    return kept != 0 ? kept : '_';
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
    return (n + 4095) & ~(size_t)4095;
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
    for (int c = 0; c < 256; c++)
        table->legal[c] = clean_byte((char)c, table->dots);
    return 0;
}

/* A clean label's text in words, its last word's unused bytes 0, as tables keep it. */
struct clean_text {
    uint64_t word[LABEL_BYTES / 8];
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

static __attribute__((noinline, cold)) uint16_t add(struct label_table *table,
                                                    const struct clean_text *text)
{
    uint32_t at;
    if (atomic_load_explicit(&table->n, memory_order_relaxed) >= table->most)
        return LABEL_OTHER;
    if (!lock_take(&table->adding))
        return LABEL_OTHER;
    uint16_t number = find(table, text, &at);
    uint32_t n = atomic_load_explicit(&table->n, memory_order_relaxed);
    if (number == 0 && n < table->most) {
        number = (uint16_t)(n + 1);
        struct label *label = &table->label[number];
        label->hash = text->hash;
        label->n = (uint8_t)text->n;
        memcpy(label->word, text->word, text->words * sizeof(uint64_t));
        atomic_store_explicit(&table->n, n + 1, memory_order_relaxed);
        atomic_store_explicit(&table->slot[at], number, memory_order_release);
    }
    lock_release(&table->adding);
    return number;
}

/* Up to eight bytes, cleaned, as one word. */
static inline uint64_t clean_word(const struct label_table *table, const char *at, uint32_t n)
{
    uint64_t word = 0;
    while (n-- > 0)
        word = word << 8 | (unsigned char)table->legal[(unsigned char)at[n]];
    return word;
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

static __attribute__((noinline)) uint16_t number_of_long(struct label_table *table,
                                                         struct bytes text)
{
    struct clean_text label = {.n = text.n < LABEL_BYTES ? (uint32_t)text.n : LABEL_BYTES};
    uint64_t hash = 0;
    for (uint32_t i = 0; i < label.n; i += 8) {
        uint64_t word = clean_word(table, text.at + i, label.n - i < 8 ? label.n - i : 8);
        label.word[label.words++] = word;
        hash = mix(hash, word);
    }
    label.hash = (uint32_t)hash;
    return number_of(table, &label);
}

/* Most labels and nearly all methods fit one word. */
uint16_t label_number(struct label_table *table, struct bytes text)
{
    struct clean_text label = {.words = 1};
    if (text.n == 0)
        text = BYTES("_");
    if (text.n > 8)
        return number_of_long(table, text);
    label.n = (uint32_t)text.n;
    label.word[0] = clean_word(table, text.at, label.n);
    label.hash = (uint32_t)mix(0, label.word[0]);
    return number_of(table, &label);
}

struct bytes label_text(const struct label_table *table, uint16_t number)
{
    return (struct bytes){(const char *)table->label[number].word, table->label[number].n};
}
