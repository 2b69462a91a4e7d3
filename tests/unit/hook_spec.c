#include <criterion/criterion.h>
#include <stdio.h>

#include "base/log.h"
#include "base/process.h"
#include "hook/spec.h"
#include "scratch.h"

TestSuite(spec, .init = process_begin);

static struct spec_hooks hooks;
static struct spec_timers timers;

static struct refusal {
    int n;
    const char *variable, *accepted;
    struct bytes entry, part;
} refusal;

static void note(const char *variable, struct bytes entry, struct bytes part, const char *accepted)
{
    refusal = (struct refusal){refusal.n + 1, variable, accepted, entry, part};
}

static void read_hooks(const char *text)
{
    refusal.n = 0;
    spec_read_hooks(&hooks, bytes_of(text), note);
}

static void read_timers(const char *text)
{
    refusal.n = 0;
    spec_read_timers(&timers, bytes_of(text), note);
}

#define assert_bytes(is, expected)                                                                 \
    cr_assert(bytes_equal((is), bytes_of(expected)), "'%.*s', not '%s'", (int)(is).n, (is).at,     \
              (expected))

static const struct spec_hook *the_hook(const char *text)
{
    read_hooks(text);
    cr_assert_eq(refusal.n, 0, "%s: '%.*s', accepted is %s", text, (int)refusal.part.n,
                 refusal.part.at, refusal.accepted);
    cr_assert_eq(hooks.n, 1, "%s", text);
    return &hooks.row[0];
}

Test(spec, a_whole_hook)
{
    const struct spec_hook *hook =
        the_hook("handle_request@myserver,id=arg0:str,label=arg1+0x10:str,action=arg2:16,"
                 "status=ret+8:u16,ok=0|-1|200");
    assert_bytes(hook->target.symbol, "handle_request");
    assert_bytes(hook->target.module, "myserver");
    cr_assert_eq(hook->id.kind, VALUE_STRING);
    cr_assert_eq(hook->label.place.source, 1);
    cr_assert_eq(hook->action.bytes, 16);
    cr_assert_eq(hook->status.place.source, VALUE_RET);
    cr_assert_eq(hook->status.place.width, 2);
    cr_assert_eq(hook->oks, 3);
    cr_assert(hook->ok[0] == 0 && hook->ok[1] == -1 && hook->ok[2] == 200);
}

Test(spec, what_is_not_said)
{
    const struct spec_hook *hook = the_hook("handle");
    assert_bytes(hook->target.symbol, "handle");
    cr_assert_eq(hook->target.module.n, 0);
    cr_assert(hook->id.kind == VALUE_NONE && hook->label.kind == VALUE_NONE &&
              hook->action.kind == VALUE_NONE && hook->status.kind == VALUE_NONE);
    cr_assert_eq(hook->oks, 0);
}

Test(spec, blanks_and_empty_entries)
{
    read_hooks(" ;; handle@x , id = arg0 ,\tstatus = ret , ok = 1 | 2 ;\t; other ;");
    cr_assert_eq(refusal.n, 0);
    cr_assert_eq(hooks.n, 2);
    assert_bytes(hooks.row[0].target.module, "x");
    cr_assert_eq(hooks.row[0].oks, 2);
    assert_bytes(hooks.row[1].target.symbol, "other");
    read_timers(" a = b.c ;; d@e\t; default ; ");
    cr_assert_eq(refusal.n, 0);
    cr_assert_eq(timers.n, 2);
    cr_assert(timers.defaults);
    assert_bytes(timers.row[0].label, "b.c");
}

Test(spec, hooks_have_a_default_of_their_own)
{
    read_hooks("default;f");
    cr_assert(hooks.defaults);
    cr_assert_eq(hooks.n, 1);
    read_hooks("f");
    cr_assert_not(hooks.defaults);
}

