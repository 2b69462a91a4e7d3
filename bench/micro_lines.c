/*
 * What the sender takes to spell metric lines: nanoseconds of CPU time per line, for each dialect,
 * of a request's eight lines where it took as long as the one before it, where it did not, and of
 * those of one with upstream times, whose keys are put together anew each time. Rounds are
 * interleaved; a row shows the median and the least of them.
 *
 *     make benches && build/bench/micro_lines
 */

#include "base/process.h"
#include "bench.h"
#include "request/lines.h"
#include "request/names.h"

enum { LABELS = 4, ROOM = 8192 };

/* The requests whose lines are spelled: ends, each as long as the one before or not, without
 * upstream times and with two. */
enum kind { ALIKE, VARIED, WITH_UPSTREAMS, KINDS };

static uint64_t ends[KINDS][LABELS][EVENT_WORDS_MOST];

static struct {
    enum protocol protocol;
    struct rounds rounds[KINDS];
} dialects[] = {
    {.protocol = PROTOCOL_ESTATSD},
    {.protocol = PROTOCOL_STATSD},
    {.protocol = PROTOCOL_DOGSTATSD},
};

enum { DIALECTS = sizeof dialects / sizeof dialects[0] };

static struct config config;
static double requests = 2000;

static void make_ends(enum kind kind)
{
    static const char *const texts[LABELS] = {"users", "orders", "carts", "static_assets"};
    struct timers timers = {0};
    if (kind == WITH_UPSTREAMS) {
        timers_add(&timers, label_number(&names.timers, BYTES("rdbms.users.get")), 1200, 1);
        timers_add(&timers, label_number(&names.timers, BYTES("authz.ask")), 560, 1);
    }
    for (int i = 0; i < LABELS; i++) {
        struct event_facts facts = {
            .kind = EVENT_END,
            .label = label_number(&names.labels, bytes_of(texts[i])),
            .action = names.get,
            .status = 200,
            .duration_ns = (uint64_t)(i + 1) * 7654321,
            .timers = kind == WITH_UPSTREAMS ? &timers : NULL,
        };
        event_write(ends[kind][i], &facts);
    }
    timers_clear(&timers);
}

static int count_lines(const struct writer *w)
{
    int n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->at[i] == '\n';
    return n;
}

/* CPU ns per line. */
static double line_ns(enum protocol protocol, enum kind kind)
{
    static struct lines lines;
    static char text[ROOM];
    struct writer w = writer_on(text, ROOM);
    config.protocol = protocol;
    lines_begin(&lines, &config);
    double began = thread_cpu_ns();
    for (int i = 0; i < (int)requests; i++) {
        struct event *end = (struct event *)ends[kind][i % LABELS];
        end->duration_ns += kind == ALIKE ? 0 : 1000000;
        w.n = 0;
        lines_whole(&lines, &w, end);
    }
    double ns = (thread_cpu_ns() - began) / requests;
    expect(!w.full && count_lines(&w) >= 8);
    return ns / count_lines(&w);
}

static void show(enum protocol protocol, enum kind kind, const struct rounds *rounds)
{
    static const char *const kinds[KINDS] = {"as long as before", "longer",
                                             "with two upstream times"};
    char title[64];
    snprintf(title, sizeof title, "%s, %s", codec_of(protocol)->name, kinds[kind]);
    rounds_print(title, rounds, 0);
}

int main(int argc, char **argv)
{
    double rounds = 100;
    const struct bench_option options[] = {
        {"--rounds", &rounds, "rounds"},
        {"--requests", &requests, "requests in a round"},
        {NULL, NULL, NULL},
    };
    bench_options(argc, argv, options);
    bench_within("--rounds", rounds, 1, ROUNDS_MOST);
    bench_within("--requests", requests, 1, 1e9);
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    expect(names_begin(&config) == 0);
    for (int kind = 0; kind < KINDS; kind++)
        make_ends((enum kind)kind);
    for (int round = 0; round < (int)rounds; round++)
        for (int i = 0; i < DIALECTS; i++)
            for (int kind = 0; kind < KINDS; kind++)
                rounds_add(&dialects[i].rounds[kind],
                           line_ns(dialects[i].protocol, (enum kind)kind));

    rounds_head("CPU ns to spell a metric line");
    for (int i = 0; i < DIALECTS; i++)
        for (int kind = 0; kind < KINDS; kind++)
            show(dialects[i].protocol, (enum kind)kind, &dialects[i].rounds[kind]);
    return 0;
}
