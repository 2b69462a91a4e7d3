#include "hook/hooks.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "hook/caller_bound.h"
#include "hook/calls.h"
#include "hook/demangle.h"
#include "hook/functions.h"
#include "hook/modules_seen.h"
#include "hook/patch.h"
#include "hook/ticks.h"
#include "hook/vectors.h"
#include "hook/wanted.h"

/*
 * When it is done. The program's modules are looked into in the shim's constructor, before their
 * own ones. Those that dlopen brings are, too: the loader calls an empty function of its own, which
 * it shows to debuggers (r_brk of struct r_debug, link.h), once they are mapped and before any of
 * their code runs. That function is hooked like any other. It is whether or not they may have
 * functions that are wanted: one may be of the kind that moves stacks (is_new).
 */

extern const char hook_entry[];

#define EXPORT __attribute__((visibility("default")))

enum { GROUPS_OWN = TIMER_GROUPS - 1 }; /* the last group is of all that find none of their own */

static const struct hook_host *host;
static enum hook_kind timer_kind;
static uint32_t used;                    /* hooks, from the first on */
static uintptr_t address_of[HOOKS_MOST]; /* the functions' */
static struct bytes group_name[TIMER_GROUPS];
static uint8_t groups;
static bool starting; /* the program's own modules are being looked into */

/* A text that stays; empty without memory. */
static struct bytes keep(struct bytes text)
{
    char *kept = malloc(text.n + 1);
    if (kept == NULL)
        return BYTES("");
    memcpy(kept, text.at, text.n);
    return (struct bytes){kept, text.n};
}

/* The group of a label: timers of one service lie in one another, and their time counts once. */
static uint8_t group_of(struct bytes label)
{
    struct bytes first = bytes_cut(&label, '.');
    uint8_t i = 0;
    while (i < groups && !bytes_equal(group_name[i], first))
        i++;
    if (i == groups && groups < GROUPS_OWN)
        group_name[groups++] = keep(first);
    return i;
}

static bool is_hooked(uintptr_t address)
{
    for (uint32_t i = 0; i < used; i++)
        if (address != 0 && address_of[i] == address)
            return true;
    return false;
}

/* A function's name as it was written. */
static struct bytes written(struct bytes symbol)
{
    static char text[DEMANGLED_BYTES];
    size_t n = demangle(symbol, false, text);
    return n > 0 ? (struct bytes){text, n} : symbol;
}

static void describe(struct hook *hook, const struct wanted *row, struct bytes symbol)
{
    struct bytes name = written(symbol);
    struct bytes label = row->label.n > 0 ? row->label : name;
    *hook = (struct hook){.kind = row->hook != NULL ? HOOK_REQUEST : timer_kind,
                          .label = host->timer_label(label),
                          .group = group_of(label),
                          .spec = row->hook,
                          .name = keep(name)};
}

/* Hooks the code as hooks[used], which is described but for the way to the original. */
static int patch(struct patch_site site, const char **reason)
{
    bool timer = hooks[used].kind >= HOOK_QUICK_TIMER;
    struct patch_way way = {.number = used,
                            .entry = hook_entry,
                            .unless_zero = timer ? (int32_t)hook_current_offset : 0};
    int error = patch_function(&site, &way, &hooks[used].made, reason);
    if (error == 0)
        address_of[used++] = (uintptr_t)site.function;
    return error;
}

/* A library that comes again and again is told of once. */
static void say_refused(struct wanted *row, const struct function *function, const char *reason)
{
    bool quietly = row->standard || row->told;
    row->told = !starting;
    log_line(quietly ? LOG_INFO : LOG_WARN, function->name, BYTES(" of "),
             bytes_of(function->module), BYTES(" is not hooked: "), bytes_of(reason));
}

/* Why the function is not to be hooked, whatever its code is; NULL: it may be. */
static const char *refusal(const struct function *function)
{
    const char *reason = caller_bound_reason(function->name);
    if (reason == NULL && function->address == 0)
        reason = "which function the name stands for is chosen after its library was looked into";
    return reason;
}

/* Hooks the function as the row says. NULL, or why it can't be. */
static const char *hook_function(const struct wanted *row, const struct function *function)
{
    const char *reason = refusal(function);
    if (reason != NULL)
        return reason;
    describe(&hooks[used], row, function->name);
    struct patch_site site = {(void *)function->address, function->size, function->size};
    return patch(site, &reason) == 0 ? NULL : reason;
}

