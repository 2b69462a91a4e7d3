#include "base/pool.h"

#include "base/sys.h"

/* Slabs hold 64, 64, 128, 256, … up to 4,096 objects: slab and place follow from the number. */
static uint32_t slab_first(uint32_t slab)
{
    const uint32_t doublings = 6; /* log2(POOL_SLAB_MOST / POOL_SLAB_FIRST) */
    if (slab == 0)
        return 0;
    if (slab <= doublings + 1)
        return (uint32_t)POOL_SLAB_FIRST << (slab - 1);
    return (uint32_t)POOL_SLAB_MOST * (slab - doublings);
}

static uint32_t slab_of(uint32_t number)
{
    if (number < POOL_SLAB_FIRST)
        return 0;
    if (number >= POOL_SLAB_MOST)
        return number / POOL_SLAB_MOST + 6;
    return (uint32_t)(31 - __builtin_clz(number)) - 6 + 1;
}

static size_t slab_bytes(const struct pool *pool, uint32_t slab)
{
    size_t objects = slab_first(slab + 1) - slab_first(slab);
    return sys_whole_pages(objects * pool->object_bytes);
}

/* The slab's memory, made by the first who needs it; a second maker's is given back. */
static char *slab_memory(struct pool *pool, uint32_t slab)
{
    char *memory = atomic_load_explicit(&pool->slab[slab], memory_order_acquire);
    if (memory != NULL)
        return memory;
    size_t size = slab_bytes(pool, slab);
    char *made = sys_pages(size);
    if (made == NULL)
        return NULL;
    if (atomic_compare_exchange_strong(&pool->slab[slab], &memory, made))
        return made;
    sys_pages_free(made, size);
    return memory;
}

void *pool_at(struct pool *pool, uint32_t number)
{
    uint32_t slab = slab_of(number);
    char *memory = atomic_load_explicit(&pool->slab[slab], memory_order_acquire);
    if (memory == NULL)
        return NULL;
    return memory + (size_t)(number - slab_first(slab)) * pool->object_bytes;
}

uint32_t pool_size(struct pool *pool)
{
    return atomic_load_explicit(&pool->fresh, memory_order_acquire);
}

static struct pool_link *take_free(struct pool *pool)
{
    uint64_t head = atomic_load_explicit(&pool->free, memory_order_acquire);
    for (;;) {
        uint32_t top = (uint32_t)head;
        if (top == 0)
            return NULL;
        struct pool_link *link = pool_at(pool, top - 1);
        uint64_t below = atomic_load_explicit(&link->next, memory_order_relaxed);
        uint64_t tag = ((head >> 32) + 1) << 32;
        if (atomic_compare_exchange_weak_explicit(&pool->free, &head, tag | below,
                                                  memory_order_acquire, memory_order_acquire))
            return link;
    }
}

static struct pool_link *take_fresh(struct pool *pool)
{
    uint32_t limit = slab_first(POOL_SLABS);
    if (pool->most != 0 && pool->most < limit)
        limit = pool->most;
    uint32_t number = atomic_load_explicit(&pool->fresh, memory_order_relaxed);
    do {
        if (number >= limit || slab_memory(pool, slab_of(number)) == NULL)
            return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&pool->fresh, &number, number + 1,
                                                    memory_order_acq_rel, memory_order_relaxed));
    struct pool_link *link = pool_at(pool, number);
    link->number = number;
    return link;
}

void *pool_get(struct pool *pool)
{
    struct pool_link *link = take_free(pool);
    return link != NULL ? link : take_fresh(pool);
}

void pool_put(struct pool *pool, void *object)
{
    struct pool_link *link = object;
    uint64_t head = atomic_load_explicit(&pool->free, memory_order_relaxed);
    uint64_t changed;
    do {
        atomic_store_explicit(&link->next, (uint32_t)head, memory_order_relaxed);
        changed = ((head >> 32) + 1) << 32 | (link->number + 1);
    } while (!atomic_compare_exchange_weak_explicit(&pool->free, &head, changed,
                                                    memory_order_release, memory_order_relaxed));
}

void pool_forget(struct pool *pool)
{
    atomic_store(&pool->free, 0);
    atomic_store(&pool->fresh, 0);
    for (uint32_t i = 0; i < POOL_SLABS; i++)
        atomic_store(&pool->slab[i], NULL);
}
