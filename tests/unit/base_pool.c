#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/pool.h"
#include "threads.h"

struct object {
    struct pool_link link;
    _Atomic uint64_t holder;
    char padding[24];
};

POOL(pool, struct object, 0);

Test(pool, objects_are_zero_and_apart)
{
    struct object *a = pool_get(&pool), *b = pool_get(&pool);
    cr_assert_not_null(a);
    cr_assert_not_null(b);
    cr_assert_geq(llabs((char *)a - (char *)b), (long long)sizeof *a);
    cr_assert_eq(a->holder, 0);
}

Test(pool, contents_survive)
{
    struct object *object = pool_get(&pool);
    object->holder = 77;
    pool_put(&pool, object);
    cr_assert_eq(object->holder, 77, "a stale pointer may be read");
    cr_assert_eq((struct object *)pool_get(&pool), object);
    cr_assert_eq(object->holder, 77);
}

Test(pool, the_free_ones_come_before_new_ones)
{
    struct object *object[100];
    for (int i = 0; i < 100; i++)
        object[i] = pool_get(&pool);
    for (int i = 0; i < 100; i++)
        pool_put(&pool, object[i]);
    for (int i = 0; i < 100; i++)
        cr_assert_not_null(pool_get(&pool));
    cr_assert_eq(pool_size(&pool), 100);
}

Test(pool, numbers_lead_to_objects_through_all_slabs)
{
    for (uint32_t i = 0; i < 20000; i++) {
        struct object *object = pool_get(&pool);
        cr_assert_not_null(object);
        cr_assert_eq(object->link.number, i);
        cr_assert_eq(object->holder, 0, "object %u overlaps another", i);
        object->holder = i + 1;
    }
    for (uint32_t i = 0; i < 20000; i++) {
        struct object *object = pool_at(&pool, i);
        cr_assert_eq(object->holder, i + 1);
        cr_assert_eq(object->link.number, i);
    }
    cr_assert_eq(pool_size(&pool), 20000);
}

Test(pool, a_slab_that_is_not_made_has_no_objects)
{
    cr_assert_null(pool_at(&pool, 0));
    pool_get(&pool);
    cr_assert_not_null(pool_at(&pool, POOL_SLAB_FIRST - 1));
    cr_assert_null(pool_at(&pool, POOL_SLAB_FIRST));
}

Test(pool, the_limit_holds)
{
    POOL(few, struct object, 70);
    struct object *last = NULL;
    for (int i = 0; i < 70; i++)
        cr_assert_not_null(last = pool_get(&few));
    cr_assert_null(pool_get(&few));
    pool_put(&few, last);
    cr_assert_eq((struct object *)pool_get(&few), last);
    cr_assert_null(pool_get(&few));
}

Test(pool, as_many_as_the_slabs_hold)
{
    POOL(small, struct pool_link, 0);
    uint32_t n = 0;
    while (pool_get(&small) != NULL)
        n++;
    cr_assert_eq(n, (POOL_SLABS - 6) * POOL_SLAB_MOST);
}

Test(pool, forget)
{
    struct object *object = pool_get(&pool);
    pool_put(&pool, pool_get(&pool));
    pool_forget(&pool);
    cr_assert_eq(pool_size(&pool), 0);
    cr_assert_neq((struct object *)pool_get(&pool), object);
    cr_assert_eq(pool_size(&pool), 1);
}

enum { HELD = 3, ROUNDS = 1000000 };

static bool hold(struct object *object, uint64_t me)
{
    uint64_t nobody = 0;
    return object != NULL && atomic_compare_exchange_strong(&object->holder, &nobody, me);
}

static void let_go(struct object *object)
{
    atomic_store(&object->holder, 0);
    pool_put(&pool, object);
}

/* Never is an object held by two. */
static void *get_and_put(void *number)
{
    struct object *held[HELD] = {NULL};
    uint64_t me = (uint64_t)(uintptr_t)number + 1, random = me;
    for (int i = 0; i < ROUNDS; i++) {
        struct object **place = &held[next_random(&random) % HELD];
        if (*place != NULL)
            let_go(*place);
        *place = pool_get(&pool);
        if (!hold(*place, me))
            return "held by two";
    }
    return NULL;
}

Test(pool, threads_never_share_an_object)
{
    cr_assert(on_threads(4, get_and_put));
    cr_assert_leq(pool_size(&pool), 4 * HELD);
}
