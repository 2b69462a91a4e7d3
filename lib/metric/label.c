#include "metric/label.h"

#include <errno.h>

#include "base/sys.h"

/* 0 for the bytes that may not stand in a key part. */
static const char legal[256] = {
#define SAME(c) [c] = (c)
#define SAME4(c) SAME(c), SAME((c) + 1), SAME((c) + 2), SAME((c) + 3)
    SAME4('A'), SAME4('E'), SAME4('I'), SAME4('M'), SAME4('Q'), SAME4('U'), SAME('Y'), SAME('Z'),
    SAME4('a'), SAME4('e'), SAME4('i'), SAME4('m'), SAME4('q'), SAME4('u'), SAME('y'), SAME('z'),
    SAME4('0'), SAME4('4'), SAME('8'), SAME('9'), SAME('_'), SAME('-'),
#undef SAME4
#undef SAME
};

static char clean(char c)
{
    char kept = legal[(unsigned char)c];
    return kept != 0 ? kept : '_';
}

size_t label_clean_name(char *out, size_t size, struct bytes name)
{
    size_t n = name.n < size ? name.n : size;
    for (size_t i = 0; i < n; i++)
        out[i] = name.at[i] == '.' ? '.' : clean(name.at[i]);
    if (n == 0)
        out[n++] = '_';
    return n;
}

/* A cleaned label and its hash (FNV-1a), in one pass. */
static struct label cleaned(struct bytes text, bool dots)
{
    struct label label;
    uint32_t hash = 2166136261;
    size_t n = text.n < LABEL_BYTES ? text.n : LABEL_BYTES;
    for (size_t i = 0; i < n; i++) {
        label.text[i] = dots && text.at[i] == '.' ? '.' : clean(text.at[i]);
        hash = (hash ^ (unsigned char)label.text[i]) * 16777619;
    }
    if (n == 0) {
        label.text[n++] = '_';
        hash = '_';
    }
    label.n = (uint8_t)n;
    label.hash = hash ^ hash >> 15;
    return label;
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
    memcpy(table->label[LABEL_OTHER].text, "other", 5);
    return 0;
}

/* The label's number, or 0 with the free slot where its search ended in `*at`. */
static uint16_t find(const struct label_table *table, const struct label *wanted, uint32_t *at)
{
    uint32_t mask = table->slots - 1;
    for (uint32_t i = wanted->hash & mask;; i = (i + 1) & mask) {
        uint16_t number = atomic_load_explicit(&table->slot[i], memory_order_acquire);
        const struct label *here = &table->label[number];
        *at = i;
        if (number == 0 || (here->hash == wanted->hash && here->n == wanted->n &&
                            memcmp(here->text, wanted->text, wanted->n) == 0))
            return number;
    }
}

static __attribute__((noinline, cold)) uint16_t add(struct label_table *table,
                                                    const struct label *wanted)
{
    uint32_t at;
    if (atomic_load_explicit(&table->n, memory_order_relaxed) >= table->most)
        return LABEL_OTHER;
    if (!lock_take(&table->adding))
        return LABEL_OTHER;
    uint16_t number = find(table, wanted, &at);
    uint32_t n = atomic_load_explicit(&table->n, memory_order_relaxed);
    if (number == 0 && n < table->most) {
        number = (uint16_t)(n + 1);
        table->label[number] = *wanted;
        atomic_store_explicit(&table->n, n + 1, memory_order_relaxed);
        atomic_store_explicit(&table->slot[at], number, memory_order_release);
    }
    lock_release(&table->adding);
    return number;
}

uint16_t label_number(struct label_table *table, struct bytes text)
{
    uint32_t at;
    struct label wanted = cleaned(text, table->dots);
    uint16_t number = find(table, &wanted, &at);
    return number != 0 ? number : add(table, &wanted);
}

struct bytes label_text(const struct label_table *table, uint16_t number)
{
    return (struct bytes){table->label[number].text, table->label[number].n};
}
