#include <criterion/criterion.h>
#include <time.h>

#include "glob_model.h"
#include "metric/route.h"

/* The label of `target` under the rules `text`. */
static struct bytes label(const char *text, const char *target)
{
    static struct routes routes;
    routes_parse(&routes, bytes_of(text), NULL);
    return routes_label(&routes, bytes_of(target));
}

#define assert_label(text, target, expected)                                                       \
    do {                                                                                           \
        struct bytes is = label(text, target);                                                     \
        cr_assert(bytes_equal(is, bytes_of(expected)), "%s under %s: %.*s, not %s", target, text,  \
                  (int)is.n, is.at, expected);                                                     \
    } while (0)

Test(route, the_first_segment)
{
    static const char *const cases[][2] = {
        {"/", "root"},
        {"/users", "users"},
        {"/users/", "users"},
        {"/users/42/posts", "users"},
        {"/users?page=2", "users"},
        {"/?page=2", "root"},
        {"/#top", "root"},
        {"/a#b?c/d", "a"},
        {"//double//slash", "double"},
        {"////", "root"},
        {"/index.html", "index.html"},
        {"/a:b|c@d", "a:b|c@d"},
        {"/%20", "%20"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_label("", cases[i][0], cases[i][1]);
}

Test(route, an_id_in_the_first_segment)
{
    static const char *const cases[][2] = {
        {"/42/posts", "id"},
        {"/0", "id"},
        {"/123456789012345678901234567890", "id"},
        {"/6f1ed002-ab55-9585-9014-ebf0951522d9", "id"},
        {"/6F1ED002-AB55-9585-9014-EBF0951522D9/x", "id"},
        {"/6f1ed002-ab55-9585-9014-ebf0951522dg", "6f1ed002-ab55-9585-9014-ebf0951522dg"},
        {"/6f1ed002-ab55-9585-9014-ebf0951522d", "6f1ed002-ab55-9585-9014-ebf0951522d"},
        {"/6f1ed002ab5595859-14-ebf0-951522d9ff", "6f1ed002ab5595859-14-ebf0-951522d9ff"},
        {"/0123456789abcdef", "id"},
        {"/0123456789ABCDEF0", "id"},
        {"/deadbeefdeadbee", "deadbeefdeadbee"},
        {"/deadbeef", "deadbeef"},
        {"/42a", "42a"},
        {"/-42", "-42"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_label("", cases[i][0], cases[i][1]);
}

Test(route, targets_in_other_forms)
{
    static const char *const cases[][2] = {
        {"http://example.com/users/1", "users"},
        {"HTTPS://example.com:8443/users?x", "users"},
        {"http://example.com", "root"},
        {"http://example.com/", "root"},
        {"http://example.com?x=/users", "root"},
        {"http:///users", "users"},
        {"*", "_"},
        {"", "_"},
        {"?x", "_"},
        {"example.com:443", "_"},
        {"127.0.0.1:443", "_"},
        {"users/1", "_"},
        {"a/b://c/d", "_"},
        {"http:/users", "_"},
        {":", "_"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_label("", cases[i][0], cases[i][1]);
}

Test(route, rules)
{
    static const char *const cases[][3] = {
        {"/users/*/posts=user_posts", "/users/42/posts", "user_posts"},
        {"/users/*/posts=user_posts", "/users/42/posts?page=1", "user_posts"},
        {"/users/*/posts=user_posts", "http://h/users/42/posts", "user_posts"},
        {"/users/*/posts=user_posts", "/users//posts", "users"},
        {"/users/*/posts=user_posts", "/users/4/2/posts", "users"},
        {"/users/*/posts=user_posts", "/users/42/posts/", "users"},
        {"/a=exact", "/a", "exact"},
        {"/a=exact", "/ab", "ab"},
        {"/a=exact", "/", "root"},
        {"/a/*=one;/a/**=more", "/a/b", "one"},
        {"/a/*=one;/a/**=more", "/a/b/c", "more"},
        {"/a/*=one;/a/**=more", "/a/", "more"},
        {"/a/*=one;/a/**=more", "/a", "a"},
        {"/a=first;/a=second", "/a", "first"},
        {"/**/end=end", "/x/y/z/end", "end"},
        {"/**/end=end", "/end", "end"},
        {"/**/end=end", "//end", "end"},
        {"/v*/x-*.json=json", "/v1/x-abc.json", "json"},
        {"/v*/x-*.json=json", "/v1/x-.json", "v1"},
        {"/v*/x-*.json=json", "/v1/x-a.jso.json.json", "json"},
        {"**=all", "/", "all"},
        {"**=all", "example.com:443", "all"},
        {"*=star", "*", "star"},
        {"*=star", "/a", "a"},
        {"**.php=php", "/a/b/index.php?x", "php"},
        {"/***/x=y", "/a/b/x", "y"},
        {"/***/x=y", "//x", "x"},
        {"/a=b=c", "/a=b", "c"},
        {" /a = x y ", "/a", "x y"},
        {"/a=x.y;", "/a", "x.y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_label(cases[i][0], cases[i][1], cases[i][2]);
}

static size_t refusals;
static struct bytes last_refused;

static void count_refusal(struct bytes rule, const char *accepted)
{
    cr_assert(accepted[0] != '\0');
    last_refused = rule;
    refusals++;
}

Test(route, rules_that_cannot_be_used_are_told)
{
    static struct routes routes = {.n = 3};
    struct bytes text = BYTES("/a; =x ;b=c;/d=;;  ; /ok=1 ;/e= ;=");
    routes_parse(&routes, text, count_refusal);
    cr_assert_eq(refusals, 6);
    cr_assert(bytes_equal(last_refused, BYTES("=")));
    cr_assert_eq(routes.n, 1);
    cr_assert(bytes_equal(routes.rule[0].pattern, BYTES("/ok")));
    routes_parse(&routes, text, NULL);
    cr_assert_eq(routes.n, 1);
    routes_parse(&routes, BYTES(""), count_refusal);
    cr_assert_eq(routes.n, 0);
    cr_assert_eq(refusals, 6);
}

Test(route, rules_past_the_most_are_told)
{
    static struct routes routes;
    static char text[8 * (ROUTE_RULES_MOST + 3)];
    struct writer w = writer_on(text, sizeof text);
    for (size_t i = 0; i < ROUTE_RULES_MOST + 3; i++) {
        put_string(&w, "/");
        put_u64(&w, i);
        put_string(&w, "=x;");
    }
    cr_assert_not(w.full);
    routes_parse(&routes, (struct bytes){text, w.n}, count_refusal);
    cr_assert_eq(routes.n, ROUTE_RULES_MOST);
    cr_assert_eq(refusals, 3);
    cr_assert(bytes_equal(last_refused, BYTES("/130=x")));
}

/* The `index`-th text of `n` bytes of the alphabet. */
static void spell(char *at, size_t n, const char *alphabet, size_t index)
{
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < n; i++, index /= letters)
        at[i] = alphabet[index % letters];
}

static size_t power(size_t base, size_t exponent)
{
    return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

/* Every short pattern against every short path, with a plain recursive reading of the rules. */
Test(route, agrees_with_the_plain_reading)
{
    static struct routes routes = {.n = 1};
    char pattern[8], path[8];
    for (size_t m = 1; m <= 6; m++)
        for (size_t i = 0; i < power(3, m); i++) {
            spell(pattern, m, "*/a", i);
            struct bytes whole_pattern = {pattern, m};
            routes.rule[0] = (struct route_rule){whole_pattern, BYTES("MATCH")};
            for (size_t n = 1; n <= 7; n++)
                for (size_t j = 0; j < power(2, n); j++) {
                    spell(path, n, "/a", j);
                    struct bytes whole = {path, n};
                    bool matched = bytes_equal(routes_label(&routes, whole), BYTES("MATCH"));
                    cr_assert_eq(matched, glob_model(whole_pattern, whole), "%.*s on %.*s", (int)m,
                                 pattern, (int)n, path);
                }
        }
}

/* Many stars, and a path that nearly matches in very many ways. */
Test(route, no_path_takes_long, .timeout = 20)
{
    static const char *const patterns[] = {
        "/**a*a*a*a*a*a*a*a*a*a*a*a*b=x",   "/**/a*/**/*a/**/*a*/**/a*a/**b=x",
        "**a**a**a**a**a**a**a**a**a**b=x", "**aaaaaaaaaaaaaaaaaaaaaaaaaaaab=x",
        "/***a/*a/*a/*a/*a/*a/*a/*a/*b=x",
    };
    static const size_t segments[] = {2, 3, 7, 1000, 20000, SIZE_MAX};
    static char path[1 << 16];
    for (size_t s = 0; s < sizeof segments / sizeof *segments; s++) {
        for (size_t i = 0; i < sizeof path; i++)
            path[i] = i % segments[s] == 0 ? '/' : 'a';
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
            static struct routes routes;
            routes_parse(&routes, bytes_of(patterns[i]), NULL);
            clock_t began = clock();
            struct bytes is = routes_label(&routes, (struct bytes){path, sizeof path});
            cr_assert_not(bytes_equal(is, BYTES("x")));
            cr_assert_leq((double)(clock() - began) / CLOCKS_PER_SEC, 0.5, "%s", patterns[i]);
        }
    }
}
