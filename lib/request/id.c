#include "request/id.h"

#include "base/sys.h"

/* Each word is stored with release: who reads a new one, with acquire, then finds the version
 * changed. */
void request_id_set(struct request_id *id, struct bytes text)
{
    uint32_t n = text.n < REQUEST_ID_BYTES ? (uint32_t)text.n : REQUEST_ID_BYTES;
    uint32_t version = atomic_load_explicit(&id->version, memory_order_relaxed);
    atomic_store_explicit(&id->version, version + 1, memory_order_relaxed);
    uint64_t word = 0;
    for (uint32_t i = 0; i < n / 8; i++) {
        memcpy(&word, text.at + i * 8, 8);
        atomic_store_explicit(&id->word[i], word, memory_order_release);
    }
    if (n % 8 != 0) {
        word = 0;
        memcpy(&word, text.at + n / 8 * 8, n % 8);
        atomic_store_explicit(&id->word[n / 8], word, memory_order_release);
    }
    atomic_store_explicit(&id->n, n, memory_order_release);
    atomic_store_explicit(&id->version, version + 2, memory_order_release);
}

uint32_t request_id_copy(const struct request_id *id, char *copy)
{
    uint32_t n = atomic_load_explicit(&id->n, memory_order_acquire);
    for (uint32_t i = 0; i * 8 < n; i++) {
        uint64_t word = atomic_load_explicit(&id->word[i], memory_order_acquire);
        memcpy(copy + i * 8, &word, sizeof word);
    }
    return n;
}

static void put_hex(char *out, uint64_t number)
{
    for (int i = 15; i >= 0; i--, number >>= 4)
        out[i] = "0123456789abcdef"[number & 15];
}

/* Both halves begin at random; the lower one is counted. Two ids of one supply differ in the count,
 * two supplies' in the upper half, wherever they are. */
void id_supply_begin(struct id_supply *supply)
{
    uint64_t random[2] = {0, 0};
    sys_getrandom(random, sizeof random);
    put_hex(supply->last, random[0]);
    put_hex(supply->last + 16, random[1]);
}

/* Counts in hexadecimal text: most often one digit changes. */
struct bytes id_supply_next(struct id_supply *supply)
{
    char *digit = supply->last + MADE_ID_BYTES - 1;
    while (*digit == 'f' && digit > supply->last + MADE_ID_BYTES / 2)
        *digit-- = '0';
    *digit = *digit == '9' ? 'a' : *digit == 'f' ? '0' : (char)(*digit + 1);
    return (struct bytes){supply->last, MADE_ID_BYTES};
}
