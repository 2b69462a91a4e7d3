/*
 * hero: a small shop's server that tells of its requests itself, by every function of stats_hero.h.
 * It takes its orders from a queue, where the shim sees no connection.
 *
 *     cc -o hero hero.c -pthread
 *     stats-hero run -- ./hero          # or with LD_PRELOAD=libstatshero.so
 *     ./hero                            # without the shim it works as ever
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <stats_hero.h>

/* What the server does for its customers: each takes its time upstream. */
static void work(long us)
{
    struct timespec time = {0, us * 1000};
    nanosleep(&time, NULL);
}

static int read_stock(const char *article)
{
    work(2000);
    return strcmp(article, "tea") == 0 ? 7 : 0;
}

static void write_order(void)
{
    work(1000);
}

/* 1. A request begins. The server goes on whatever comes back: no order fails for its metrics. */
static void begin(const char *id, const char *action)
{
    struct stats_hero_config config = {
        .my_app = "shop",
        .request_label = "orders",
        .request_action = action,
        .request_id = id,
        .request_id_bytes = STATS_HERO_STRING,
        .upstream_prefixes = "rdbms,mail",
    };
    const char *missing;
    int error = stats_hero_start(&config, &missing);
    if (error < 0 && error != -ENOSYS)
        fprintf(stderr, "order %s: %s%s%s\n", id, strerror(-error), missing ? ": no " : "",
                missing ? missing : "");
}

/* 2. What it does is timed by label: a call as it is made, and time that is known otherwise. */
static int order(const char *id, const char *article)
{
    int left = STATS_HERO_TIME(id, "rdbms.stock.read", read_stock(article));
    if (left == 0)
        return 404;
    STATS_HERO_TIME(id, "rdbms.orders.write", (write_order(), 0)); /* a call without a value */
    stats_hero_ctime(id, STATS_HERO_STRING, "mail.confirm", 3, STATS_HERO_MS);
    return 201;
}

/* 3. What happened is noted, to be read by whoever asks for it before the request is stopped. */
static void note(const char *id, const char *text)
{
    stats_hero_alog(id, STATS_HERO_STRING, "journal", text, strlen(text));
}

static void show_journal(const char *id)
{
    char text[256];
    ssize_t n = stats_hero_read_alog(id, STATS_HERO_STRING, "journal", text, sizeof text);
    if (n > (ssize_t)sizeof text)
        n = sizeof text;
    if (n > 0)
        printf("%s: %.*s\n", id, (int)n, text);
}

/* 4. Where its time went, up to now or, once it was reported, in all. */
static void show_times(const char *id)
{
    struct stats_hero_entry entry[16];
    int n = stats_hero_snapshot(id, STATS_HERO_STRING, STATS_HERO_ALL, entry, 16);
    for (int i = 0; i < n && i < 16; i++)
        printf("%s: %-18s %lld ms, %llu calls\n", id, entry[i].label,
               (long long)stats_hero_entry_ms(&entry[i]), (unsigned long long)entry[i].count);
}

/* 5. It is reported, which sends its end metrics, and stopped, which ends it. */
static void finish(const char *id, int status)
{
    stats_hero_report_metrics(id, STATS_HERO_STRING, status);
    show_times(id);
    stats_hero_stop_worker(id, STATS_HERO_STRING);
}

static void serve(const char *id, const char *article)
{
    begin(id, "POST");
    note(id, "ordered ");
    note(id, article);
    int status = order(id, article);
    show_journal(id);
    finish(id, status);
}

/*
 * 6. A request that another thread finishes belongs to that one from then on: the end of the first
 * one is no longer its end. A thread that dies with requests of its own leaves them DOWN.
 */
static void *finish_elsewhere(void *id)
{
    stats_hero_reparent(id, STATS_HERO_STRING, 0);
    stats_hero_report_metrics(id, STATS_HERO_STRING, order(id, "tea"));
    stats_hero_stop_worker(id, STATS_HERO_STRING);
    return NULL;
}

static void serve_elsewhere(const char *id)
{
    pthread_t thread;
    begin(id, "PUT");
    if (pthread_create(&thread, NULL, finish_elsewhere, (void *)id) == 0)
        pthread_join(thread, NULL);
}

/* 7. A worker that starts afresh gives up whatever it was at; nothing of it is reported. */
static void start_afresh(void)
{
    stats_hero_monitor_register(0); /* not needed by a thread that starts requests: it is watched */
    begin("order-4", "POST");
    printf("%zu under way\n", stats_hero_monitor_registered_count());
    stats_hero_clean_worker_data(0); /* 0: this thread */
    printf("%zu under way\n", stats_hero_monitor_registered_count());
}

/* 8. Figures of the server's own, by the same way: any sender of the pool, or a certain one. */
static void send_figures(void)
{
    const char line[] = "shop.orders.waiting:1|m\n";
    int error = stats_hero_send(line, sizeof line - 1);
    if (error == 0)
        error = stats_hero_send_to(0, line, sizeof line - 1);
    if (error < 0 && error != -ENOSYS)
        fprintf(stderr, "figures: %s\n", strerror(-error));
}

int main(void)
{
    uint64_t began = stats_hero_now_ns();
    serve("order-1", "tea");
    serve("order-2", "coffee");
    serve_elsewhere("order-3");
    start_afresh();
    send_figures();
    if (began > 0)
        printf("open for %llu ms\n", (unsigned long long)(stats_hero_now_ns() - began) / 1000000);
    return 0;
}