Test(spec, globs_and_names_as_linkers_have_them)
{
    const struct spec_hook *hook = the_hook("_ZN3foo*bar$x.part.0@lib+c++*.so.6");
    assert_bytes(hook->target.symbol, "_ZN3foo*bar$x.part.0");
    assert_bytes(hook->target.module, "lib+c++*.so.6");
    assert_bytes(the_hook("gr\xc3\xbc\xc3\x9f@/opt/x/y")->target.symbol, "gr\xc3\xbc\xc3\x9f");
}

/* Entries that can't be used; the part that is told, and something of what is accepted. */
static const struct {
    const char *entry, *part, *accepted;
} bad_hooks[] = {
    {"@m", "@m", "symbol"},
    {"f@", "f@", "symbol@module"},
    {"f@a@b", "f@a@b", "symbol@module"},
    {"f g", "f g", "symbol"},
    {"id=arg0", "id=arg0", "symbol"},
    {",id=arg0", "", "symbol"},
    {"f@'m'", "f@'m'", "symbol"},
    {"f,", "", "id="},
    {"f,id", "id", "id="},
    {"f,,id=arg0", "", "id="},
    {"f,ID=arg0", "ID=arg0", "status="},
    {"f,name=arg0", "name=arg0", "label="},
    {"f,id=", "id=", "argN"},
    {"f,id=arg6", "id=arg6", "argN"},
    {"f,id=arg", "id=arg", "argN"},
    {"f,id=arg0,id=arg1", "id=arg1", "once"},
    {"f,id=ret", "id=ret", "status alone"},
    {"f,label=arg0:ret", "label=arg0:ret", "status alone"},
    {"f,label='a'b'", "label='a'b'", "'TEXT'"},
    {"f,label=''", "label=''", "'TEXT'"},
    {"f,label='", "label='", "'TEXT'"},
    {"f,status=ret:str", "status=ret:str", "i8 to i64"},
    {"f,status='200'", "status='200'", "ret or argN"},
    {"f,status=", "status=", "ret or argN"},
    {"f,ok=", "ok=", "numbers"},
    {"f,ok=0||1", "ok=0||1", "numbers"},
    {"f,ok=--1", "ok=--1", "numbers"},
    {"f,ok=1|2|3|4|5|6|7|8|9", "ok=1|2|3|4|5|6|7|8|9", "1 to 8"},
    {"f,ok=9223372036854775808", "ok=9223372036854775808", "numbers"},
};

Test(spec, a_bad_hook_is_told_once_and_the_others_stand)
{
    for (size_t i = 0; i < sizeof bad_hooks / sizeof *bad_hooks; i++) {
        char text[256];
        snprintf(text, sizeof text, "first; %s ;last,id=arg5", bad_hooks[i].entry);
        read_hooks(text);
        cr_assert_eq(refusal.n, 1, "%s", text);
        cr_assert_str_eq(refusal.variable, "HOOKS");
        assert_bytes(refusal.entry, bad_hooks[i].entry);
        assert_bytes(refusal.part, bad_hooks[i].part);
        cr_assert(strstr(refusal.accepted, bad_hooks[i].accepted) != NULL, "%s: %s", text,
                  refusal.accepted);
        cr_assert_eq(hooks.n, 2);
        assert_bytes(hooks.row[1].target.symbol, "last");
        cr_assert_eq(hooks.row[1].id.place.source, 5);
    }
}

Test(spec, timers)
{
    read_timers("PQexec@libpq.so.5=rdbms.exec;my_lookup;cache_*@libx.so=cache@2");
    cr_assert_eq(refusal.n, 0);
    cr_assert_eq(timers.n, 3);
    cr_assert_not(timers.defaults);
    assert_bytes(timers.row[0].target.symbol, "PQexec");
    assert_bytes(timers.row[0].target.module, "libpq.so.5");
    assert_bytes(timers.row[0].label, "rdbms.exec");
    cr_assert_eq(timers.row[1].target.module.n, 0);
    cr_assert_eq(timers.row[1].label.n, 0);
    assert_bytes(timers.row[2].label, "cache@2");
}

