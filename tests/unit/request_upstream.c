#include <criterion/criterion.h>
#include <stdio.h>

#include "base/process.h"
#include "request/names.h"
#include "request/upstream.h"

static struct config config;
static struct timer timer[TIMERS_MOST];
static struct upstream list[TIMERS_MOST];
static size_t timers;

static void begin(void)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    config.max_labels = 1000;
    cr_assert_eq(names_begin(&config), 0);
}

TestSuite(upstream, .init = begin);

static void add(const char *label, uint64_t time_us)
{
    timer[timers++] = (struct timer){label_number(&names.timers, bytes_of(label)), 1, time_us};
}

/* What the prefixes take, a line "PREFIX LABEL TIME COUNT" each, then a line "PREFIX TIME COUNT"
 * for each sum. */
static const char *taken_by(struct upstream_rule rule)
{
    static char text[20000];
    struct upstream sum;
    size_t n = upstream_list(&rule, timer, timers, list), used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s %.*s %lu %lu\n",
                                 (int)list[i].prefix.n, list[i].prefix.at, (int)list[i].label.n,
                                 list[i].label.at, list[i].time_us, list[i].count);
    for (size_t at = 0; upstream_sum(list, n, &at, &sum);)
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s %lu %lu\n",
                                 (int)sum.label.n, sum.label.at, sum.time_us, sum.count);
    return text;
}

#define assert_taken(prefixes, expected)                                                           \
    cr_assert_str_eq(taken_by((struct upstream_rule){BYTES(prefixes), false}), expected)

Test(upstream, nothing_of_nothing)
{
    assert_taken("rdbms", "");
    add("rdbms.x", 5);
    assert_taken("", "");
}

Test(upstream, sorted_by_prefix_and_label)
{
    add("rdbms.nodes.put", 200);
    add("authz.nodes.read", 100);
    add("rdbms.micro", 3);
    add("rdbms.nodes.fetch", 1000);
    add("authz", 7);
    assert_taken("rdbms,couchdb,authz", "authz authz 7 1\n"
                                        "authz authz.nodes.read 100 1\n"
                                        "rdbms rdbms.micro 3 1\n"
                                        "rdbms rdbms.nodes.fetch 1000 1\n"
                                        "rdbms rdbms.nodes.put 200 1\n"
                                        "authz 107 2\n"
                                        "rdbms 1203 3\n");
}

Test(upstream, what_no_prefix_matches_is_left_out)
{
    add("no-such-prefix.who", 77);
    add("xrdbms", 1);
    add("rdbm", 2);
    add("RDBMS.x", 3);
    add("rdbms", 4);
    assert_taken("rdbms,couchdb", "rdbms rdbms 4 1\nrdbms 4 1\n");
}

Test(upstream, a_prefix_is_a_plain_string_prefix)
{
    add("rdbms.x", 1);
    add("rdb", 2);
    assert_taken("rdb", "rdb rdb 2 1\nrdb rdbms.x 1 1\nrdb 3 2\n");
}

Test(upstream, the_first_configured_prefix_that_matches_takes_the_label)
{
    add("rdbms.x", 1);
    add("rdb.y", 2);
    assert_taken("rdb,rdbms", "rdb rdb.y 2 1\nrdb rdbms.x 1 1\nrdb 3 2\n");
    assert_taken("rdbms,rdb", "rdb rdb.y 2 1\nrdbms rdbms.x 1 1\nrdb 2 1\nrdbms 1 1\n");
}

Test(upstream, blanks_and_empty_prefixes_are_none)
{
    add("a.x", 1);
    add("b.x", 2);
    assert_taken(", ,  a ,,", "a a.x 1 1\na 1 1\n");
}

Test(upstream, first_parts_without_prefixes)
{
    add("redis", 1);
    add("pg.b", 2);
    add("pg.a.c", 3);
    cr_assert_str_eq(taken_by((struct upstream_rule){BYTES(""), true}),
                     "pg pg.a.c 3 1\npg pg.b 2 1\nredis redis 1 1\npg 5 2\nredis 1 1\n");
}

Test(upstream, a_sum_saturates)
{
    add("a.x", INT64_MAX);
    add("a.y", 1);
    add("a.z", INT64_MAX);
    add("b.x", INT64_MAX - 1);
    add("b.y", 1);
    struct upstream sum;
    size_t at = 0, n = upstream_list(&(struct upstream_rule){BYTES("a,b"), false}, timer, 5, list);
    cr_assert(upstream_sum(list, n, &at, &sum));
    cr_assert_eq(sum.time_us, INT64_MAX);
    cr_assert_eq(sum.count, 3);
    cr_assert(upstream_sum(list, n, &at, &sum));
    cr_assert_eq(sum.time_us, INT64_MAX);
    cr_assert_not(upstream_sum(list, n, &at, &sum));
}

Test(upstream, counts_are_summed_past_32_bits)
{
    add("a.x", 1);
    add("a.y", 1);
    timer[0].count = timer[1].count = UINT32_MAX;
    assert_taken("a", "a a.x 1 4294967295\na a.y 1 4294967295\na 2 8589934590\n");
}

Test(upstream, as_many_as_a_request_can_have)
{
    for (int i = 0; i < TIMERS_MOST; i++) {
        char label[32];
        snprintf(label, sizeof label, "p%d.%d", i % 5, (i * 7919) % TIMERS_MOST);
        add(label, 1);
    }
    struct upstream_rule rule = {BYTES("p0,p1,p2,p3,p4"), false};
    cr_assert_eq(upstream_list(&rule, timer, timers, list), TIMERS_MOST);
    for (int i = 1; i < TIMERS_MOST; i++) {
        struct bytes a = list[i - 1].label, b = list[i].label;
        int order = memcmp(a.at, b.at, a.n < b.n ? a.n : b.n);
        cr_assert(order < 0 || (order == 0 && a.n < b.n));
    }
}