static void found(void *nothing, const struct function *function)
{
    struct wanted *row = &wanted[function->pattern];
    (void)nothing;
    row->met = true;
    if (is_hooked(function->address) || used == HOOKS_MOST)
        return;
    const char *reason = hook_function(row, function);
    if (reason == NULL)
        log_line(LOG_INFO, function->name, BYTES(" of "), bytes_of(function->module),
                 BYTES(" is hooked"));
    else
        say_refused(row, function, reason);
}

/* What stood there before has been unloaded. */
static void forget_hooks_in(const struct module *module)
{
    for (size_t k = 0; k < module->n; k++) {
        uintptr_t begin = module->bias + module->segments[k].p_vaddr;
        for (uint32_t i = 0; i < used && module->segments[k].p_type == PT_LOAD; i++)
            if (address_of[i] - begin < module->segments[k].p_memsz)
                address_of[i] = 0;
    }
}

static bool is_new(void *nothing, const struct module *module)
{
    (void)nothing;
    if (!modules_seen_new(module))
        return false;
    forget_hooks_in(module);
    if (strstr(module->path, "greenlet") != NULL)
        frames_stacks_move(); /* see hook/frame.h */
    return true;
}

/* Libraries that dlopen brings are mapped by then, and relocated later. */
static void look(void)
{
    modules_seen_begin();
    if (functions_find(wanted_patterns, wanted_n, starting, is_new, found, NULL) < 0)
        log_line(LOG_WARN, BYTES("no memory to look for functions"));
}

static void loader_called(void)
{
    if (_r_debug.r_state == RT_CONSISTENT)
        look();
}

/* The name of what is not there is likely to be misspelt. */
static void say_missing(size_t i)
{
    char name[NEAREST_MOST][FUNCTION_NAME_BYTES];
    int n = functions_nearest(&wanted_patterns[i], name);
    if (n < 0) {
        log_line(LOG_INFO, wanted[i].target, BYTES(": its module is not loaded yet"));
        return;
    }
    for (int k = n; k < NEAREST_MOST; k++)
        name[k][0] = '\0';
    log_line(LOG_WARN, wanted[i].target, BYTES(": there is no such function"),
             n > 0 ? BYTES("; the nearest: ") : BYTES(""), bytes_of(name[0]),
             n > 1 ? BYTES(", ") : BYTES(""), bytes_of(name[1]), n > 2 ? BYTES(", ") : BYTES(""),
             bytes_of(name[2]));
}

static void say_what_is_missing(void)
{
    for (size_t i = 0; i < wanted_n; i++)
        if (!wanted[i].met && !wanted[i].standard)
            say_missing(i);
}

static void watch_loader(void)
{
    enum { RETURN_AND_FILLING = 16 };
    const char *reason = "";
    struct patch_site site = {(void *)_r_debug.r_brk, 1, RETURN_AND_FILLING};
    if (_r_debug.r_brk == 0 || used == HOOKS_MOST)
        return;
    hooks[used] = (struct hook){.kind = HOOK_WATCH};
    if (patch(site, &reason) != 0)
        log_line(LOG_WARN, BYTES("libraries that are loaded later are not looked into: "),
                 bytes_of(reason));
}

static void hook_what_is_wanted(void)
{
    starting = true;
    look();
    starting = false;
    say_what_is_missing();
    watch_loader();
}

static void forked(void)
{
    process_begin();
    frames_forked();
}

EXPORT const struct hook_library *stats_hero_hooks_begin(const struct hook_host *the_host)
{
    static struct hook_library library = {calls_settle, forked, NULL};
    host = the_host;
    process_begin();
    log_begin(host->log, host->log_level);
    if (wanted_read(host->hooks, host->timers))
        library.redirect = redirect_all;
    if (frames_begin(calls_forget) < 0)
        return NULL;
    vectors_begin();
    hook_current_offset = (intptr_t)host->current - (intptr_t)__builtin_thread_pointer();
    hook_guard_offset = (intptr_t)host->guard - (intptr_t)__builtin_thread_pointer();
    timer_kind = ticks_begin(host->now_ns) ? HOOK_QUICK_TIMER : HOOK_SLOW_TIMER;
    calls_begin(host, loader_called);
    if (wanted_n > 0)
        hook_what_is_wanted();
    return &library;
}
