/* stats-hero run: a program with the shim. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "address.h"
#include "child.h"
#include "command.h"
#include "program.h"
#include "say.h"
#include "shim.h"
#include "summary.h"

struct run_settings {
    const char *app;
    const char *to;
    const char *protocol;
    const char *json;
    const char *log;
    bool live;
};

/* A run. Without a receiver of its own, `intake` and `summary` are not open. */
struct run {
    struct run_settings settings;
    struct signals signals;
    struct child child;
    bool told;      /* that the program goes on in the background */
    int interrupts; /* typed since */
    bool receives;
    struct intake intake;
    struct summary summary;
};

static const struct option_row options[] = {
    {"app", "NAME", offsetof(struct run_settings, app),
     "first part of every key (the program's name)"},
    {"to", "HOST:PORT", offsetof(struct run_settings, to),
     "send the metrics there, or to unix:/path, and show no summary"},
    {"protocol", "PROTOCOL", offsetof(struct run_settings, protocol),
     "how to spell them: estatsd, statsd or dogstatsd"},
    {"json", "FILE", offsetof(struct run_settings, json),
     "write the summary to FILE as JSON; - is standard output"},
    {"log", "FILE", offsetof(struct run_settings, log),
     "append one JSON line per finished request to FILE"},
    {"live", NULL, offsetof(struct run_settings, live),
     "show the table every second, or every ten where standard error is no terminal"},
    {NULL, NULL, 0, NULL},
};

static bool known_protocol(const char *name)
{
    return name == NULL || strcmp(name, "estatsd") == 0 || strcmp(name, "statsd") == 0 ||
           strcmp(name, "dogstatsd") == 0;
}

static bool check(const struct run_settings *settings, char **program)
{
    struct address_parts parts;
    if (*program == NULL)
        say("which program? stats-hero run [OPTIONS] -- PROGRAM [ARGUMENTS]");
    else if (!known_protocol(settings->protocol))
        say("--protocol %s: accepted are estatsd, statsd and dogstatsd", settings->protocol);
    else if (settings->to != NULL && !address_split(settings->to, &parts))
        say("--to %s: accepted are HOST:PORT, [IPv6]:PORT, unix:/path and unix:@name",
            settings->to);
    else if (settings->to != NULL && (settings->json != NULL || settings->live))
        say("--json and --live show what is received here: leave --to out");
    else
        return true;
    return false;
}

static const char *search_failure(int error)
{
    if (error == -ENOENT)
        return "not found";
    return error == -EACCES ? "it is not an executable file" : "its folder can't be searched";
}

/* 0, or the status to end with after having said what is wrong with the program. */
static int find_program(const char *name, char path[PATH_MAX])
{
    int rc = program_find(name, path);
    const char *obstacle = rc == 0 ? program_obstacle(path) : NULL;
    if (rc == 0 && obstacle == NULL)
        return 0;
    if (rc == 0)
        say("can't instrument %s: %s", path, obstacle);
    else
        say("can't run %s: %s", name, search_failure(rc));
    return rc == -ENOENT ? EXIT_NOT_FOUND : EXIT_NO_ENTRY;
}

/* A relative name must mean the same file after the program has changed its folder. */
static int set_log(const char *log)
{
    char folder[PATH_MAX], *path;
    if (log[0] == '/')
        return shim_set("REQUEST_LOG", log);
    if (getcwd(folder, sizeof folder) == NULL)
        return -errno;
    if (asprintf(&path, "%s/%s", folder, log) < 0)
        return -ENOMEM;
    int rc = shim_set("REQUEST_LOG", path);
    free(path);
    return rc;
}

static int set_receiver(const char *to)
{
    struct address_parts parts;
    address_split(to, &parts);
    int rc = shim_set("ESTATSD_HOST", parts.host);
    return rc != 0 ? rc : shim_set("ESTATSD_PORT", parts.port);
}

static int set_environment(const struct run_settings *settings, const char *shim)
{
    int rc = shim_preload(shim);
    if (rc == 0 && settings->app != NULL)
        rc = shim_set("MY_APP", settings->app);
    if (rc == 0 && settings->protocol != NULL)
        rc = shim_set("PROTOCOL", settings->protocol);
    if (rc == 0 && settings->log != NULL)
        rc = set_log(settings->log);
    if (rc == 0 && settings->to != NULL)
        rc = set_receiver(settings->to);
    return rc;
}

/* The unit that the shim will use, read as the shim reads it. */
static enum time_unit unit_of_timers(void)
{
    struct config config;
    config_read(&config, environ, BYTES("stats-hero"), BYTES("localhost"), NULL);
    return config.time_unit;
}

/*
 * Our own receiver is a Unix datagram socket: the kernel loses nothing that it accepted there. Its
 * name is abstract, which leaves no file behind, and random, which no other run meets.
 */
static int open_receiver(struct run *run)
{
    uint64_t name;
    char host[64];
    if (getrandom(&name, sizeof name, 0) != sizeof name)
        return -errno;
    snprintf(host, sizeof host, "unix:@stats-hero-%016llx", (unsigned long long)name);
    int fd = address_bind(host, NULL);
    if (fd < 0)
        return -EADDRNOTAVAIL;
    int rc = shim_set("ESTATSD_HOST", host);
    if (rc == 0)
        rc = shim_set_default("TIME_UNIT", "us");
    if (rc != 0)
        close(fd);
    return rc != 0 ? rc : intake_open(&run->intake, fd, unit_of_timers());
}