Test(spec, a_bad_timer_is_told_once_and_the_others_stand)
{
    static const char *const bad[][2] = {
        {"f=", ""},     {"=x", ""},     {"f=a,g=b", "a,g=b"},       {"f=a=b", "a=b"},
        {"f@=x", "f@"}, {"f,g", "f,g"}, {"default=x y=z", "x y=z"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        snprintf(text, sizeof text, "first;%s;last=label;default", bad[i][0]);
        read_timers(text);
        cr_assert_eq(refusal.n, 1, "%s", text);
        cr_assert_str_eq(refusal.variable, "TIMERS");
        assert_bytes(refusal.entry, bad[i][0]);
        assert_bytes(refusal.part, bad[i][1]);
        cr_assert_eq(timers.n, 2);
        cr_assert(timers.defaults);
    }
}

Test(spec, as_many_as_there_is_room_for)
{
    static char text[8 * (SPEC_TIMERS_MOST + 3)];
    for (size_t i = 0; i < SPEC_TIMERS_MOST + 2; i++)
        strcat(text, "f=g;");
    read_timers(text);
    cr_assert_eq(timers.n, SPEC_TIMERS_MOST);
    cr_assert_eq(refusal.n, 2);
    assert_bytes(refusal.part, "f=g");
    text[4 * SPEC_HOOKS_MOST + 4] = '\0';
    for (char *c = text; (c = strchr(c, '=')) != NULL;)
        memcpy(c, "  ", 2);
    read_hooks(text);
    cr_assert_eq(hooks.n, SPEC_HOOKS_MOST);
    cr_assert_eq(refusal.n, 1);
    cr_assert(strstr(refusal.accepted, "64") != NULL);
}

Test(spec, nothing_is_asked_for)
{
    hooks.n = timers.n = 9;
    timers.defaults = true;
    read_hooks("");
    read_timers(" ; ");
    cr_assert(hooks.n == 0 && timers.n == 0 && !timers.defaults);
    spec_read_hooks(&hooks, BYTES("f@"), NULL);
    cr_assert_eq(hooks.n, 0);
}

Test(spec, a_warning_names_all_that_helps)
{
    struct scratch s;
    scratch_begin(&s);
    log_begin(bytes_of(s.path), LOG_WARN);
    spec_read_hooks(&hooks, BYTES("f,id=arg9;g"), spec_warn);
    struct bytes text = scratch_text(&s);
    cr_assert(contains(text, "STATS_HERO_HOOKS: 'id=arg9' can't be used: accepted is argN, "));
    cr_assert(contains(text, "; left out is the entry 'f,id=arg9'\n"));
    cr_assert_null(memchr(text.at, '\n', text.n - 1));
}

static int status(const char *text, uint64_t ret)
{
    struct value_frame frame = {.ret = ret};
    return spec_status(the_hook(text), &frame);
}

Test(spec, a_status_is_what_the_entry_says)
{
    cr_assert_eq(status("f", 404), 200);
    cr_assert_eq(status("f,status=ret", 404), 404);
    cr_assert_eq(status("f,status=ret", 0xdead00000194), 404, "the rest of the register is noise");
    cr_assert_eq(status("f,status=ret", 0xffffffff), -1);
    cr_assert_eq(status("f,status=ret:u8", 0x1ff), 255);
    cr_assert_eq(status("f,status=ret:i64", 1ull << 40), 0, "it is no int");
    cr_assert_eq(status("f,ok=0", 0), 200);
    cr_assert_eq(status("f,ok=0", 1), 500);
    cr_assert_eq(status("f,status=ret,ok=0|-1", 0xffffffff), 200);
    cr_assert_eq(status("f,status=ret:u32,ok=-1", 0xffffffff), 500);
    cr_assert_eq(status("f,status=ret+8", 16), 0, "it can't be read");
    cr_assert_eq(status("f,status=ret+8,ok=0", 16), 500);
}
