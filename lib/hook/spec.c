#include "hook/spec.h"

#include <errno.h>

#include "base/log.h"

/* One variable being read. */
struct reading {
    const char *variable;
    struct bytes entry;
    spec_refusal *refused;
};

static bool refuse(const struct reading *r, struct bytes part, const char *accepted)
{
    if (r->refused != NULL)
        r->refused(r->variable, r->entry, part, accepted);
    return false;
}

void spec_warn(const char *variable, struct bytes entry, struct bytes part, const char *accepted)
{
    log_line(LOG_WARN, BYTES("STATS_HERO_"), bytes_of(variable), BYTES(": '"), part,
             BYTES("' can't be used: accepted is "), bytes_of(accepted),
             BYTES("; left out is the entry '"), entry, BYTES("'"));
}

/* Cuts the next entry that is not empty; false past the last. */
static bool next_entry(struct reading *r, struct bytes *rest)
{
    while (rest->at != NULL) {
        r->entry = bytes_trim(bytes_cut(rest, ';'));
        if (r->entry.n > 0)
            return true;
    }
    return false;
}

/* What no symbol or module holds, but a mistyped entry does. */
static bool is_name(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.at[i] <= ' ' && text.at[i] >= 0)
            return false;
        else if (strchr("@=,'\x7f", text.at[i]) != NULL)
            return false;
    return text.n > 0;
}

static bool read_target(const struct reading *r, struct bytes text, struct spec_target *target)
{
    struct bytes module = text;
    target->symbol = bytes_cut(&module, '@');
    bool named = module.at != NULL;
    target->module = named ? module : (struct bytes){"", 0};
    if (is_name(target->symbol) && (!named || is_name(module)))
        return true;
    return refuse(r, text, "symbol or symbol@module");
}

/* One `key=value` of a hook. */
struct pair {
    const struct reading *reading;
    struct bytes text, value;
    struct spec_hook *hook;
};

static bool read_text(const struct pair *pair, struct value *value)
{
    static const char accepted[] =
        "argN, argN:str, argN:BYTES, argN:argN, +OFFSET behind an argN, or 'TEXT'";
    if (value_parse(value, pair->value, 8) != 0)
        return refuse(pair->reading, pair->text, accepted);
    if (value_needs_return(value))
        return refuse(pair->reading, pair->text, "ret for the status alone");
    return true;
}

static bool read_id(const struct pair *pair)
{
    return read_text(pair, &pair->hook->id);
}

static bool read_label(const struct pair *pair)
{
    return read_text(pair, &pair->hook->label);
}

static bool read_action(const struct pair *pair)
{
    return read_text(pair, &pair->hook->action);
}

/* A status is an int as C has it, unless another type is given. */
static bool read_status(const struct pair *pair)
{
    struct value *status = &pair->hook->status;
    if (value_parse(status, pair->value, 4) == 0 && status->kind == VALUE_INTEGER)
        return true;
    return refuse(pair->reading, pair->text,
                  "ret or argN, +OFFSET behind it, and i8 to i64 or u8 to u64 as its type");
}

