/* stats-hero listen: a receiver. */

#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "address.h"
#include "command.h"
#include "say.h"
#include "signals.h"
#include "summary.h"

struct listen_settings {
    const char *host;
    const char *port;
    const char *unit;
    const char *json;
    bool live;
};

static const struct option_row options[] = {
    {"port", "PORT", offsetof(struct listen_settings, port),
     "UDP port to listen on (" ADDRESS_PORT "); 0 is any free one"},
    {"host", "HOST", offsetof(struct listen_settings, host),
     "address to listen on (127.0.0.1), or unix:/path for a Unix datagram socket"},
    {"unit", "ms|us", offsetof(struct listen_settings, unit),
     "unit of the timer values that arrive (ms)"},
    {"json", "FILE", offsetof(struct listen_settings, json),
     "write the result to FILE as JSON at the end; - is standard output"},
    {"live", NULL, offsetof(struct listen_settings, live),
     "show the table every second, or every ten where standard error is no terminal"},
    {NULL, NULL, 0, NULL},
};

static bool check(const struct listen_settings *settings, char **rest)
{
    if (*rest != NULL)
        say("unexpected argument %s; listen takes options only", *rest);
    else if (address_port(settings->port) < 0)
        say("--port %s: accepted is a number from 0 to 65535", settings->port);
    else if (strcmp(settings->unit, "ms") != 0 && strcmp(settings->unit, "us") != 0)
        say("--unit %s: accepted are ms and us", settings->unit);
    else
        return true;
    return false;
}

/* Reads until a signal ends it. */
static void receive_all(struct intake *intake, struct summary *summary,
                        const struct signals *signals)
{
    struct pollfd fds[] = {{signals->fd, POLLIN, 0}, {intake->fd, POLLIN, 0}};
    struct signals_one one;
    while (!signals_next(signals, &one)) {
        poll(fds, 2, summary_wait_ms(summary));
        intake_read(intake);
        summary_tick(summary, intake);
    }
    intake_drain(intake);
}

static void say_where(int fd)
{
    char name[ADDRESS_HOST_BYTES];
    address_name(fd, name, sizeof name);
    fprintf(stderr, "listening on %s\n", name);
}

static int listen_at(const struct listen_settings *settings, int fd, struct summary *summary)
{
    static const int ends[] = {SIGINT, SIGTERM};
    struct signals signals;
    struct intake intake;
    int rc = intake_open(&intake, fd, strcmp(settings->unit, "us") == 0 ? UNIT_US : UNIT_MS);
    if (rc == 0)
        rc = signals_take(&signals, ends, 2);
    if (rc != 0) {
        say("can't start: %s", strerror(-rc));
        intake_close(&intake);
        return 1;
    }
    say_where(fd);
    receive_all(&intake, summary, &signals);
    rc = summary_finish(summary, &intake);
    signals_close(&signals);
    intake_close(&intake);
    return rc == 0 ? 0 : 1;
}

static int listen_main(const struct command *self, char **arguments)
{
    struct listen_settings settings = {.host = "127.0.0.1", .port = ADDRESS_PORT, .unit = "ms"};
    struct summary summary;
    char **rest;
    int status;
    if (!command_options(self, arguments, &settings, &rest, &status))
        return status;
    if (!check(&settings, rest))
        return self->bad_usage;
    if (summary_open(&summary, settings.json, settings.live) != 0)
        return 1;
    int fd = address_bind(settings.host, settings.port);
    status = fd < 0 ? 1 : listen_at(&settings, fd, &summary);
    summary_close(&summary);
    if (fd >= 0)
        address_remove(settings.host);
    return status;
}

const struct command command_listen = {
    .name = "listen",
    .arguments = "",
    .sentence =
        "Receive Stats Hero Protocol, statsd and dogstatsd datagrams, and show what they say.",
    .text =
        "The address is written to standard error as `listening on ADDRESS:PORT`. SIGINT or "
        "SIGTERM end it; then the summary is shown and the JSON file written.\n"
        "A datagram or line that can not be used is counted with its reason, and never stops the "
        "receiver. The summary shows each reason with its count and the first example; in the JSON "
        "file they are `refusals`.",
    .options = options,
    .bad_usage = EXIT_USAGE,
    .run = listen_main,
};
