#include "request/id.h"

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
    uint32_t n = atomic_load_explicit(&id->n, memory_order_relaxed);
    for (uint32_t i = 0; i * 8 < n; i++) {
        uint64_t word = atomic_load_explicit(&id->word[i], memory_order_relaxed);
        memcpy(copy + i * 8, &word, sizeof word);
    }
    return n;
}

bool request_id_equal(const struct request_id *a, const struct request_id *b)
{
    uint32_t n = atomic_load_explicit(&a->n, memory_order_acquire);
    if (n != atomic_load_explicit(&b->n, memory_order_acquire))
        return false;
    for (uint32_t i = 0; i * 8 < n; i++)
        if (atomic_load_explicit(&a->word[i], memory_order_acquire) !=
            atomic_load_explicit(&b->word[i], memory_order_acquire))
            return false;
    return true;
}
