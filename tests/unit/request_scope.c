#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "base/process.h"
#include "request/scope.h"
#include "threads.h"

TestSuite(scope, .init = process_begin, .timeout = 60);

static int number_of(const char *app, const char *prefixes)
{
    return scope_number(bytes_of(app), bytes_of(prefixes));
}

static void assert_scope(int number, const char *app, const char *prefixes)
{
    struct scope scope = scope_of((uint8_t)number);
    cr_assert(bytes_equal(scope.app, bytes_of(app)), "%.*s", (int)scope.app.n, scope.app.at);
    cr_assert(bytes_equal(scope.prefixes, bytes_of(prefixes)), "%.*s", (int)scope.prefixes.n,
              scope.prefixes.at);
}

Test(scope, a_number_each)
{
    int one = number_of("chef", "rdbms,authz"), two = number_of("chef", "rdbms");
    int three = number_of("hero", "rdbms,authz"), none = number_of("chef", "");
    cr_assert(one > 0 && two > 0 && three > 0 && none > 0);
    cr_assert(one != two && one != three && one != none && two != three && two != none);
    assert_scope(one, "chef", "rdbms,authz");
    assert_scope(two, "chef", "rdbms");
    assert_scope(three, "hero", "rdbms,authz");
    assert_scope(none, "chef", "");
}

Test(scope, the_same_pair_has_the_same_number)
{
    int number = number_of("chef", "rdbms,authz");
    char app[] = "chef", prefixes[] = "rdbms,authz";
    cr_assert_eq(number_of(app, prefixes), number);
    memset(app, 'x', 4);
    memset(prefixes, 'x', 5);
    assert_scope(number, "chef", "rdbms,authz");
}

/* Where the one ends and the other begins counts. */
Test(scope, other_pairs_of_the_same_letters)
{
    cr_assert_neq(number_of("ab", "c"), number_of("a", "bc"));
    cr_assert_neq(number_of("", "abc"), number_of("abc", ""));
    assert_scope(number_of("a", "bc"), "a", "bc");
    assert_scope(number_of("", "abc"), "", "abc");
    assert_scope(number_of("", ""), "", "");
}

Test(scope, prefixes_are_cleaned_as_labels_are)
{
    assert_scope(number_of("a", "rd:bms,au|th\n"), "a", "rd_bms,au_th_");
    assert_scope(number_of("b", "pg.read,p-g,P_G,0"), "b", "pg.read,p-g,P_G,0");
    assert_scope(number_of("c", "\xc3\xa4,/x"), "c", "__,_x");
}

/* Blanks round a prefix are none of it, and those inside are; empty ones stay empty. */
Test(scope, blanks_round_prefixes)
{
    struct bytes prefixes = scope_of((uint8_t)number_of("a", " rd bms , x,\ty,,")).prefixes;
    const char *const expected[] = {"rd_bms", "x", "y", "", ""};
    int n = 0;
    for (struct bytes rest = prefixes; rest.at != NULL; n++) {
        struct bytes prefix = bytes_trim(bytes_cut(&rest, ','));
        cr_assert(bytes_equal(prefix, bytes_of(expected[n])), "%d: %.*s", n, (int)prefix.n,
                  prefix.at);
    }
    cr_assert_eq(n, 5);
}

Test(scope, the_app_is_kept_as_it_was_given)
{
    assert_scope(number_of("my:app", ""), "my:app", "");
}

Test(scope, two_hundred_and_fifty_five_and_no_more)
{
    char app[16];
    for (int i = 1; i < SCOPES; i++) {
        snprintf(app, sizeof app, "app-%d", i);
        cr_assert_eq(number_of(app, "x"), i);
    }
    cr_assert_eq(number_of("another", "x"), -ENOSPC);
    cr_assert_eq(number_of("app-1", "y"), -ENOSPC);
    for (int i = 1; i < SCOPES; i++) {
        snprintf(app, sizeof app, "app-%d", i);
        cr_assert_eq(number_of(app, "x"), i, "those that are known still are");
        assert_scope(i, app, "x");
    }
}

Test(scope, up_to_1000_bytes)
{
    char long_app[SCOPE_BYTES + 1], long_prefixes[SCOPE_BYTES + 1];
    memset(long_app, 'a', sizeof long_app);
    memset(long_prefixes, 'p', sizeof long_prefixes);
    struct bytes app = {long_app, 400}, prefixes = {long_prefixes, 601};
    cr_assert_eq(scope_number(app, prefixes), -ENAMETOOLONG);
    prefixes.n = 600;
    int number = scope_number(app, prefixes);
    cr_assert_gt(number, 0);
    cr_assert(bytes_equal(scope_of((uint8_t)number).app, app));
    cr_assert(bytes_equal(scope_of((uint8_t)number).prefixes, prefixes));
    cr_assert_gt(scope_number((struct bytes){long_app, SCOPE_BYTES}, BYTES("")), 0);
    cr_assert_eq(scope_number((struct bytes){long_app, SCOPE_BYTES + 1}, BYTES("")), -ENAMETOOLONG);
    cr_assert_gt(scope_number(BYTES(""), (struct bytes){long_prefixes, SCOPE_BYTES}), 0);
}

enum { ADDERS = 8, PAIRS = 200 };

static int numbers[ADDERS][PAIRS];

/* Each adds all pairs, from another one on. */
static void *add_pairs(void *number)
{
    int me = (int)(intptr_t)number;
    for (int i = 0; i < PAIRS; i++) {
        char app[16], prefixes[16];
        int pair = (i + me * PAIRS / ADDERS) % PAIRS;
        snprintf(app, sizeof app, "app-%d", pair / 10);
        snprintf(prefixes, sizeof prefixes, "prefix-%d", pair % 10);
        numbers[me][pair] = number_of(app, prefixes);
    }
    return NULL;
}

Test(scope, many_threads_agree_on_the_numbers)
{
    bool used[SCOPES] = {false};
    cr_assert(on_threads(ADDERS, add_pairs));
    for (int pair = 0; pair < PAIRS; pair++) {
        int number = numbers[0][pair];
        cr_assert(number > 0 && number <= PAIRS, "%d", number);
        cr_assert_not(used[number]);
        used[number] = true;
        for (int i = 1; i < ADDERS; i++)
            cr_assert_eq(numbers[i][pair], number);
    }
}
