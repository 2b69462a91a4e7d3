#include "hook/value.h"

#include <errno.h>

#include "hook/peek.h"

#define PAGE 4096 /* larger pages end where these do */

static bool has_place(const struct value *value)
{
    return value->kind != VALUE_NONE && value->kind != VALUE_LITERAL;
}

static bool has_length(const struct value *value)
{
    return value->kind == VALUE_BYTES && value->bytes == 0;
}

/* Whether the place is an address, of bytes to be read. */
static bool points(const struct value *value)
{
    return value->kind == VALUE_STRING || value->kind == VALUE_BYTES;
}

bool value_needs_return(const struct value *value)
{
    return (has_place(value) && value->place.source == VALUE_RET) ||
           (has_length(value) && value->length.source == VALUE_RET);
}

/* A place on its way; `word` is what it has come to. */
struct cursor {
    const struct value_place *place;
    uint64_t word;
    uint8_t step;
    bool failed;
};

static struct cursor cursor_at(const struct value_place *place, const struct value_frame *frame)
{
    uint64_t word = place->source == VALUE_RET ? frame->ret : frame->arg[place->source];
    return (struct cursor){.place = place, .word = word};
}

/* What the last step stands on may be narrower than a word: no more is read of it. */
static size_t width_at(const struct cursor *cursor)
{
    return cursor->step == cursor->place->steps ? cursor->place->width : 8;
}

/* Goes to where memory has to be read; false at the end. */
static bool cursor_next(struct cursor *cursor, struct peek *peek)
{
    while (!cursor->failed && cursor->step < cursor->place->steps) {
        const struct value_step *step = &cursor->place->step[cursor->step++];
        cursor->word += step->offset;
        if (!step->follow)
            continue;
        *peek = (struct peek){cursor->word, &cursor->word, width_at(cursor), false};
        cursor->word = 0;
        return true;
    }
    return false;
}

/* Takes all of them to their ends, side by side. */
static void cursors_run(struct cursor *cursors, size_t n)
{
    struct peek peeks[PEEKS_MOST];
    struct cursor *whose[PEEKS_MOST];
    for (;;) {
        size_t wanted = 0;
        for (size_t i = 0; i < n; i++)
            if (cursor_next(&cursors[i], &peeks[wanted]))
                whose[wanted++] = &cursors[i];
        if (wanted == 0)
            return;
        peek_all(peeks, wanted);
        for (size_t i = 0; i < wanted; i++)
            whose[i]->failed = !peeks[i].done;
    }
}

/* The word as its type has it. */
static int64_t cursor_number(const struct cursor *cursor)
{
    unsigned unused = 64 - 8u * cursor->place->width;
    uint64_t high = cursor->word << unused;
    return cursor->place->is_signed ? (int64_t)high >> unused : (int64_t)(high >> unused);
}

int value_number(int64_t *number, const struct value *value, const struct value_frame *frame)
{
    struct cursor cursor = cursor_at(&value->place, frame);
    cursors_run(&cursor, 1);
    *number = cursor.failed ? 0 : cursor_number(&cursor);
    return cursor.failed ? -EFAULT : 0;
}

/* One text being read. */
struct job {
    const struct value *value;
    struct value_text *out;
    const struct cursor *place, *length; /* NULL: it has none */
    size_t n;                            /* bytes to read */
    size_t parts;                        /* of them, each within a page */
    const struct peek *part;
};

/* How many bytes to read; false if that can't be said. */
static bool measure(struct job *job)
{
    job->n = job->value->bytes > 0 ? job->value->bytes : VALUE_TEXT_BYTES;
    if (job->length == NULL)
        return !job->place->failed;
    int64_t length = cursor_number(job->length);
    if (job->place->failed || job->length->failed || length < 0)
        return false;
    job->n = length < VALUE_TEXT_BYTES ? (size_t)length : VALUE_TEXT_BYTES;
    return true;
}

/* Asks for its memory: no part goes past a page, so that a text which ends within one is read
 * whatever comes behind. Returns how many parts. */
static size_t plan(struct job *job, struct peek *peeks)
{
    uint64_t at = job->place->word;
    char *to = job->out->room;
    job->part = peeks;
    for (size_t left = job->n, n; left > 0; left -= n, at += n, to += n) {
        size_t in_page = PAGE - at % PAGE;
        n = left < in_page ? left : in_page;
        peeks[job->parts++] = (struct peek){at, to, n, false};
    }
    return job->parts;
}

static struct bytes invalid(void)
{
    return BYTES("invalid");
}

static struct bytes memory_text(const struct job *job)
{
    size_t there = 0;
    for (size_t i = 0; i < job->parts && job->part[i].done; i++)
        there += job->part[i].n;
    struct bytes text = {job->out->room, there};
    if (job->value->kind == VALUE_STRING) {
        text.n = strnlen(text.at, there);
        return text.n == there && there < job->n ? invalid() : text;
    }
    while (text.n > 0 && text.at[text.n - 1] == '\0')
        text.n--;
    return there < job->n ? invalid() : text;
}

static struct bytes number_text(const struct job *job)
{
    struct writer w = writer_on(job->out->room, sizeof job->out->room);
    int64_t number = cursor_number(job->place);
    if (job->place->failed)
        return invalid();
    if (job->value->place.is_signed)
        put_i64(&w, number);
    else
        put_u64(&w, (uint64_t)number);
    return (struct bytes){w.at, w.n};
}

/* Its cursors, at `cursors`; returns how many. */
static size_t begin(struct job *job, struct cursor *cursors, const struct value_frame *frame)
{
    size_t n = 0;
    if (has_place(job->value)) {
        job->place = cursors;
        cursors[n++] = cursor_at(&job->value->place, frame);
    }
    if (has_length(job->value)) {
        job->length = cursors + n;
        cursors[n++] = cursor_at(&job->value->length, frame);
    }
    return n;
}

static struct bytes text_of(const struct job *job)
{
    switch (job->value->kind) {
    case VALUE_LITERAL:
        return job->value->literal;
    case VALUE_STRING:
    case VALUE_BYTES:
        return memory_text(job);
    case VALUE_INTEGER:
        return number_text(job);
    default:
        return BYTES("");
    }
}

void value_texts(struct value_text *texts, const struct value *const *values, size_t n,
                 const struct value_frame *frame)
{
    struct job jobs[VALUES_MOST];
    struct cursor cursors[2 * VALUES_MOST];
    struct peek peeks[PEEKS_MOST];
    size_t places = 0, parts = 0;
    for (size_t i = 0; i < n; i++) {
        jobs[i] = (struct job){.value = values[i], .out = &texts[i]};
        places += begin(&jobs[i], cursors + places, frame);
    }
    cursors_run(cursors, places);
    for (size_t i = 0; i < n; i++)
        if (points(values[i]) && measure(&jobs[i]))
            parts += plan(&jobs[i], peeks + parts);
    if (parts > 0)
        peek_all(peeks, parts);
    for (size_t i = 0; i < n; i++)
        texts[i].text = text_of(&jobs[i]);
}
