#ifndef BASE_POOL_H
#define BASE_POOL_H

/*
 * pool: objects of one size, taken and given back by any thread without a lock.
 *
 * Memory comes from the kernel in slabs and is never given back, so an object's memory stays an
 * object of its kind for ever ("type-stable"): a thread that holds a stale pointer may read it and
 * find another object's life in it, never anything else. A slab is touched as its objects are first
 * taken. An object's contents survive put and get, all zero at first; whoever needs another
 * beginning makes it.
 *
 * The free list is a Treiber stack of object numbers; a tag beside the number, one more at each
 * change, keeps a slow thread from taking a head that was taken and put back meanwhile (ABA).
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_SLABS 512
#define POOL_SLAB_FIRST                                                                            \
    64 /* objects in the first slab; each further one doubles the pool, up to … */
#define POOL_SLAB_MOST 4096

struct pool {
    uint32_t object_bytes;
    uint32_t most;          /* objects at most; 0: as many as the slabs hold */
    _Atomic uint64_t free;  /* tag << 32 | number + 1; 0 in the low half: none */
    _Atomic uint32_t fresh; /* numbers below it were taken at least once */
    _Atomic(char *) *slab;  /* POOL_SLABS; apart, as zeros that no file has to hold */
};

/* A static pool of `type`, whose first member must be a pool_link. */
#define POOL(name, type, limit)                                                                    \
    static _Atomic(char *) name##_slabs[POOL_SLABS];                                               \
    static struct pool name = {.object_bytes = sizeof(type), .most = (limit), .slab = name##_slabs}

struct pool_link {
    _Atomic uint32_t next; /* the free list's */
    uint32_t number;
};

/* An object, or NULL: the limit is reached or there is no memory. */
void *pool_get(struct pool *pool);

void pool_put(struct pool *pool, void *object);

/* Forgets every object and slab, without giving back their memory: for a forked child, to which
 * they are the parent's. */
void pool_forget(struct pool *pool);

/* How many objects were ever taken; pool_at(0) to pool_at(that - 1) are readable. */
uint32_t pool_size(struct pool *pool);

/* Object `number`, or NULL while its slab is being made. */
void *pool_at(struct pool *pool, uint32_t number);

#endif