static bool read_signed(struct bytes text, int64_t *number)
{
    bool negative = text.n > 0 && text.at[0] == '-';
    if (negative)
        text = (struct bytes){text.at + 1, text.n - 1};
    uint64_t size;
    if (bytes_to_u64(text, &size) != 0 || size > INT64_MAX)
        return false;
    *number = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

static bool read_ok(const struct pair *pair)
{
    struct spec_hook *hook = pair->hook;
    for (struct bytes rest = pair->value; rest.at != NULL;) {
        struct bytes one = bytes_trim(bytes_cut(&rest, '|'));
        if (hook->oks == SPEC_OKS_MOST || !read_signed(one, &hook->ok[hook->oks]))
            return refuse(pair->reading, pair->text, "1 to 8 numbers separated by |");
        hook->oks++;
    }
    return true;
}

static const struct key {
    struct bytes name;
    bool (*read)(const struct pair *pair);
} keys[] = {
    {{"id", 2}, read_id},         {{"label", 5}, read_label}, {{"action", 6}, read_action},
    {{"status", 6}, read_status}, {{"ok", 2}, read_ok},
};

#define KEYS (sizeof keys / sizeof keys[0])

/* `*seen`: a bit for each key that was given. */
static bool read_pair(struct pair *pair, unsigned *seen)
{
    pair->value = pair->text;
    struct bytes name = bytes_trim(bytes_cut(&pair->value, '='));
    pair->value = bytes_trim(pair->value);
    for (size_t i = 0; i < KEYS; i++) {
        if (!bytes_equal(name, keys[i].name) || pair->value.at == NULL)
            continue;
        if ((*seen & 1u << i) != 0)
            return refuse(pair->reading, pair->text, "each key once");
        *seen |= 1u << i;
        return keys[i].read(pair);
    }
    return refuse(pair->reading, pair->text, "id=, label=, action=, status= or ok=");
}

/* `ok` alone is about what was returned. */
static void complete(struct spec_hook *hook)
{
    if (hook->oks > 0 && hook->status.kind == VALUE_NONE)
        value_parse(&hook->status, BYTES("ret"), 4);
}

static bool read_hook(const struct reading *r, struct spec_hook *hook)
{
    unsigned seen = 0;
    struct bytes rest = r->entry;
    *hook = (struct spec_hook){.oks = 0};
    if (!read_target(r, bytes_trim(bytes_cut(&rest, ',')), &hook->target))
        return false;
    while (rest.at != NULL) {
        struct pair pair = {.reading = r, .hook = hook};
        pair.text = bytes_trim(bytes_cut(&rest, ','));
        if (!read_pair(&pair, &seen))
            return false;
    }
    complete(hook);
    return true;
}

void spec_read_hooks(struct spec_hooks *hooks, struct bytes text, spec_refusal *refused)
{
    struct reading r = {.variable = "HOOKS", .refused = refused};
    hooks->n = 0;
    hooks->defaults = false;
    while (next_entry(&r, &text))
        if (bytes_equal(r.entry, BYTES("default")))
            hooks->defaults = true;
        else if (hooks->n == SPEC_HOOKS_MOST)
            refuse(&r, r.entry, "at most 64 entries");
        else if (read_hook(&r, &hooks->row[hooks->n]))
            hooks->n++;
}

/* A comma or a second `=` in a label is another entry that lacks its `;`. */
static bool read_timer(const struct reading *r, struct spec_timer *timer)
{
    struct bytes label = r->entry;
    struct bytes target = bytes_trim(bytes_cut(&label, '='));
    bool named = label.at != NULL;
    timer->label = named ? bytes_trim(label) : (struct bytes){"", 0};
    if (!read_target(r, target, &timer->target))
        return false;
    bool usable = timer->label.n > 0 && memchr(timer->label.at, ',', timer->label.n) == NULL &&
                  memchr(timer->label.at, '=', timer->label.n) == NULL;
    return !named || usable || refuse(r, timer->label, "a label; entries are separated by ;");
}

void spec_read_timers(struct spec_timers *timers, struct bytes text, spec_refusal *refused)
{
    struct reading r = {.variable = "TIMERS", .refused = refused};
    timers->n = 0;
    timers->defaults = false;
    while (next_entry(&r, &text))
        if (bytes_equal(r.entry, BYTES("default")))
            timers->defaults = true;
        else if (timers->n == SPEC_TIMERS_MOST)
            refuse(&r, r.entry, "at most 256 entries");
        else if (read_timer(&r, &timers->row[timers->n]))
            timers->n++;
}

static bool is_ok(const struct spec_hook *hook, int64_t number)
{
    for (uint32_t i = 0; i < hook->oks; i++)
        if (hook->ok[i] == number)
            return true;
    return false;
}

int spec_status(const struct spec_hook *hook, const struct value_frame *frame)
{
    int64_t number;
    if (hook->status.kind == VALUE_NONE)
        return 200;
    bool known = value_number(&number, &hook->status, frame) == 0;
    if (hook->oks > 0)
        return known && is_ok(hook, number) ? 200 : 500;
    return known && number >= INT32_MIN && number <= INT32_MAX ? (int)number : 0;
}
