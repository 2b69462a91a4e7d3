/* Threads that take objects and give them back: none is ever held by two. */
#include "base/pool.h"
#include "stress.h"

enum { THREADS = 4, ROUNDS = 3000000, HELD = 16 };

struct object {
    struct pool_link link;
    uint64_t holder; /* plain: only its holder touches it */
};

POOL(pool, struct object, THREADS *HELD);

static void let_go(struct object *object, uint64_t me)
{
    expect(object->holder == me);
    object->holder = 0;
    pool_put(&pool, object);
}

static struct object *hold(uint64_t me)
{
    struct object *object = pool_get(&pool);
    expect(object != NULL);
    expect(object->holder == 0);
    object->holder = me;
    return object;
}

static void *get_and_put(void *number)
{
    struct object *held[HELD] = {NULL};
    uint64_t me = (uint64_t)(uintptr_t)number + 1, random = me;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t at = next_random(&random) % HELD;
        if (held[at] != NULL)
            let_go(held[at], me);
        held[at] = random >> 32 & 1 ? hold(me) : NULL;
    }
    for (int i = 0; i < HELD; i++)
        if (held[i] != NULL)
            let_go(held[i], me);
    return NULL;
}

int main(void)
{
    on_threads(THREADS, get_and_put);
    for (int i = 0; i < THREADS * HELD; i++)
        hold(1);
    expect(pool_get(&pool) == NULL);
    return 0;
}
