#ifndef HOOK_HOST_H
#define HOOK_HOST_H

/*
 * host: what libstatshero-hooks.so and the shim that loads it tell one another. The two share no
 * variables: each links its own copy of the floors below.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/log.h"
#include "hook/redirect.h"

/* What a hooked call that begins a request says of it. */
struct hook_facts {
    struct bytes id; /* empty: none */
    struct bytes label, action;
};

/* The shim's side. Any thread; not from a signal handler that interrupted one of them: that is what
 * `enter` is for. */
struct hook_host {
    struct bytes hooks, timers; /* STATS_HERO_HOOKS, STATS_HERO_TIMERS */
    struct bytes log;           /* STATS_HERO_LOG, STATS_HERO_LOG_LEVEL */
    enum log_level log_level;

    /* Raises the shim's guard; false if it is up: the call is the shim's own, or a signal handler's
     * that interrupted it. The others are called between the two. */
    bool (*enter)(void);
    void (*leave)(void);

    /* The calling thread's: not 0 while it has a current request (request/current.h), whose number
     * it is. It stands at one distance from every thread's pointer. */
    const uint32_t *current;

    /* The calling thread's guard, as `enter` raises it. It stands likewise. */
    const bool *guard;

    /* A request on the calling thread, which owns none; NULL without memory. */
    void *(*request_start)(const struct hook_facts *facts);

    /* Whether the calling thread owns requests that have not ended. */
    bool (*serving)(void);

    /* It ends: on any thread. */
    void (*request_end)(void *request, int status, bool done);

    /* Its thread is going to end within the call: it is the thread's DOWN that ends it. */
    void (*request_abandon)(void *request);

    uint16_t (*timer_label)(struct bytes label);

    /* Adds `n` calls to the label's timer of the current request, if there is one. */
    void (*timer_add)(uint16_t label, uint64_t time_ns, uint32_t n);

    uint64_t (*now_ns)(void);
};

/* The library's side. */
struct hook_library {
    /* The calling thread's request will be current no longer. */
    void (*settle)(void);
    /* In a forked child. */
    void (*forked)(void);
    /* Not NULL: HOOKS asks for the TLS library that the program has built in; the shim has the
     * functions that are to be called in place of its own. */
    redirect_functions *redirect;
};

/* What the library exports, STATS_HERO_HOOKS_BEGIN by name: finds the functions and patches them,
 * in the process's constructor. What can't be used is told in diagnostics. NULL: nothing can. */
typedef const struct hook_library *hook_begin(const struct hook_host *host);

#define STATS_HERO_HOOKS_BEGIN "stats_hero_hooks_begin"

#endif
