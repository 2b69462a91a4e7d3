#include <criterion/criterion.h>
#include <stdio.h>

#include "base/config.h"
#include "base/log.h"

static struct config config;

static struct refusal {
    int n;
    char name[64], accepted[128], used[64];
    struct bytes value;
} refusal;

static void note(const char *name, struct bytes value, const char *accepted, const char *used)
{
    refusal.n++;
    refusal.value = value;
    snprintf(refusal.name, sizeof refusal.name, "%s", name);
    snprintf(refusal.accepted, sizeof refusal.accepted, "%s", accepted);
    snprintf(refusal.used, sizeof refusal.used, "%s", used);
}

/* Reads one variable, or more, of the environment. */
#define READ(...) read_these((char *[]){__VA_ARGS__, NULL})

static void read_these(char *const *environment)
{
    refusal = (struct refusal){.n = 0};
    config_read(&config, environment, BYTES("program"), BYTES("machine"), note);
}

static void read_value(const char *name, const char *value)
{
    static char entry[80000];
    snprintf(entry, sizeof entry, "STATS_HERO_%s=%s", name, value);
    READ(entry);
}

static const char *some(char c, int n)
{
    static char text[72000];
    memset(text, c, (size_t)n);
    text[n] = '\0';
    return text;
}

static bool is(struct bytes text, const char *expected)
{
    return bytes_equal(text, bytes_of(expected));
}

static void assert_defaults(void)
{
    cr_assert(is(config.host, "127.0.0.1"));
    cr_assert_eq(config.port, 8125);
    cr_assert_eq(config.protocol, PROTOCOL_ESTATSD);
    cr_assert_eq(config.pool_size, 1);
    cr_assert(is(config.app, "program"));
    cr_assert(is(config.my_host, "machine"));
    cr_assert_eq(config.upstream_prefixes.n, 0);
    cr_assert(is(config.request_id_header, "X-Request-Id"));
    cr_assert_eq(config.routes.n, 0);
    cr_assert_eq(config.max_labels, 200);
    cr_assert_eq(config.listen_ports.n, 0);
    cr_assert_eq(config.hooks.n, 0);
    cr_assert_eq(config.timers.n, 0);
    cr_assert_eq(config.time_unit, UNIT_MS);
    cr_assert_eq(config.aggregate_ms, 0);
    cr_assert_eq(config.flush_ms, 100);
    cr_assert_eq(config.datagram_bytes, 1432);
    cr_assert_eq(config.queue_events, 65536);
    cr_assert_eq(config.request_log.n, 0);
    cr_assert_eq(config.log.n, 0);
    cr_assert_eq(config.log_level, LOG_WARN);
    cr_assert_eq(config.include.n, 0);
    cr_assert_eq(config.exclude.n, 0);
    cr_assert_not(config.disable);
}

Test(config, defaults)
{
    config_read(&config, NULL, BYTES("program"), BYTES("machine"), note);
    assert_defaults();
    READ("PATH=/bin", "STATS_HERO=1", "XSTATS_HERO_MY_APP=x", "STATS_HERO_NO_SUCH=1",
         "STATS_HERO_MY_APP", "STATS_HERO_my_app=x", "STATS_HERO_MY_APPS=x", "STATS_HERO_=x", "");
    assert_defaults();
    cr_assert_eq(refusal.n, 0);
}

#define FIELD(name) offsetof(struct config, name)

