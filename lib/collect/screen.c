#include "collect/screen.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "collect/name.h"

enum { CELL_BYTES = 96, CELL_COLUMNS = 9 };

/* One cell's text. */
struct cell {
    char text[CELL_BYTES];
};

__attribute__((format(printf, 1, 2))) static struct cell cell(const char *format, ...)
{
    struct cell c;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c.text, sizeof c.text, format, arguments);
    va_end(arguments);
    return c;
}

/* 1234567 as 1,234,567. */
static struct cell grouped(double value)
{
    struct cell plain = cell("%.0f", fabs(value) < 1e15 ? value : copysign(1e15, value));
    struct cell c = {{0}};
    size_t n = strlen(plain.text), to = 0;
    for (size_t i = 0; i < n; i++) {
        bool cut = i > 0 && (n - i) % 3 == 0 && plain.text[i - 1] != '-';
        if (cut)
            c.text[to++] = ',';
        c.text[to++] = plain.text[i];
    }
    return c;
}

/* Three significant digits, in the unit that suits. */
static struct cell duration(double us)
{
    static const char *const units[] = {"µs", "ms", "s"};
    size_t unit = 0;
    double value = us;
    while (unit < 2 && value >= 999.5) {
        value /= 1000;
        unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return cell("%.*f %s", decimals, value, units[unit]);
}

/* Columns that a text takes on a terminal: its bytes, less those that continue a UTF-8 character.
 */
static int columns(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* `text` at the right of its column, and the gap to the next. */
static void put_right(FILE *file, const char *text)
{
    fprintf(file, "%*s%s  ", columns(text) < CELL_COLUMNS ? CELL_COLUMNS - columns(text) : 0, "",
            text);
}

static void put_count(FILE *file, double value)
{
    put_right(file, grouped(value).text);
}

static void put_time(FILE *file, double us)
{
    put_right(file, duration(us).text);
}

static void put_key(FILE *file, struct bytes key)
{
    for (size_t i = 0; i < key.n; i++)
        fputc(key.at[i] >= ' ' && key.at[i] <= '~' ? key.at[i] : '?', file);
}

static void put_headings(FILE *file, const char *const *headings, const char *last)
{
    for (; *headings != NULL; headings++)
        put_right(file, *headings);
    fprintf(file, "%s\n", last);
}

static void put_distribution(FILE *file, const struct histogram *h)
{
    put_time(file, (double)histogram_quantile(h, 0.50));
    put_time(file, (double)histogram_quantile(h, 0.90));
    put_time(file, (double)histogram_quantile(h, 0.99));
    put_time(file, (double)h->most);
}

static void put_total(FILE *file, const struct series_view *view)
{
    fprintf(file, "%s request%s", grouped(view->total).text, view->total == 1 ? "" : "s");
    if (view->total > 0)
        fprintf(file, " in %s, %s a second", duration(view->seconds * 1e6).text,
                grouped(view->rate).text);
    fprintf(file, ", %s error%s", grouped(view->errors).text, view->errors == 1 ? "" : "s");
    double open = view->total - (double)view->ended;
    if (open > 0)
        fprintf(file, ", %s not ended", grouped(open).text);
    fputc('\n', file);
}

static void put_errors(FILE *file, const struct series_type *type)
{
    if (type->unknown > 0 && type->unknown == type->timer.us.count)
        put_right(file, "?");
    else
        put_count(file, (double)type->errors);
}

static void put_type(FILE *file, const struct series_type *type)
{
    struct bytes action;
    struct bytes label = name_label(type->timer.entry.key, &action);
    put_count(file, (double)type->timer.us.count);
    put_errors(file, type);
    put_distribution(file, &type->timer.us);
    put_key(file, label);
    fputc(' ', file);
    put_key(file, action);
    fputc('\n', file);
}

static void put_types(FILE *file, struct series_type **types)
{
    static const char *const headings[] = {"requests", "errors", "p50", "p90", "p99", "max", NULL};
    if (*types == NULL)
        return;
    fputc('\n', file);
    put_headings(file, headings, "label and action");
    for (; *types != NULL; types++)
        put_type(file, *types);
}

static void put_statuses(FILE *file, struct series_counter **statuses)
{
    static const char *const headings[] = {"requests", NULL};
    if (*statuses == NULL)
        return;
    fputc('\n', file);
    put_headings(file, headings, "status");
    for (; *statuses != NULL; statuses++) {
        put_count(file, (*statuses)->sum);
        put_key(file, (*statuses)->entry.key);
        fputc('\n', file);
    }
}

static void put_upstreams(FILE *file, struct series_upstream **upstreams)
{
    static const char *const headings[] = {"requests", "time", "mean", NULL};
    if (*upstreams == NULL)
        return;
    fputc('\n', file);
    put_headings(file, headings, "upstream");
    for (; *upstreams != NULL; upstreams++) {
        put_count(file, (double)(*upstreams)->count);
        put_time(file, (*upstreams)->time_us);
        put_time(file, (*upstreams)->time_us / (double)(*upstreams)->count);
        put_key(file, (*upstreams)->entry.key);
        fputc('\n', file);
    }
}

static void put_more(FILE *file, size_t shown, size_t all, const char *what)
{
    if (all > shown)
        fprintf(file, "%s more %s\n", grouped((double)(all - shown)).text, what);
}

static void put_foreign_counters(FILE *file, struct series_counter **counters)
{
    static const char *const headings[] = {"sum", NULL};
    size_t n = 0, shown = 0;
    for (; *counters != NULL; counters++) {
        if (!(*counters)->foreign || n++ >= SCREEN_FOREIGN)
            continue;
        if (shown++ == 0) {
            fputc('\n', file);
            put_headings(file, headings, "counter");
        }
        put_count(file, (*counters)->sum);
        put_key(file, (*counters)->entry.key);
        fputc('\n', file);
    }
    put_more(file, shown, n, "counters");
}

static void put_foreign_timers(FILE *file, struct series_timer **timers)
{
    static const char *const headings[] = {"count", "p50", "p90", "p99", "max", NULL};
    size_t n = 0, shown = 0;
    for (; *timers != NULL; timers++) {
        if (!(*timers)->foreign || n++ >= SCREEN_FOREIGN)
            continue;
        if (shown++ == 0) {
            fputc('\n', file);
            put_headings(file, headings, "timer");
        }
        put_count(file, (double)(*timers)->us.count);
        put_distribution(file, &(*timers)->us);
        put_key(file, (*timers)->entry.key);
        fputc('\n', file);
    }
    put_more(file, shown, n, "timers");
}

static void put_remark(FILE *file, double n, const char *one, const char *many, const char *rest)
{
    if (n > 0)
        fprintf(file, "%s %s %s\n", grouped(n).text, n == 1 ? one : many, rest);
}

/* Escaped, not replaced by `?`: often the byte that does not show is the mistake. */
static void put_example(FILE *file, const struct receive_example *example)
{
    char text[6 * RECEIVE_EXAMPLE_BYTES];
    struct writer w = writer_on(text, sizeof text);
    put_json(&w, (struct bytes){example->text, example->n});
    fprintf(file, "    \"%.*s\"", (int)w.n, text);
    if (example->n < example->whole)
        fprintf(file, " and %s bytes more", grouped((double)(example->whole - example->n)).text);
    fputc('\n', file);
}

static void put_refusals(FILE *file, const struct receive_counts *counts)
{
    for (enum refusal r = REFUSED_NOT + 1; r < REFUSAL_KINDS; r++) {
        bool whole = refusal_whole(r);
        if (counts->refused[r] == 0)
            continue;
        put_remark(file, (double)counts->refused[r], whole ? "datagram was" : "line was",
                   whole ? "datagrams were" : "lines were",
                   cell("refused: %s", refusal_sentence(r)).text);
        put_example(file, &counts->examples[r]);
    }
}

static void put_remarks(FILE *file, const struct receive_counts *counts,
                        const struct series_view *view)
{
    put_remark(file, view->dropped, "event was", "events were",
               "dropped by the program's full queue (STATS_HERO_QUEUE_EVENTS)");
    put_remark(file, view->send_errors, "send", "sends", "failed in the program");
    put_remark(file, view->down, "request was", "requests were", "left by a thread that ended");
    put_remark(file, (double)counts->lost, "datagram was", "datagrams were",
               "lost: the receiver's socket was full");
    put_remark(file, (double)view->ignored, "value was", "values were",
               "ignored: neither a counter nor a timer");
    put_refusals(file, counts);
}

void screen_write(FILE *file, const struct receive_counts *counts, const struct series_view *view)
{
    put_total(file, view);
    put_types(file, view->types);
    put_statuses(file, view->statuses);
    put_upstreams(file, view->upstreams);
    put_foreign_counters(file, view->counters);
    put_foreign_timers(file, view->timers);
    put_remarks(file, counts, view);
}
