/*
 * A first line of HOOKS, a second of TIMERS, then the registers of a call. Each entry is taken or
 * told, once; views are views of the text; and values are read from any registers without a fault.
 */

#include <stdlib.h>

#include "base/process.h"
#include "hook/spec.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct spec_hooks hooks;
static struct spec_timers timers;
static struct bytes whole;
static size_t refusals;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    process_begin();
    return 0;
}

static void insist(bool holds)
{
    if (!holds)
        abort();
}

static bool inside(struct bytes part, struct bytes text)
{
    return part.n == 0 || (part.at >= text.at && part.at + part.n <= text.at + text.n);
}

static void note(const char *variable, struct bytes entry, struct bytes part, const char *accepted)
{
    insist(variable != NULL && accepted != NULL && entry.n > 0);
    insist(inside(entry, whole) && inside(part, entry));
    refusals++;
}

static size_t entries(struct bytes text)
{
    size_t n = 0;
    while (text.at != NULL)
        n += bytes_trim(bytes_cut(&text, ';')).n > 0;
    return n;
}

static void check_target(const struct spec_target *target)
{
    insist(target->symbol.n > 0 && inside(target->symbol, whole) && inside(target->module, whole));
    insist(memchr(target->symbol.at, ';', target->symbol.n) == NULL);
}

static void check_place(const struct value_place *place)
{
    insist(place->source <= VALUE_RET && place->steps <= VALUE_STEPS);
    insist(place->width == 1 || place->width == 2 || place->width == 4 || place->width == 8);
}

static void check_value(const struct value *value)
{
    if (value->kind == VALUE_LITERAL)
        insist(value->literal.n > 0 && inside(value->literal, whole));
    if (value->kind == VALUE_NONE || value->kind == VALUE_LITERAL)
        return;
    check_place(&value->place);
    insist(value->bytes <= VALUE_TEXT_BYTES);
    if (value->kind == VALUE_BYTES && value->bytes == 0)
        check_place(&value->length);
}

/* Where a text may come from: what was said, the room, or a constant. */
static void check_text(const struct value_text *text)
{
    struct bytes room = {text->room, sizeof text->room};
    insist(inside(text->text, whole) || inside(text->text, room) ||
           bytes_equal(text->text, BYTES("invalid")));
}

static void check_hook(const struct spec_hook *hook, const struct value_frame *frame)
{
    const struct value *values[] = {&hook->id, &hook->label, &hook->action};
    struct value_text texts[3];
    check_target(&hook->target);
    check_value(&hook->status);
    insist(hook->oks <= SPEC_OKS_MOST);
    for (size_t i = 0; i < 3; i++) {
        check_value(values[i]);
        insist(!value_needs_return(values[i]));
    }
    value_texts(texts, values, 3, frame);
    for (size_t i = 0; i < 3; i++)
        check_text(&texts[i]);
    int status = spec_status(hook, frame);
    insist(hook->oks == 0 || status == 200 || status == 500);
}

/* Registers: small ones, addresses of the input, and any. */
static struct value_frame frame_of(struct bytes data)
{
    struct value_frame frame = {.ret = data.n};
    for (size_t i = 0; i < VALUE_ARGUMENTS && data.n >= 8; i++) {
        memcpy(&frame.arg[i], data.at, 8);
        if (frame.arg[i] % 4 == 1)
            frame.arg[i] = (uint64_t)(uintptr_t)data.at;
        data = (struct bytes){data.at + 8, data.n - 8};
    }
    return frame;
}

static size_t defaults_in(struct bytes text)
{
    size_t n = 0;
    while (text.at != NULL)
        n += bytes_equal(bytes_trim(bytes_cut(&text, ';')), BYTES("default"));
    return n;
}

static void check_hooks(struct bytes text, struct bytes data)
{
    struct value_frame frame = frame_of(data);
    refusals = 0;
    whole = text;
    spec_read_hooks(&hooks, text, note);
    insist(hooks.n <= SPEC_HOOKS_MOST);
    insist(hooks.n + refusals + defaults_in(text) == entries(text));
    insist(hooks.defaults == (defaults_in(text) > 0));
    for (size_t i = 0; i < hooks.n; i++)
        check_hook(&hooks.row[i], &frame);
}

static void check_timers(struct bytes text)
{
    refusals = 0;
    whole = text;
    spec_read_timers(&timers, text, note);
    insist(timers.n <= SPEC_TIMERS_MOST);
    insist(timers.n + refusals + defaults_in(text) == entries(text));
    insist(timers.defaults == (defaults_in(text) > 0));
    for (size_t i = 0; i < timers.n; i++) {
        check_target(&timers.row[i].target);
        insist(inside(timers.row[i].label, text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {(const char *)data, size};
    struct bytes hooks_text = bytes_cut(&rest, '\n');
    struct bytes timers_text = rest.at != NULL ? bytes_cut(&rest, '\n') : BYTES("");
    check_hooks(hooks_text, rest.at != NULL ? rest : BYTES(""));
    check_timers(timers_text);
    return 0;
}
