#include "base/config.h"

#include <errno.h>

#include "base/log.h"

/* The list, for users. */
static const struct config_variable variables[] = {
    {"ESTATSD_HOST", "127.0.0.1",
     "receiver: IPv4, IPv6, host name, `unix:/path` or `unix:@name` (datagram socket)"},
    {"ESTATSD_PORT", "8125", "receiver's UDP port"},
    {"PROTOCOL", "estatsd", "`estatsd` (Stats Hero Protocol version 1), `statsd` or `dogstatsd`"},
    {"UDP_SOCKET_POOL_SIZE", "1", "senders in the pool, each with a socket of its own: 1 to 64"},
    {"MY_APP", "the program's name", "first part of every key"},
    {"MY_HOST", "the short host name", "the per-host part of keys"},
    {"UPSTREAM_PREFIXES", "every upstream label seen",
     "comma-separated; timers whose label starts with one are aggregated under it"},
    {"REQUEST_ID_HEADER", "X-Request-Id",
     "header that carries the request id; a request without it is given one"},
    {"ROUTES", "empty",
     "`pattern=label` rules, `;`-separated, first match wins: `/users/*/posts=user_posts`; `*` is "
     "one or more characters of a segment, `**` any characters"},
    {"MAX_LABELS", "200", "distinct labels kept per process; past it the label is `other`"},
    {"LISTEN_PORTS", "all",
     "comma-separated; only connections accepted on these ports are requests"},
    {"HOOKS", "none",
     "functions whose calls are requests, `;`-separated: "
     "`handle@myserver,id=arg0:str,label=arg1:str,status=ret`; `default`: the OpenSSL that the "
     "program has built in"},
    {"TIMERS", "none",
     "functions whose calls add their time to the current request, `;`-separated: "
     "`PQexec@libpq.so.5=rdbms.exec;my_lookup=cache.get`; `default`: those of well-known client "
     "libraries"},
    {"TIME_UNIT", "ms", "unit of timer values: `ms` or `us`"},
    {"AGGREGATE_MS", "0",
     "0: every event a line of its own; above: counters are summed over that time"},
    {"FLUSH_MS", "100", "longest time that a line waits for its datagram to fill"},
    {"DATAGRAM_BYTES", "1432", "largest datagram: 128 to 65507"},
    {"QUEUE_EVENTS", "65536",
     "events waiting for the sender, per process; past it they are dropped and counted"},
    {"REQUEST_LOG", "none", "file that gets one JSON line per finished request"},
    {"LOG", "standard error", "the shim's own diagnostics: a file or `syslog`"},
    {"LOG_LEVEL", "warn", "`error`, `warn`, `info`, `debug` or `off`"},
    {"INCLUDE", "all", "comma-separated program-name globs: where the shim is active"},
    {"EXCLUDE", "none", "comma-separated program-name globs: where it is not"},
    {"DISABLE", "0", "`1`: every hook passes straight through"},
};

const struct config_variable *config_variables(size_t *n)
{
    *n = sizeof variables / sizeof variables[0];
    return variables;
}

/* What one variable's reader works with. */
struct reading {
    struct config *config;
    struct bytes value;
    size_t offset;
    uint32_t least, most;
};

typedef bool read_value(const struct reading *r);

static void *target(const struct reading *r)
{
    return (char *)r->config + r->offset;
}

static bool read_text(const struct reading *r)
{
    if (r->value.n < r->least || r->value.n > r->most)
        return false;
    *(struct bytes *)target(r) = r->value;
    return true;
}

static bool read_number(const struct reading *r)
{
    uint64_t number;
    if (bytes_to_u64(r->value, &number) != 0 || number < r->least || number > r->most)
        return false;
    *(uint32_t *)target(r) = (uint32_t)number;
    return true;
}

static bool read_flag(const struct reading *r)
{
    uint64_t number;
    if (bytes_to_u64(r->value, &number) != 0 || number > 1)
        return false;
    *(bool *)target(r) = number == 1;
    return true;
}

static int one_of(struct bytes value, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++)
        if (bytes_equal_nocase(value, bytes_of(names[i])))
            return i;
    return -1;
}

static bool read_protocol(const struct reading *r)
{
    static const char *const names[] = {"estatsd", "statsd", "dogstatsd", NULL};
    int found = one_of(r->value, names);
    if (found >= 0)
        r->config->protocol = (enum protocol)found;
    return found >= 0;
}

static bool read_unit(const struct reading *r)
{
    static const char *const names[] = {"ms", "us", NULL};
    int found = one_of(r->value, names);
    if (found >= 0)
        r->config->time_unit = (enum time_unit)found;
    return found >= 0;
}

static bool read_level(const struct reading *r)
{
    for (unsigned level = 0; log_level_name(level) != NULL; level++)
        if (bytes_equal_nocase(r->value, bytes_of(log_level_name(level)))) {
            r->config->log_level = level;
            return true;
        }
    return false;
}

