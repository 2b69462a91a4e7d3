#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

/*
 * config: the environment, read once into one struct that does not change afterwards. This is the
 * only reader of STATS_HERO_ variables; it reads `environ` itself, since hosts override getenv.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum protocol { PROTOCOL_ESTATSD, PROTOCOL_STATSD, PROTOCOL_DOGSTATSD };
enum time_unit { UNIT_MS, UNIT_US };

struct config {
    struct bytes host;              /* ESTATSD_HOST */
    uint32_t port;                  /* ESTATSD_PORT */
    enum protocol protocol;         /* PROTOCOL */
    uint32_t pool_size;             /* UDP_SOCKET_POOL_SIZE */
    struct bytes app;               /* MY_APP */
    struct bytes my_host;           /* MY_HOST */
    struct bytes upstream_prefixes; /* UPSTREAM_PREFIXES */
    struct bytes request_id_header; /* REQUEST_ID_HEADER */
    struct bytes routes;            /* ROUTES */
    uint32_t max_labels;            /* MAX_LABELS */
    struct bytes listen_ports;      /* LISTEN_PORTS */
    struct bytes hooks;             /* HOOKS */
    struct bytes timers;            /* TIMERS */
    enum time_unit time_unit;       /* TIME_UNIT */
    uint32_t aggregate_ms;          /* AGGREGATE_MS */
    uint32_t flush_ms;              /* FLUSH_MS */
    uint32_t datagram_bytes;        /* DATAGRAM_BYTES */
    uint32_t queue_events;          /* QUEUE_EVENTS */
    struct bytes request_log;       /* REQUEST_LOG */
    struct bytes log;               /* LOG */
    uint32_t log_level;             /* LOG_LEVEL: enum log_level */
    struct bytes include;           /* INCLUDE */
    struct bytes exclude;           /* EXCLUDE */
    bool disable;                   /* DISABLE */
};

/* One variable, as users see it. The list is the source of --help, the man page and the README. */
struct config_variable {
    const char *name;     /* without the prefix STATS_HERO_ */
    const char *standard; /* the default, in words where it is not a value */
    const char *meaning;
};

/* The variables, `*n` of them, in the order in which to show them. */
const struct config_variable *config_variables(size_t *n);

/* Told of each value that can't be used: variable, value, what is accepted, what is used instead.
 */
typedef void config_refusal(const char *name, struct bytes value, const char *accepted,
                            const char *used);

/*
 * Reads `environment` (as `environ`) into `*config`. The views point into `environment`, into
 * `program` or `host`, or to constants: they must live as long as the config. `program` is the
 * executable's name without its folder, `host` the short host name. Never fails: a value that
 * can't be used is told to `refused` (may be NULL) and the default stands.
 */
void config_read(struct config *config, char *const *environment, struct bytes program,
                 struct bytes host, config_refusal *refused);

#endif
