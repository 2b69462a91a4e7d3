#include <criterion/criterion.h>

#include "base/process.h"
#include "flow/session_table.h"
#include "threads.h"

TestSuite(session_table, .init = process_begin, .timeout = 60);

static const void *key_of(uintptr_t n)
{
    return (const void *)(0x7f0000000000u + n * 0x350);
}

static void put(uintptr_t n, uint64_t word)
{
    cr_assert(session_table_put(&(struct session){key_of(n), word, (int)n, 0}));
}

static void assert_known(uintptr_t n, uint64_t word)
{
    struct session session;
    cr_assert(session_table_find(key_of(n), &session), "%zu", (size_t)n);
    cr_assert_eq(session.key, key_of(n));
    cr_assert_eq(session.word, word);
    cr_assert_eq(session.fd, (int)n);
}

static void assert_unknown(uintptr_t n)
{
    struct session session;
    cr_assert(!session_table_find(key_of(n), &session), "%zu", (size_t)n);
    cr_assert_eq(session.word, 0);
    cr_assert_eq(session.fd, -1);
}

Test(session_table, nothing_is_known_at_first)
{
    assert_unknown(1);
    session_table_remove(key_of(1));
    assert_unknown(1);
}

Test(session_table, put_replace_remove)
{
    put(1, 10);
    put(2, 20);
    assert_known(1, 10);
    put(1, 11);
    assert_known(1, 11);
    assert_known(2, 20);
    session_table_remove(key_of(1));
    assert_unknown(1);
    assert_known(2, 20);
}

Test(session_table, who_holds_a_session_is_remembered)
{
    session_table_hold(key_of(1));
    assert_unknown(1);
    put(1, 10);
    session_table_hold(key_of(1));
    put(1, 11);
    assert_known(1, 11);
    cr_assert(session_table_let_go(key_of(1)));
    session_table_clear(key_of(1));
    assert_unknown(1);
    put(1, 12);
    cr_assert(session_table_let_go(key_of(1)));
    cr_assert_not(session_table_let_go(key_of(1)), "the first one is left");
    assert_known(1, 12);
    session_table_hold(key_of(1));
    session_table_remove(key_of(1));
    cr_assert_not(session_table_let_go(key_of(1)));
    session_table_clear(key_of(1));
    assert_unknown(1);
}

Test(session_table, grows)
{
    enum { MANY = 100000 };
    for (uintptr_t n = 0; n < MANY; n++)
        put(n, n + 1);
    for (uintptr_t n = 0; n < MANY; n++)
        assert_known(n, n + 1);
    for (uintptr_t n = 0; n < MANY; n += 2)
        session_table_remove(key_of(n));
    for (uintptr_t n = 0; n < MANY; n++)
        n % 2 == 0 ? assert_unknown(n) : assert_known(n, n + 1);
}

/* Against an array, with few keys, so that chains form and holes open in them. */
Test(session_table, as_an_array_would_have_it)
{
    enum { KEYS = 1500, STEPS = 400000 };
    static uint64_t known[KEYS];
    uint64_t seed = 7;
    for (int i = 0; i < STEPS; i++) {
        uintptr_t n = next_random(&seed) % KEYS;
        uint64_t word = next_random(&seed) % 3 == 0 ? 0 : (uint64_t)i + 1;
        known[n] = word;
        if (word == 0)
            session_table_remove(key_of(n));
        else
            put(n, word);
    }
    for (uintptr_t n = 0; n < KEYS; n++)
        known[n] == 0 ? assert_unknown(n) : assert_known(n, known[n]);
}

/* Returns a key that is not known as it should be. */
static void *come_and_go(void *number)
{
    uintptr_t first = (uintptr_t)number * 1000 + 1;
    struct session session;
    for (int round = 0; round < 200; round++) {
        for (uintptr_t n = first; n < first + 100; n++)
            if (!session_table_put(&(struct session){key_of(n), n, -1, 0}))
                return (void *)key_of(n);
        for (uintptr_t n = first; n < first + 100; n++) {
            if (!session_table_find(key_of(n), &session) || session.word != n)
                return (void *)key_of(n);
            session_table_remove(key_of(n));
        }
    }
    return NULL;
}

Test(session_table, threads)
{
    cr_assert(on_threads(4, come_and_go));
}