/* Daemons may ignore Ctrl-C: typed twice, it ends our waiting for them. */
static void count_interrupt(struct run *run)
{
    run->interrupts++;
    if (run->interrupts == 1)
        say("passed on to the background; Ctrl-C again stops the waiting");
}

/* Passes on what has come. SIGCHLD is for us; SIGPIPE is taken so that it does not end us. */
static void pass_signals(struct run *run)
{
    struct signals_one one;
    while (signals_next(&run->signals, &one)) {
        if (one.number == SIGCHLD || one.number == SIGPIPE)
            continue;
        child_signal(&run->child, one);
        if (run->child.ended && one.number == SIGINT && one.from_kernel)
            count_interrupt(run);
    }
}

/* Goes on while daemons of a program that succeeded live on, unless Ctrl-C, which they may ignore,
 * was typed twice. */
static bool goes_on(struct run *run, const char *name)
{
    bool alive = child_reap(&run->child);
    if (!alive || !run->child.ended)
        return alive;
    if (run->child.status != 0 || run->interrupts > 1)
        return false;
    if (!run->told)
        say("%s goes on in the background; waiting for it to end", name);
    run->told = true;
    return true;
}

/* Receives and passes signals on until the program has ended, and then its daemons. */
static void attend(struct run *run, const char *name)
{
    struct pollfd fds[] = {{run->signals.fd, POLLIN, 0}, {run->intake.fd, POLLIN, 0}};
    do {
        poll(fds, 2, summary_wait_ms(&run->summary));
        pass_signals(run);
        if (run->receives) {
            intake_read(&run->intake);
            summary_tick(&run->summary, &run->intake);
        }
    } while (goes_on(run, name));
}

/* Whether the fault was ours or the program's: 125 or 126. */
static int start_failed(const struct run *run, const char *path, int error)
{
    const char *why = strerror(-error);
    bool ours = run->child.pid < 0;
    if (error == -ENOEXEC)
        why = "it is no program; a script begins with #!";
    else if (error == -ENOENT)
        why = "its interpreter was not found";
    say("can't run %s: %s", path, why);
    return ours ? EXIT_OURSELVES : EXIT_NO_ENTRY;
}

static int run_program(struct run *run, const char *path, char **program)
{
    static const int taken[] = {SIGCHLD, SIGPIPE, SIGINT,   SIGTERM, SIGHUP, SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP};
    int rc = signals_take(&run->signals, taken, sizeof taken / sizeof taken[0]);
    if (rc != 0) {
        say("can't take signals: %s", strerror(-rc));
        return EXIT_OURSELVES;
    }
    rc = child_start(&run->child, path, program, &run->signals);
    if (rc != 0)
        return start_failed(run, path, rc);
    attend(run, program[0]);
    return child_exit_status(&run->child);
}

/* Runs with our own receiver; what it received is shown once the program has started. */
static int run_and_show(struct run *run, const char *path, char **program)
{
    int rc = open_receiver(run);
    if (rc != 0) {
        say("can't receive: %s", strerror(-rc));
        return EXIT_OURSELVES;
    }
    run->receives = true;
    int status = run_program(run, path, program);
    if (run->child.pid <= 0 || !run->child.ended)
        return status;
    intake_drain(&run->intake);
    rc = summary_finish(&run->summary, &run->intake);
    return rc != 0 && status == 0 ? EXIT_OURSELVES : status;
}

static int run_main(const struct command *self, char **arguments)
{
    struct run run = {.intake.fd = -1, .signals.fd = -1};
    char path[PATH_MAX], shim[PATH_MAX];
    char **program;
    int status;
    if (!command_options(self, arguments, &run.settings, &program, &status))
        return status;
    if (!check(&run.settings, program) || shim_find(shim) != 0)
        return EXIT_OURSELVES;
    status = find_program(program[0], path);
    if (status != 0)
        return status;
    int rc = set_environment(&run.settings, shim);
    if (rc != 0)
        say("can't set the environment: %s", strerror(-rc));
    if (rc != 0 || summary_open(&run.summary, run.settings.json, run.settings.live) != 0)
        return EXIT_OURSELVES;
    status = run.settings.to != NULL ? run_program(&run, path, program)
                                     : run_and_show(&run, path, program);
    signals_close(&run.signals);
    intake_close(&run.intake);
    summary_close(&run.summary);
    return status;
}

const struct command command_run = {
    .name = "run",
    .arguments = "-- PROGRAM [ARGUMENTS]",
    .sentence = "Run a program with the shim, and show what requests it answered when it ends.",
    .text =
        "Without `--to` stats-hero receives the metrics itself and shows a summary on standard "
        "error "
        "when the program ends: requests, rate, errors, and the distribution of their times per "
        "label and action, statuses, upstreams.\n"
        "Signals are passed on to the program. A program that goes to the background is waited "
        "for.",
    .options = options,
    .bad_usage = EXIT_OURSELVES,
    .run = run_main,
};