Test(config, texts)
{
    static const struct {
        const char *name, *value;
        size_t offset;
    } cases[] = {
        {"ESTATSD_HOST", "unix:/run/stats", FIELD(host)},
        {"MY_APP", "shop", FIELD(app)},
        {"MY_HOST", "web-1", FIELD(my_host)},
        {"UPSTREAM_PREFIXES", "rdbms,couchdb", FIELD(upstream_prefixes)},
        {"UPSTREAM_PREFIXES", "", FIELD(upstream_prefixes)},
        {"REQUEST_ID_HEADER", "x-trace!#$%&'*+-.^_`|~9", FIELD(request_id_header)},
        {"ROUTES", "/a=b;/c=d=e", FIELD(routes)},
        {"LISTEN_PORTS", "80, 8080 ,65535", FIELD(listen_ports)},
        {"HOOKS", "handle@server,id=arg0:str", FIELD(hooks)},
        {"TIMERS", "PQexec@libpq.so.5=rdbms.exec;default", FIELD(timers)},
        {"REQUEST_LOG", "/var/log/requests", FIELD(request_log)},
        {"LOG", "syslog", FIELD(log)},
        {"INCLUDE", "nginx,python3*", FIELD(include)},
        {"EXCLUDE", "*sh", FIELD(exclude)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_value(cases[i].name, cases[i].value);
        struct bytes *field = (struct bytes *)(void *)((char *)&config + cases[i].offset);
        cr_assert(is(*field, cases[i].value), "%s", cases[i].name);
        cr_assert_eq(refusal.n, 0, "%s", cases[i].name);
    }
}

Test(config, numbers_from_least_to_most)
{
    static const struct {
        const char *name;
        uint32_t least, most;
        size_t offset;
    } cases[] = {
        {"ESTATSD_PORT", 1, 65535, FIELD(port)},
        {"UDP_SOCKET_POOL_SIZE", 1, 64, FIELD(pool_size)},
        {"MAX_LABELS", 1, 10000, FIELD(max_labels)},
        {"AGGREGATE_MS", 0, 3600000, FIELD(aggregate_ms)},
        {"FLUSH_MS", 1, 60000, FIELD(flush_ms)},
        {"DATAGRAM_BYTES", 128, 65507, FIELD(datagram_bytes)},
        {"QUEUE_EVENTS", 16, 16777216, FIELD(queue_events)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t *field = (uint32_t *)(void *)((char *)&config + cases[i].offset);
        char value[16];
        for (uint32_t number = cases[i].least;; number = cases[i].most) {
            snprintf(value, sizeof value, "%u", number);
            read_value(cases[i].name, value);
            cr_assert_eq(*field, number, "%s", cases[i].name);
            cr_assert_eq(refusal.n, 0);
            if (number == cases[i].most)
                break;
        }
        snprintf(value, sizeof value, "%u", cases[i].most + 1);
        read_value(cases[i].name, value);
        cr_assert_eq(refusal.n, 1, "%s %s", cases[i].name, value);
        if (cases[i].least == 0)
            continue;
        snprintf(value, sizeof value, "%u", cases[i].least - 1);
        read_value(cases[i].name, value);
        cr_assert_eq(refusal.n, 1, "%s %s", cases[i].name, value);
    }
}

Test(config, choices)
{
    READ("STATS_HERO_PROTOCOL=statsd");
    cr_assert_eq(config.protocol, PROTOCOL_STATSD);
    READ("STATS_HERO_PROTOCOL=DogStatsD");
    cr_assert_eq(config.protocol, PROTOCOL_DOGSTATSD);
    READ("STATS_HERO_PROTOCOL=estatsd");
    cr_assert_eq(config.protocol, PROTOCOL_ESTATSD);
    READ("STATS_HERO_TIME_UNIT=us");
    cr_assert_eq(config.time_unit, UNIT_US);
    READ("STATS_HERO_TIME_UNIT=MS");
    cr_assert_eq(config.time_unit, UNIT_MS);
    READ("STATS_HERO_DISABLE=1");
    cr_assert(config.disable);
    READ("STATS_HERO_DISABLE=0");
    cr_assert_not(config.disable);
    cr_assert_eq(refusal.n, 0);
}

Test(config, levels)
{
    static const struct {
        const char *name;
        uint32_t level;
    } cases[] = {{"off", LOG_OFF},
                 {"ERROR", LOG_ERROR},
                 {"warn", LOG_WARN},
                 {"info", LOG_INFO},
                 {"debug", LOG_DEBUG}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_value("LOG_LEVEL", cases[i].name);
        cr_assert_eq(config.log_level, cases[i].level, "%s", cases[i].name);
        cr_assert_eq(refusal.n, 0);
    }
}

/* What is told of a value that can't be used: every variable and every text. */
static const struct {
    const char *name;
    const char *value; /* NULL: one that is too long */
    const char *accepted, *used;
} refusals[] = {
    {"ESTATSD_HOST", "", "a host name, an address or unix:/path", "127.0.0.1"},
    {"ESTATSD_PORT", "http", "1 to 65535", "8125"},
    {"PROTOCOL", "graphite", "estatsd, statsd or dogstatsd", "estatsd"},
    {"UDP_SOCKET_POOL_SIZE", "-1", "1 to 64", "1"},
    {"MY_APP", "", "1 to 128 characters", "the program's name"},
    {"MY_HOST", NULL, "1 to 128 characters", "the host's name"},
    {"UPSTREAM_PREFIXES", NULL, "up to 1024 characters", "every label seen"},
    {"REQUEST_ID_HEADER", "X Request", "a header name of 1 to 64 characters", "X-Request-Id"},
    {"ROUTES", NULL, "pattern=label rules", "no rules"},
    {"MAX_LABELS", "1e3", "1 to 10000", "200"},
    {"LISTEN_PORTS", "80,", "port numbers, comma-separated", "all ports"},
    {"HOOKS", NULL, "up to 65536 characters", "no functions"},
    {"TIMERS", NULL, "up to 65536 characters", "no functions"},
    {"TIME_UNIT", "s", "ms or us", "ms"},
    {"AGGREGATE_MS", "+1", "0 to 3600000", "0"},
    {"FLUSH_MS", " 5", "1 to 60000", "100"},
    {"DATAGRAM_BYTES", "99999999999999999999999", "128 to 65507", "1432"},
    {"QUEUE_EVENTS", "", "16 to 16777216", "65536"},
    {"REQUEST_LOG", NULL, "a file's path", "no request log"},
    {"LOG", NULL, "a file's path or syslog", "standard error"},
    {"LOG_LEVEL", "loud", "error, warn, info, debug or off", "warn"},
    {"INCLUDE", NULL, "program-name globs", "all programs"},
    {"EXCLUDE", NULL, "program-name globs", "no programs"},
    {"DISABLE", "yes", "0 or 1", "0"},
};

Test(config, refusals_say_what_is_accepted_and_used)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const char *value = refusals[i].value != NULL ? refusals[i].value : some('x', 70000);
        read_value(refusals[i].name, value);
        cr_assert_eq(refusal.n, 1, "%s", refusals[i].name);
        cr_assert_str_eq(refusal.name, refusals[i].name);
        cr_assert(is(refusal.value, value), "%s", refusals[i].name);
        cr_assert_str_eq(refusal.accepted, refusals[i].accepted);
        cr_assert_str_eq(refusal.used, refusals[i].used);
        assert_defaults();
    }
}

