#include "functions.h"

#include <dlfcn.h>
#include <limits.h>

#include "base/clock.h"
#include "base/log.h"
#include "built_in.h"
#include "flow/call.h"
#include "guard.h"
#include "hook/host.h"
#include "request/current.h"
#include "request/monitor.h"
#include "request/names.h"

static struct hook_host host;
static const struct hook_library *library;

static bool enter(void)
{
    if (guard_up)
        return false;
    guard_raise();
    return true;
}

static void *request_start(const struct hook_facts *facts)
{
    return monitor_ready() ? call_begins(facts->id, facts->label, facts->action) : NULL;
}

static void request_end(void *request, int status, bool done)
{
    call_ends(request, status, done);
}

static void request_abandon(void *request)
{
    call_left(request);
}

static uint16_t timer_label(struct bytes label)
{
    return monitor_ready() ? label_number(&names.timers, label) : LABEL_OTHER;
}

/* The library stands beside the shim, wherever that was loaded from. */
static bool library_path(char *path, size_t size)
{
    static const char name[] = "libstatshero-hooks.so";
    Dl_info shim;
    if (dladdr(&host, &shim) == 0 || shim.dli_fname == NULL)
        return false;
    const char *slash = strrchr(shim.dli_fname, '/');
    size_t folder = slash != NULL ? (size_t)(slash + 1 - shim.dli_fname) : 0;
    if (folder + sizeof name > size)
        return false;
    memcpy(path, shim.dli_fname, folder);
    memcpy(path + folder, name, sizeof name);
    return true;
}

static hook_begin *load(void)
{
    char path[PATH_MAX];
    void *handle = library_path(path, sizeof path) ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *begin = handle != NULL ? dlsym(handle, STATS_HERO_HOOKS_BEGIN) : NULL;
    if (begin == NULL) {
        const char *why = dlerror();
        log_line(LOG_WARN, BYTES("no function is hooked: "),
                 bytes_of(why != NULL ? why : "libstatshero-hooks.so can't be found"));
    }
    return (hook_begin *)(uintptr_t)begin;
}

void functions_begin(const struct config *config)
{
    if (config->hooks.n == 0 && config->timers.n == 0)
        return;
    hook_begin *begin = load();
    if (begin == NULL)
        return;
    host = (struct hook_host){
        .hooks = config->hooks,
        .timers = config->timers,
        .log = config->log,
        .log_level = (enum log_level)config->log_level,
        .enter = enter,
        .leave = guard_lower,
        .current = &current_number,
        .guard = &guard_up,
        .request_start = request_start,
        .serving = call_in_request,
        .request_end = request_end,
        .request_abandon = request_abandon,
        .timer_label = timer_label,
        .timer_add = current_add,
        .now_ns = clock_now_ns,
    };
    guard_raise(); /* what is hooked first is called while the rest is being looked for */
    library = begin(&host);
    if (library != NULL && library->redirect != NULL)
        built_in_begin(library->redirect);
    guard_lower();
    if (library != NULL)
        current_watch(library->settle);
}

void functions_forked(void)
{
    if (library != NULL)
        library->forked();
}
