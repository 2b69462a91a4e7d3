#include "collect/report.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "collect/name.h"

static const char *comma(bool more)
{
    return more ? "," : "";
}

/* A key has no largest size, but each byte's escape has: it goes out in pieces. */
static void put_escaped(FILE *file, struct bytes text)
{
    char piece[6 * 64];
    while (text.n > 0) {
        struct bytes part = {text.at, text.n < 64 ? text.n : 64};
        struct writer w = writer_on(piece, sizeof piece);
        put_json(&w, part);
        fwrite(piece, 1, w.n, file);
        text.at += part.n;
        text.n -= part.n;
    }
}

static void put_key(FILE *file, struct bytes text)
{
    fputc('"', file);
    put_escaped(file, text);
    fputs("\":", file);
}

static void put_text(FILE *file, const char *name, struct bytes text)
{
    fprintf(file, "\"%s\":\"", name);
    put_escaped(file, text);
    fputc('"', file);
}

/* Whole numbers without a dot; JSON has no infinity, and a sum can only reach it by wrong input. */
static void put_number(FILE *file, double value)
{
    if (!isfinite(value))
        value = value > 0 ? DBL_MAX : value < 0 ? -DBL_MAX : 0;
    if (value == rint(value) && fabs(value) < 0x1p53)
        fprintf(file, "%.0f", value == 0 ? 0 : value);
    else
        fprintf(file, "%.*g", fabs(value) < 0x1p53 ? 12 : 17, value);
}

static void put_frames(FILE *file, const struct receive_counts *counts)
{
    fprintf(file,
            "\"frames\":{\"received\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"lost\":%" PRIu64 "}",
            counts->datagrams, counts->datagrams_refused, counts->lost);
}

static void put_refusal(FILE *file, const struct receive_counts *counts, enum refusal refusal)
{
    const struct receive_example *example = &counts->examples[refusal];
    fprintf(file, "{\"reason\":\"%s\",\"of\":\"%s\",\"count\":%" PRIu64 ",", refusal_name(refusal),
            refusal_whole(refusal) ? "datagram" : "line", counts->refused[refusal]);
    put_text(file, "meaning", bytes_of(refusal_sentence(refusal)));
    fputc(',', file);
    put_text(file, "example", (struct bytes){example->text, example->n});
    fprintf(file, ",\"example_bytes\":%zu}", example->whole);
}

static void put_refusals(FILE *file, const struct receive_counts *counts)
{
    bool more = false;
    for (enum refusal r = REFUSED_NOT + 1; r < REFUSAL_KINDS; r++) {
        if (counts->refused[r] == 0)
            continue;
        fputs(comma(more), file);
        put_refusal(file, counts, r);
        more = true;
    }
}

static void put_lines(FILE *file, const struct receive_counts *counts,
                      const struct series_view *view)
{
    fprintf(file,
            "\"lines\":{\"received\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"ignored\":%" PRIu64,
            counts->lines, counts->lines_refused, view->ignored);
    fputs("},\"refusals\":[", file);
    put_refusals(file, counts);
    fputc(']', file);
}

static void put_counters(FILE *file, struct series_counter **counters)
{
    fputc('{', file);
    for (struct series_counter **c = counters; *c != NULL; c++) {
        fputs(comma(c != counters), file);
        put_key(file, (*c)->entry.key);
        put_number(file, (*c)->sum);
    }
    fputc('}', file);
}

static void put_quantiles(FILE *file, const struct histogram *h, const char *unit)
{
    fprintf(file,
            "\"p50%s\":%" PRIu64 ",\"p90%s\":%" PRIu64 ",\"p99%s\":%" PRIu64 ",\"max%s\":%" PRIu64,
            unit, histogram_quantile(h, 0.50), unit, histogram_quantile(h, 0.90), unit,
            histogram_quantile(h, 0.99), unit, h->most);
}

static void put_timer(FILE *file, const struct series_timer *timer)
{
    put_key(file, timer->entry.key);
    fprintf(file, "{\"unit\":\"us\",\"count\":%" PRIu64 ",\"mean\":", timer->us.count);
    put_number(file, histogram_mean(&timer->us));
    fputc(',', file);
    put_quantiles(file, &timer->us, "");
    fputc('}', file);
}

static void put_timers(FILE *file, struct series_timer **timers)
{
    fputs("\"timers\":{", file);
    for (struct series_timer **t = timers; *t != NULL; t++) {
        fputs(comma(t != timers), file);
        put_timer(file, *t);
    }
    fputc('}', file);
}

static void put_type(FILE *file, const struct series_type *type)
{
    struct bytes action;
    struct bytes label = name_label(type->timer.entry.key, &action);
    fputc('{', file);
    put_text(file, "label", label);
    fputc(',', file);
    put_text(file, "action", action);
    fprintf(file, ",\"count\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"status_unknown\":%" PRIu64 ",",
            type->timer.us.count, type->errors, type->unknown);
    fputs("\"started\":", file);
    put_number(file, type->started);
    fputc(',', file);
    put_quantiles(file, &type->timer.us, "_us");
    fputc('}', file);
}

static void put_types(FILE *file, struct series_type **types)
{
    fputs(",\"by_type\":[", file);
    for (struct series_type **t = types; *t != NULL; t++) {
        fputs(comma(t != types), file);
        put_type(file, *t);
    }
    fputc(']', file);
}

static void put_upstreams(FILE *file, struct series_upstream **upstreams)
{
    fputs(",\"upstreams\":[", file);
    for (struct series_upstream **u = upstreams; *u != NULL; u++) {
        fprintf(file, "%s{", comma(u != upstreams));
        put_text(file, "name", (*u)->entry.key);
        fprintf(file, ",\"count\":%" PRIu64 ",\"time_us\":", (*u)->count);
        put_number(file, (*u)->time_us);
        fputc('}', file);
    }
    fputc(']', file);
}

static void put_requests(FILE *file, const struct series_view *view)
{
    fputs("\"requests\":{\"total\":", file);
    put_number(file, view->total);
    fprintf(file, ",\"ended\":%" PRIu64 ",\"rate\":", view->ended);
    put_number(file, view->rate);
    fputs(",\"seconds\":", file);
    put_number(file, view->seconds);
    fputs(",\"errors\":", file);
    put_number(file, view->errors);
    fputs(",\"by_status\":", file);
    put_counters(file, view->statuses);
    put_types(file, view->types);
    put_upstreams(file, view->upstreams);
    fputc('}', file);
}

void report_write(FILE *file, const struct receive_counts *counts, const struct series_view *view)
{
    fputc('{', file);
    put_frames(file, counts);
    fputc(',', file);
    put_lines(file, counts, view);
    fputs(",\"counters\":", file);
    put_counters(file, view->counters);
    fputc(',', file);
    put_timers(file, view->timers);
    fputc(',', file);
    put_requests(file, view);
    fputs("}\n", file);
}