Test(config, the_list_for_users_names_what_is_read)
{
    size_t n;
    const struct config_variable *variable = config_variables(&n);
    cr_assert_eq(n, sizeof refusals / sizeof *refusals);
    for (size_t i = 0; i < n; i++) {
        cr_assert_str_eq(variable[i].name, refusals[i].name);
        cr_assert(strlen(variable[i].standard) > 0 && strlen(variable[i].meaning) > 0);
        read_value(variable[i].name, some('x', 70000));
        cr_assert_str_eq(refusal.name, variable[i].name);
    }
}

Test(config, longest_texts)
{
    static const struct {
        const char *name;
        int most;
    } cases[] = {{"ESTATSD_HOST", 255},     {"MY_APP", 128},
                 {"MY_HOST", 128},          {"UPSTREAM_PREFIXES", 1024},
                 {"REQUEST_ID_HEADER", 64}, {"ROUTES", 65536},
                 {"HOOKS", 65536},          {"TIMERS", 65536},
                 {"REQUEST_LOG", 4095},     {"LOG", 255},
                 {"INCLUDE", 4096},         {"EXCLUDE", 4096}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_value(cases[i].name, some('a', cases[i].most));
        cr_assert_eq(refusal.n, 0, "%s", cases[i].name);
        read_value(cases[i].name, some('a', cases[i].most + 1));
        cr_assert_eq(refusal.n, 1, "%s", cases[i].name);
    }
}

Test(config, header_names_are_tokens)
{
    for (int c = 1; c < 256; c++) {
        char value[] = {'X', (char)c, '\0'};
        bool token = c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
        read_value("REQUEST_ID_HEADER", value);
        cr_assert_eq(refusal.n, token ? 0 : 1, "byte %d", c);
    }
}

Test(config, ports)
{
    static const char *const bad[] = {"", ",", "80,,81", "65536", "http", "80;81", "8 0", "-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        read_value("LISTEN_PORTS", bad[i]);
        cr_assert_eq(refusal.n, 1, "'%s'", bad[i]);
        cr_assert_eq(config.listen_ports.n, 0);
    }
}

Test(config, one_bad_value_leaves_the_others)
{
    READ("STATS_HERO_MY_APP=shop", "STATS_HERO_ESTATSD_PORT=0", "STATS_HERO_MAX_LABELS=7");
    cr_assert_eq(refusal.n, 1);
    cr_assert(is(config.app, "shop"));
    cr_assert_eq(config.port, 8125);
    cr_assert_eq(config.max_labels, 7);
}

Test(config, nobody_need_listen_to_refusals)
{
    config_read(&config, (char *[]){"STATS_HERO_ESTATSD_PORT=0", NULL}, BYTES("program"),
                BYTES("machine"), NULL);
    assert_defaults();
}