/* A header's name is a token, RFC 9110 5.1. */
static bool read_header_name(const struct reading *r)
{
    for (size_t i = 0; i < r->value.n; i++) {
        char c = r->value.at[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return read_text(r);
}

static bool read_ports(const struct reading *r)
{
    for (struct bytes rest = r->value; rest.at != NULL;) {
        uint64_t port;
        if (bytes_to_u64(bytes_trim(bytes_cut(&rest, ',')), &port) != 0 || port > 65535)
            return false;
    }
    return read_text(r);
}

/* How each variable is read. `fallback` says in words what stands when a value can't be used. */
static const struct rule {
    const char *name;
    read_value *read;
    size_t offset;
    uint32_t least, most;
    const char *accepted;
    const char *fallback;
} rules[] = {
#define FIELD(name) offsetof(struct config, name)
    {"ESTATSD_HOST", read_text, FIELD(host), 1, 255, "a host name, an address or unix:/path",
     "127.0.0.1"},
    {"ESTATSD_PORT", read_number, FIELD(port), 1, 65535, "1 to 65535", "8125"},
    {"PROTOCOL", read_protocol, 0, 0, 0, "estatsd, statsd or dogstatsd", "estatsd"},
    {"UDP_SOCKET_POOL_SIZE", read_number, FIELD(pool_size), 1, 64, "1 to 64", "1"},
    {"MY_APP", read_text, FIELD(app), 1, 128, "1 to 128 characters", "the program's name"},
    {"MY_HOST", read_text, FIELD(my_host), 1, 128, "1 to 128 characters", "the host's name"},
    {"UPSTREAM_PREFIXES", read_text, FIELD(upstream_prefixes), 0, 1024, "up to 1024 characters",
     "every label seen"},
    {"REQUEST_ID_HEADER", read_header_name, FIELD(request_id_header), 1, 64,
     "a header name of 1 to 64 characters", "X-Request-Id"},
    {"ROUTES", read_text, FIELD(routes), 0, 65536, "pattern=label rules", "no rules"},
    {"MAX_LABELS", read_number, FIELD(max_labels), 1, 10000, "1 to 10000", "200"},
    {"LISTEN_PORTS", read_ports, FIELD(listen_ports), 1, 1024, "port numbers, comma-separated",
     "all ports"},
    {"HOOKS", read_text, FIELD(hooks), 0, 65536, "up to 65536 characters", "no functions"},
    {"TIMERS", read_text, FIELD(timers), 0, 65536, "up to 65536 characters", "no functions"},
    {"TIME_UNIT", read_unit, 0, 0, 0, "ms or us", "ms"},
    {"AGGREGATE_MS", read_number, FIELD(aggregate_ms), 0, 3600000, "0 to 3600000", "0"},
    {"FLUSH_MS", read_number, FIELD(flush_ms), 1, 60000, "1 to 60000", "100"},
    {"DATAGRAM_BYTES", read_number, FIELD(datagram_bytes), 128, 65507, "128 to 65507", "1432"},
    {"QUEUE_EVENTS", read_number, FIELD(queue_events), 16, 16777216, "16 to 16777216", "65536"},
    {"REQUEST_LOG", read_text, FIELD(request_log), 0, 4095, "a file's path", "no request log"},
    {"LOG", read_text, FIELD(log), 0, 255, "a file's path or syslog", "standard error"},
    {"LOG_LEVEL", read_level, 0, 0, 0, "error, warn, info, debug or off", "warn"},
    {"INCLUDE", read_text, FIELD(include), 0, 4096, "program-name globs", "all programs"},
    {"EXCLUDE", read_text, FIELD(exclude), 0, 4096, "program-name globs", "no programs"},
    {"DISABLE", read_flag, FIELD(disable), 0, 0, "0 or 1", "0"},
#undef FIELD
};

#define RULES (sizeof rules / sizeof rules[0])

static const struct config standard = {
    .host = {"127.0.0.1", 9},
    .port = 8125,
    .pool_size = 1,
    .request_id_header = {"X-Request-Id", 12},
    .max_labels = 200,
    .flush_ms = 100,
    .datagram_bytes = 1432,
    .queue_events = 65536,
    .log_level = LOG_WARN,
};

static const struct rule *rule_named(struct bytes name)
{
    for (size_t i = 0; i < RULES; i++)
        if (bytes_equal(name, bytes_of(rules[i].name)))
            return &rules[i];
    return NULL;
}

static void read_one(struct config *config, struct bytes entry, config_refusal *refused)
{
    struct bytes value = entry;
    struct bytes name = bytes_cut(&value, '=');
    const struct rule *rule = rule_named(name);
    if (rule == NULL || value.at == NULL)
        return;
    struct reading reading = {config, value, rule->offset, rule->least, rule->most};
    if (!rule->read(&reading) && refused != NULL)
        refused(rule->name, value, rule->accepted, rule->fallback);
}

void config_read(struct config *config, char *const *environment, struct bytes program,
                 struct bytes host, config_refusal *refused)
{
    static const struct bytes prefix = {"STATS_HERO_", 11};
    *config = standard;
    config->app = program;
    config->my_host = host;
    for (; environment != NULL && *environment != NULL; environment++) {
        struct bytes entry = bytes_of(*environment);
        if (!bytes_start_with(entry, prefix))
            continue;
        entry.at += prefix.n;
        entry.n -= prefix.n;
        read_one(config, entry, refused);
    }
}
