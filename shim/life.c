#include "life.h"

#include <dlfcn.h>
#include <fnmatch.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/process.h"
#include "base/seccomp.h"
#include "base/sys.h"
#include "export.h"
#include "flow/flow.h"
#include "flow/inherited.h"
#include "functions.h"
#include "guard.h"
#include "libc.h"
#include "request/monitor.h"
#include "send/sender.h"

/* How long the end of a process may wait for the sender. */
#define PATIENCE_NS 50000000ull

enum { NAME_BYTES = 64, VARIABLES_MOST = 64 };

static struct {
    bool active;
    struct config config;
    char program[NAME_BYTES], host[NAME_BYTES];
} life;

/* Two copies of the shim (one library under two paths) would count everything twice: the first one
 * of the search order is the one that every copy finds under this name. So no copy may be linked
 * with -Bsymbolic, which has its own look-ups begin with itself. */
static const char version[] = STATS_HERO_VERSION;
EXPORT extern const char stats_hero_version[sizeof version] __attribute__((alias("version")));

bool life_active(void)
{
    return life.active;
}

static struct bytes keep(char *room, struct bytes text)
{
    struct bytes kept = {room, text.n < NAME_BYTES ? text.n : NAME_BYTES};
    memmove(room, text.at, kept.n);
    return kept;
}

/* The executable's name: what it is started as, before servers write titles over their arguments.
 */
static struct bytes program_name(void)
{
    const char *path = (const char *)getauxval(AT_EXECFN);
    if (path == NULL)
        return BYTES("");
    const char *slash = strrchr(path, '/');
    return keep(life.program, bytes_of(slash != NULL ? slash + 1 : path));
}

static struct bytes host_name(void)
{
    struct utsname name;
    if (uname(&name) != 0)
        return BYTES("");
    struct bytes rest = bytes_of(name.nodename);
    return keep(life.host, bytes_cut(&rest, '.'));
}

/*
 * A copy of our part of the environment: servers write their titles over the original. Without any
 * of our variables there is nothing to copy.
 */
static char **own_environment(void)
{
    static char *copy[VARIABLES_MOST + 1];
    size_t n = 0, size = 0;
    for (char **entry = environ; entry != NULL && *entry != NULL && n < VARIABLES_MOST; entry++)
        if (strncmp(*entry, "STATS_HERO_", 11) == 0) {
            copy[n++] = *entry;
            size += strlen(*entry) + 1;
        }
    char *at = n > 0 ? sys_pages(sys_whole_pages(size)) : NULL;
    for (size_t i = 0; i < n && at != NULL; i++) {
        size_t length = strlen(copy[i]) + 1;
        copy[i] = memcpy(at, copy[i], length);
        at += length;
    }
    copy[n] = NULL;
    return copy;
}

static bool matches_any(struct bytes globs, const char *name)
{
    char glob[256];
    while (globs.n > 0) {
        struct bytes one = bytes_trim(bytes_cut(&globs, ','));
        if (one.n == 0 || one.n >= sizeof glob)
            continue;
        memcpy(glob, one.at, one.n);
        glob[one.n] = '\0';
        if (fnmatch(glob, name, 0) == 0)
            return true;
    }
    return false;
}

static bool wanted(const struct config *config, struct bytes program)
{
    char name[NAME_BYTES + 1];
    memcpy(name, program.at, program.n);
    name[program.n] = '\0';
    if (config->disable || matches_any(config->exclude, name))
        return false;
    return config->include.n == 0 || matches_any(config->include, name);
}

static void refuse(const char *name, struct bytes value, const char *accepted, const char *used)
{
    log_line(LOG_WARN, BYTES("STATS_HERO_"), bytes_of(name), BYTES("='"), value,
             BYTES("' can't be used: accepted is "), bytes_of(accepted), BYTES("; used instead: "),
             bytes_of(used));
}

static void read_config(void)
{
    char **environment = own_environment();
    struct bytes program = program_name(), host = host_name();
    config_read(&life.config, environment, program, host, NULL);
    log_begin(life.config.log, (enum log_level)life.config.log_level);
    if (wanted(&life.config, program))
        config_read(&life.config, environment, program, host, refuse);
}

static void forked(void)
{
    process_begin();
    monitor_forked();
    functions_forked();
}

static void enter(void)
{
    guard_up = true;
}

static void leave(void)
{
    guard_up = false;
}

static bool first_copy(void)
{
    const void *first = dlsym(RTLD_DEFAULT, "stats_hero_version");
    return first == NULL || first == version;
}

/* Functions of libc's may be among those that the user wants to see called. */
static void leave_libc_out(void)
{
    if (life.config.hooks.n == 0 && life.config.timers.n == 0)
        libc_leave_out();
}

static __attribute__((constructor(101))) void begin(void)
{
    libc_resolve();
    if (!first_copy())
        return;
    read_config();
    if (!wanted(&life.config, program_name()))
        return;
    process_begin();
    flow_begin(&life.config);
    life.active = monitor_begin(&life.config, (struct monitor_guard){enter, leave}) == 0 &&
                  pthread_atfork(NULL, NULL, forked) == 0;
    if (!life.active)
        return;
    inherited_begin(environ);
    functions_begin(&life.config);
    leave_libc_out();
}

static __attribute__((destructor)) void end(void)
{
    if (!life.active || !process_is_ours())
        return;
    guard_raise();
    monitor_end(PATIENCE_NS);
    guard_lower();
}

void life_leaving(void)
{
    if (!life.active || guard_up || !sender_used() || !process_is_ours())
        return;
    guard_raise();
    monitor_flush(PATIENCE_NS);
    guard_lower();
}

void life_thread_leaving(void)
{
    if (sender_used() && process_threads() <= 1u + sender_running())
        end();
}

static bool retire(bool wanted)
{
    return wanted && life.active && process_is_ours() && sender_retire(PATIENCE_NS);
}

bool life_user_changes(void)
{
    return retire(sender_is_bare());
}

/* A handler may have forked in between: the child has nothing to go on with. */
static void follow_up(bool retired)
{
    if (retired && sender_used())
        sender_start();
}

/* Another thread of the host's may have started one before libc came to that thread. */
void life_user_changed(bool retired)
{
    bool again = life_user_changes();
    follow_up(retired || again);
}

bool life_moves(void)
{
    return retire(sender_running());
}

void life_moved(bool retired)
{
    follow_up(retired);
}

/* The guard stays up. */
void life_confined(const struct sock_fprog *filter, bool strict)
{
    bool harms = strict || (filter != NULL && filter->filter != NULL && seccomp_harms(filter));
    if (!harms || !life.active || guard_up || !process_is_ours())
        return;
    guard_raise();
    sender_retire(PATIENCE_NS); /* the filter may be for all threads: it must not wake under it */
    monitor_end(PATIENCE_NS);
    life.active = false;
}
