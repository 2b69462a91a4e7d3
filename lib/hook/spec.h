#ifndef HOOK_SPEC_H
#define HOOK_SPEC_H

/*
 * spec: what STATS_HERO_HOOKS and STATS_HERO_TIMERS ask for. Entries are separated by `;`; blanks
 * around entries, keys and values, and empty entries, are skipped.
 *
 *     HOOKS entry   symbol[@module][,key=value]*    key: id label action status ok
 *                   or  default: the TLS library that the program has built in
 *     TIMERS entry  symbol[@module][=label]  or  default
 *
 * symbol and module may hold `*` for any characters. The values are those of hook/value.h; `ok`
 * takes numbers separated by `|`. An entry that can't be used is told and left out; the others
 * stand.
 */

#include "base/bytes.h"
#include "hook/value.h"

#define SPEC_HOOKS_MOST  64
#define SPEC_TIMERS_MOST 256
#define SPEC_OKS_MOST    8

/* `module` empty: the main program. */
struct spec_target {
    struct bytes symbol, module;
};

/* Calls of the target are requests. Values are VALUE_NONE where nothing was said: the label is then
 * the function's name, the action `call`, and the id is made. */
struct spec_hook {
    struct spec_target target;
    struct value id, label, action; /* to be read when the call begins: nothing that was returned */
    struct value status;            /* an integer, to be read when it ends; see spec_status */
    uint32_t oks;                   /* how many; 0: the status is the request's as it is */
    int64_t ok[SPEC_OKS_MOST];
};

/* Zero it to have none. */
struct spec_hooks {
    size_t n;
    bool defaults;
    struct spec_hook row[SPEC_HOOKS_MOST];
};

/* Calls of the target are timed; `label` empty: under the function's name. */
struct spec_timer {
    struct spec_target target;
    struct bytes label;
};

/* Zero it to have none. */
struct spec_timers {
    size_t n;
    bool defaults; /* hook/defaults.h's rows too, after these */
    struct spec_timer row[SPEC_TIMERS_MOST];
};

/* Told of each entry that is left out: the variable (without its prefix), the entry, the part of it
 * that can't be used, and what is accepted there. */
typedef void spec_refusal(const char *variable, struct bytes entry, struct bytes part,
                          const char *accepted);

/* A spec_refusal that says it in one warning. */
void spec_warn(const char *variable, struct bytes entry, struct bytes part, const char *accepted);

/* Read `text` into the table; `refused` may be NULL. The views point into `text`, which must live
 * as long as the table. Pure but for `refused`. */
void spec_read_hooks(struct spec_hooks *hooks, struct bytes text, spec_refusal *refused);
void spec_read_timers(struct spec_timers *timers, struct bytes text, spec_refusal *refused);

/*
 * The status of a request whose call has returned. Without `status` and `ok` 200. With `ok` 200 if
 * the status (what was returned, where none is named) is one of its numbers, else 500. Else the
 * status as it is, or 0 if it can't be read or is past an int. As value_number for the rest.
 */
int spec_status(const struct spec_hook *hook, const struct value_frame *frame);

#endif
