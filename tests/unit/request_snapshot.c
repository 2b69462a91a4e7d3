#include <criterion/criterion.h>
#include <stdio.h>

#include "base/process.h"
#include "request/names.h"
#include "request/snapshot.h"

static struct config config;
static struct snapshot snapshot;

static void add(const char *label, uint32_t count, uint64_t time_us)
{
    snapshot.timer[snapshot.timers++] =
        (struct timer){label_number(&names.timers, bytes_of(label)), count, time_us};
}

/* The original's example, with timers in the order in which they came. */
static void begin(void)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    cr_assert_eq(names_begin(&config), 0);
    snapshot.rule = (struct upstream_rule){BYTES("rdbms,couchdb,authz"), false};
    snapshot.request_us = 109123;
}

TestSuite(snapshot, .init = begin);

static void add_example(void)
{
    add("rdbms.nodes.put", 1, 200000);
    add("no-such-prefix.who", 1, 77000);
    add("authz.nodes.read", 1, 100000);
    add("rdbms.nodes.fetch", 2, 1000000);
}

struct text {
    size_t n;
    char at[2000];
};

static void put_entry(void *context, struct bytes name, uint64_t time_us, uint64_t count)
{
    struct text *text = context;
    text->n += (size_t)snprintf(text->at + text->n, sizeof text->at - text->n, "%.*s %lu %lu\n",
                                (int)name.n, name.at, time_us, count);
}

static const char *told(enum snapshot_detail detail)
{
    static struct text text;
    text = (struct text){0, ""};
    snapshot_tell(&snapshot, detail, put_entry, &text);
    return text.at;
}

Test(snapshot, without_timers_the_requests_time)
{
    cr_assert_str_eq(told(SNAPSHOT_AGG), "req_time 109123 0\n");
    cr_assert_str_eq(told(SNAPSHOT_NO_AGG), "req_time 109123 0\n");
    cr_assert_str_eq(told(SNAPSHOT_ALL), "req_time 109123 0\n");
}

Test(snapshot, agg_is_per_prefix)
{
    add_example();
    cr_assert_str_eq(told(SNAPSHOT_AGG), "req_time 109123 0\n"
                                         "authz 100000 1\n"
                                         "rdbms 1200000 3\n");
}

/* What matches no prefix is in snapshots, though it is not sent. */
Test(snapshot, no_agg_is_per_label)
{
    add_example();
    cr_assert_str_eq(told(SNAPSHOT_NO_AGG), "req_time 109123 0\n"
                                            "rdbms.nodes.put 200000 1\n"
                                            "no-such-prefix.who 77000 1\n"
                                            "authz.nodes.read 100000 1\n"
                                            "rdbms.nodes.fetch 1000000 2\n");
}

Test(snapshot, all_is_both)
{
    add_example();
    cr_assert_str_eq(told(SNAPSHOT_ALL), "req_time 109123 0\n"
                                         "rdbms.nodes.put 200000 1\n"
                                         "no-such-prefix.who 77000 1\n"
                                         "authz.nodes.read 100000 1\n"
                                         "rdbms.nodes.fetch 1000000 2\n"
                                         "authz 100000 1\n"
                                         "rdbms 1200000 3\n");
}

Test(snapshot, without_prefixes_no_sums)
{
    add_example();
    snapshot.rule.prefixes = BYTES("");
    cr_assert_str_eq(told(SNAPSHOT_AGG), "req_time 109123 0\n");
}

Test(snapshot, times_that_were_counted_under_other)
{
    snapshot.timer[snapshot.timers++] = (struct timer){LABEL_OTHER, 9, 10};
    cr_assert_str_eq(told(SNAPSHOT_NO_AGG), "req_time 109123 0\nother 10 9\n");
}
