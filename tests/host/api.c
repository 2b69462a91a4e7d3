/*
 * api SCENARIO: what stats_hero.h promises, a behaviour each. What comes back from the calls is
 * checked here; what is sent and logged is checked by test_api.py, to which scenarios print what it
 * can't know.
 */
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include <stats_hero.h>

#include "loopback.h"

#define ID   "req_id_123"
#define TEXT STATS_HERO_STRING

enum {
    DOWN_MS = 1000, /* how soon the end of a request's owner is found */
    END_MS = 50,    /* how long the end of a process waits for what it has to send */
};

static _Noreturn void unequal(const char *call, long long value, long long wanted, int line)
{
    dprintf(STDERR_FILENO, "api.c:%d: %s is %lld, not %lld\n", line, call, value, wanted);
    _Exit(1);
}

#define IS(wanted, call)                                                                           \
    do {                                                                                           \
        long long is_wanted = (long long)(wanted), is_value = (long long)(call);                   \
        if (is_value != is_wanted)                                                                 \
            unequal(#call, is_value, is_wanted, __LINE__);                                         \
    } while (0)

static struct stats_hero_config config_for(const char *id)
{
    return (struct stats_hero_config){
        .my_app = "test_hero",
        .request_label = "nodes",
        .request_action = "PUT",
        .request_id = id,
        .request_id_bytes = TEXT,
        .upstream_prefixes = "rdbms,couchdb,authz",
    };
}

static void start(const char *id)
{
    struct stats_hero_config config = config_for(id);
    const char *missing = "?";
    IS(0, stats_hero_start(&config, &missing));
    EXPECT(missing == NULL);
}

static void finish(const char *id, int status)
{
    IS(0, stats_hero_report_metrics(id, TEXT, status));
    IS(0, stats_hero_stop_worker(id, TEXT));
}

static void add_ms(const char *label, int64_t ms)
{
    IS(0, stats_hero_ctime(ID, TEXT, label, ms, STATS_HERO_MS));
}

static void add_us(const char *label, int64_t us)
{
    IS(0, stats_hero_ctime(ID, TEXT, label, us, STATS_HERO_MICROS));
}

static int64_t now_ms(void)
{
    struct timespec now;
    EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void breathe(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static bool is_known(const char *id)
{
    ssize_t n = stats_hero_read_alog(id, TEXT, "", NULL, 0);
    EXPECT(n == 0 || n == -ENOENT);
    return n == 0;
}

/* ---- what is sent ---- */

/* The timers of the original's own tests, and some that tell roundings and prefixes apart. The
 * start leaves in a datagram of its own. */
static void original(void)
{
    start(ID);
    have_sent();
    add_ms("rdbms.nodes.fetch", 100);
    add_ms("rdbms.nodes.fetch", 900);
    add_ms("rdbms.nodes.put", 200);
    add_ms("authz.nodes.read", 100);
    add_ms("no-such-prefix.who", 77);
    add_us("rdbms.micro", 1999);
    add_us("rdbms.micro", 999);
    add_us("rdbms.micro", 1000);
    finish(ID, 200);
}

static void no_timers(void)
{
    start(ID);
    have_sent();
    finish(ID, 200);
}

static void no_match(void)
{
    start(ID);
    have_sent();
    add_ms("no-such-prefix.who", 77);
    finish(ID, 200);
}

static void timer_of_zero(void)
{
    start(ID);
    add_ms("rdbms.zero", 0);
    finish(ID, 200);
}

static void first_prefix(void)
{
    struct stats_hero_config config = config_for(ID);
    config.upstream_prefixes = "rdb,rdbms,authz.nodes";
    IS(0, stats_hero_start(&config, NULL));
    add_ms("rdbms.x", 1);
    add_ms("authz.nodes.read", 2);
    add_ms("authz.other", 4);
    finish(ID, 200);
}

static void no_prefixes(void)
{
    struct stats_hero_config config = config_for(ID);
    config.upstream_prefixes = "";
    IS(0, stats_hero_start(&config, NULL));
    add_ms("rdbms.x", 1);
    finish(ID, 200);
}

static void report_twice(void)
{
    start(ID);
    add_ms("rdbms.x", 1);
    IS(0, stats_hero_report_metrics(ID, TEXT, 200));
    add_ms("rdbms.x", 2);
    IS(0, stats_hero_report_metrics(ID, TEXT, 500));
    IS(0, stats_hero_stop_worker(ID, TEXT));
}

static void stop_before_report(void)
{
    start(ID);
    add_ms("rdbms.x", 1);
    IS(0, stats_hero_stop_worker(ID, TEXT));
    IS(-ENOENT, stats_hero_report_metrics(ID, TEXT, 200));
    IS(-ENOENT, stats_hero_stop_worker(ID, TEXT));
}

static void statuses(void)
{
    static const int status[] = {0, -5, 999, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof status / sizeof *status; i++) {
        start(ID);
        finish(ID, status[i]);
    }
}

static void start_named(const char *app, const char *label, const char *action)
{
    struct stats_hero_config config = config_for(ID);
    config.my_app = app;
    config.request_label = label;
    config.request_action = action;
    IS(0, stats_hero_start(&config, NULL));
}

static void forged(void)
{
    start_named("a:1|m\nb", "l.m:1|m\nx", "PUT|h\r");
    add_ms("rdbms.a:1|m\nb\001\377", 1);
    finish(ID, 200);
}

static void empty_names(void)
{
    start_named("", "", "");
    add_ms("", 1);
    finish(ID, 200);
}

static void long_names(void)
{
    char name[201];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    start_named("app", name, name);
    memcpy(name, "rdbms.", 6);
    add_ms(name, 1);
    name[70] = 'y'; /* past where it is cut */
    add_ms(name, 2);
    finish(ID, 200);
}

static void two_apps(void)
{
    start_named("first", "l", "GET");
    finish(ID, 200);
    start_named("second.part", "l", "GET");
    finish(ID, 200);
}

/* ---- ids ---- */

static void id_of_any_bytes(void)
{
    char id[STATS_HERO_ID_BYTES];
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (char)i;
    struct stats_hero_config config = config_for(id);
    config.request_id_bytes = sizeof id;
    IS(0, stats_hero_start(&config, NULL));
    IS(0, stats_hero_ctime(id, sizeof id, "rdbms.x", 1, STATS_HERO_MS));
    IS(-ENOENT, stats_hero_ctime(id, sizeof id - 1, "rdbms.x", 1, STATS_HERO_MS));
    id[127]++;
    IS(-ENOENT, stats_hero_ctime(id, sizeof id, "rdbms.x", 1, STATS_HERO_MS));
    id[127]--;
    IS(0, stats_hero_report_metrics(id, sizeof id, 200));
    IS(0, stats_hero_stop_worker(id, sizeof id));
    memset(id, 0xff, sizeof id);
    IS(0, stats_hero_start(&config, NULL));
    IS(0, stats_hero_report_metrics(id, sizeof id, 201));
    IS(0, stats_hero_stop_worker(id, sizeof id));
}

static void id_too_long(void)
{
    char id[STATS_HERO_ID_BYTES + 2];
    memset(id, 'x', sizeof id);
    id[sizeof id - 1] = '\0';
    struct stats_hero_config config = config_for(id);
    IS(-ENAMETOOLONG, stats_hero_start(&config, NULL));
    config.request_id_bytes = STATS_HERO_ID_BYTES + 1;
    IS(-ENAMETOOLONG, stats_hero_start(&config, NULL));
    IS(-ENOENT, stats_hero_ctime(id, TEXT, "rdbms.x", 1, STATS_HERO_MS));
    config.request_id_bytes = STATS_HERO_ID_BYTES;
    IS(0, stats_hero_start(&config, NULL));
    IS(0, stats_hero_stop_worker(id, STATS_HERO_ID_BYTES));
}

static void id_empty(void)
{
    struct stats_hero_config config = config_for("");
    const char *missing = "?";
    IS(-EINVAL, stats_hero_start(&config, &missing));
    EXPECT(missing == NULL);
    IS(-ENOENT, stats_hero_stop_worker("", TEXT));
    IS(-ENOENT, stats_hero_stop_worker(NULL, TEXT));
}

static void names_too_long(void)
{
    static char name[1002];
    struct stats_hero_config config = config_for(ID);
    memset(name, 'x', 1001);
    config.upstream_prefixes = name;
    config.my_app = "";
    IS(-ENAMETOOLONG, stats_hero_start(&config, NULL));
    name[1000] = '\0';
    IS(0, stats_hero_start(&config, NULL));
    IS(0, stats_hero_stop_worker(ID, TEXT));
    config.my_app = "a";
    IS(-ENAMETOOLONG, stats_hero_start(&config, NULL));
    IS(-ENOENT, stats_hero_stop_worker(ID, TEXT));
}

static void too_many_scopes(void)
{
    char app[16];
    struct stats_hero_config config = config_for(ID);
    config.my_app = app;
    for (int i = 0; i < 300; i++) {
        snprintf(app, sizeof app, "app%d", i);
        IS(i < 255 ? 0 : -ENOSPC, stats_hero_start(&config, NULL));
        if (i < 255)
            IS(0, stats_hero_stop_worker(ID, TEXT));
    }
    IS(0, stats_hero_monitor_registered_count());
}

static void expect_missing(struct stats_hero_config config, const char *key)
{
    const char *missing = NULL;
    IS(-EINVAL, stats_hero_start(&config, &missing));
    EXPECT(missing != NULL && strcmp(missing, key) == 0);
    IS(-EINVAL, stats_hero_start(&config, NULL));
    IS(0, stats_hero_monitor_registered_count());
}

static void missing_my_app(void)
{
    struct stats_hero_config config = config_for(ID);
    config.my_app = NULL;
    expect_missing(config, "my_app");
}

static void missing_request_label(void)
{
    struct stats_hero_config config = config_for(ID);
    config.request_label = NULL;
    expect_missing(config, "request_label");
}

static void missing_request_action(void)
{
    struct stats_hero_config config = config_for(ID);
    config.request_action = NULL;
    expect_missing(config, "request_action");
}

static void missing_request_id(void)
{
    struct stats_hero_config config = config_for(NULL);
    expect_missing(config, "request_id");
}

static void missing_upstream_prefixes(void)
{
    struct stats_hero_config config = config_for(ID);
    config.upstream_prefixes = NULL;
    expect_missing(config, "upstream_prefixes");
}

static void unknown_id(void)
{
    struct stats_hero_entry entry[2];
    char room[2];
    IS(-ENOENT, stats_hero_ctime("unknown", TEXT, "a_label", 100, STATS_HERO_MS));
    IS(-ENOENT, stats_hero_stop_worker("unknown", TEXT));
    IS(-ENOENT, stats_hero_clean_worker_data((pid_t)syscall(SYS_gettid)));
    IS(-ENOENT, stats_hero_clean_worker_data(0));
    IS(-ENOENT, stats_hero_clean_worker_data(INT_MAX));
    IS(-ENOENT, stats_hero_alog("unknown", TEXT, "a_label", "msg", 3));
    for (int detail = STATS_HERO_AGG; detail <= STATS_HERO_ALL; detail++)
        IS(0, stats_hero_snapshot("unknown", TEXT, (enum stats_hero_detail)detail, entry, 2));
    IS(-ENOENT, stats_hero_report_metrics("unknown", TEXT, 404));
    IS(-ENOENT, stats_hero_read_alog("unknown", TEXT, "my_log", room, sizeof room));
    IS(-ENOENT, stats_hero_reparent("unknown", TEXT, 0));
    IS(7, STATS_HERO_TIME("unknown", "a_label", 7));
}

/* ---- what a request keeps ---- */

static void read_alog(void)
{
    char text[16] = "0123456789abcdef";
    start(ID);
    IS(0, stats_hero_alog(ID, TEXT, "my_log", "hello, ", 7));
    IS(0, stats_hero_alog(ID, TEXT, "other_log", "else", 4));
    IS(0, stats_hero_alog(ID, TEXT, "my_log", "", 0));
    IS(0, stats_hero_alog(ID, TEXT, "my_log", "world.", 6));
    IS(13, stats_hero_read_alog(ID, TEXT, "my_log", text, sizeof text));
    EXPECT(memcmp(text, "hello, world.def", 16) == 0);
    IS(13, stats_hero_read_alog(ID, TEXT, "my_log", NULL, 0));
    memset(text, '-', sizeof text);
    IS(13, stats_hero_read_alog(ID, TEXT, "my_log", text, 9));
    EXPECT(memcmp(text, "hello, wo-------", 16) == 0);
    IS(0, stats_hero_read_alog(ID, TEXT, "no_log", text, sizeof text));
    IS(-EINVAL, stats_hero_read_alog(ID, TEXT, NULL, text, sizeof text));
    IS(-EINVAL, stats_hero_alog(ID, TEXT, NULL, "x", 1));
    finish(ID, 200);
    IS(-ENOENT, stats_hero_read_alog(ID, TEXT, "my_log", text, sizeof text));
}

static void alog_is_full(void)
{
    static char big[STATS_HERO_LOG_BYTES + 1], back[STATS_HERO_LOG_BYTES];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 256);
    start(ID);
    IS(-ENOSPC, stats_hero_alog(ID, TEXT, "a", big, sizeof big));
    IS(0, stats_hero_read_alog(ID, TEXT, "a", NULL, 0));
    IS(0, stats_hero_alog(ID, TEXT, "a", big, 60000));
    IS(-ENOSPC, stats_hero_alog(ID, TEXT, "b", big, 5537));
    IS(0, stats_hero_alog(ID, TEXT, "a", big + 60000, 5536));
    IS(-ENOSPC, stats_hero_alog(ID, TEXT, "a", big, 1));
    IS(STATS_HERO_LOG_BYTES, stats_hero_read_alog(ID, TEXT, "a", back, sizeof back));
    EXPECT(memcmp(big, back, sizeof back) == 0);
    finish(ID, 200);
}

static void print_snapshot(const char *name, enum stats_hero_detail detail)
{
    struct stats_hero_entry entry[16], first[1];
    int n = stats_hero_snapshot(ID, TEXT, detail, entry, 16);
    EXPECT(n > 0 && n <= 16);
    IS(n, stats_hero_snapshot(ID, TEXT, detail, NULL, 0));
    IS(n, stats_hero_snapshot(ID, TEXT, detail, first, 1));
    EXPECT(strcmp(entry[0].label, "req_time") == 0 && strcmp(first[0].label, "req_time") == 0);
    for (int i = 0; i < n; i++)
        printf("%s %s %llu %llu\n", name, entry[i].label, (unsigned long long)entry[i].time_us,
               (unsigned long long)entry[i].count);
}

/* The calls of the original's test. */
static void snapshot(void)
{
    start(ID);
    IS(100, STATS_HERO_TIME(ID, "rdbms.nodes.fetch", 100));
    for (int i = 0; i < 9; i++)
        add_ms("rdbms.nodes.fetch", 100);
    add_ms("rdbms.nodes.put", 200);
    add_ms("authz.nodes.read", 100);
    add_ms("no-such-prefix.who.what.where", 100);
    IS(0, stats_hero_alog(ID, TEXT, "my_log", "hello", 5));
    print_snapshot("agg", STATS_HERO_AGG);
    print_snapshot("no_agg", STATS_HERO_NO_AGG);
    print_snapshot("all", STATS_HERO_ALL);
    IS(-EINVAL, stats_hero_snapshot(ID, TEXT, (enum stats_hero_detail)3, NULL, 0));
    finish(ID, 200);
}

static uint64_t request_us(void)
{
    struct stats_hero_entry entry;
    IS(1, stats_hero_snapshot(ID, TEXT, STATS_HERO_ALL, &entry, 1));
    EXPECT(strcmp(entry.label, "req_time") == 0 && entry.count == 0);
    IS((int64_t)entry.time_us / 1000, stats_hero_entry_ms(&entry));
    return entry.time_us;
}

static void req_time_runs(void)
{
    start(ID);
    uint64_t before = request_us();
    for (int i = 0; i < 3; i++) {
        breathe();
        uint64_t now = request_us();
        EXPECT(now >= before + 1000);
        before = now;
    }
    finish(ID, 200);
}

static void req_time_frozen(void)
{
    start(ID);
    breathe();
    uint64_t before = request_us();
    IS(0, stats_hero_report_metrics(ID, TEXT, 200));
    uint64_t reported = request_us();
    EXPECT(reported >= before && reported >= 1000);
    for (int i = 0; i < 3; i++) {
        breathe();
        EXPECT(request_us() == reported);
    }
    IS(0, stats_hero_stop_worker(ID, TEXT));
    printf("req_time %llu\n", (unsigned long long)reported);
}

static void counts_workers(void)
{
    IS(0, stats_hero_monitor_registered_count());
    start(ID);
    IS(1, stats_hero_monitor_registered_count());
    start("temp1");
    IS(2, stats_hero_monitor_registered_count());
    IS(0, stats_hero_report_metrics("temp1", TEXT, 200));
    IS(2, stats_hero_monitor_registered_count());
    IS(0, stats_hero_stop_worker("temp1", TEXT));
    IS(1, stats_hero_monitor_registered_count());
    IS(0, stats_hero_stop_worker(ID, TEXT));
    IS(0, stats_hero_monitor_registered_count());
}

static void same_id_twice(void)
{
    start_named("test_hero", "older", "GET");
    add_ms("rdbms.older", 1);
    start_named("test_hero", "newer", "GET");
    IS(2, stats_hero_monitor_registered_count());
    IS(1, stats_hero_snapshot(ID, TEXT, STATS_HERO_NO_AGG, NULL, 0));
    add_ms("rdbms.newer", 2);
    finish(ID, 201);
    IS(1, stats_hero_monitor_registered_count());
    IS(2, stats_hero_snapshot(ID, TEXT, STATS_HERO_NO_AGG, NULL, 0));
    finish(ID, 200);
    IS(0, stats_hero_monitor_registered_count());
    EXPECT(!is_known(ID));
}

static void bad_times(void)
{
    start(ID);
    IS(-EINVAL, stats_hero_ctime(ID, TEXT, "rdbms.x", -1, STATS_HERO_MS));
    IS(-EINVAL, stats_hero_ctime(ID, TEXT, "rdbms.x", INT64_MIN, STATS_HERO_MICROS));
    IS(-EINVAL, stats_hero_ctime(ID, TEXT, "rdbms.x", 1, (enum stats_hero_unit)2));
    IS(-EINVAL, stats_hero_ctime(ID, TEXT, "rdbms.x", 1, (enum stats_hero_unit) - 1));
    IS(-EINVAL, stats_hero_ctime(ID, TEXT, NULL, 1, STATS_HERO_MS));
    IS(1, stats_hero_snapshot(ID, TEXT, STATS_HERO_ALL, NULL, 0));
    finish(ID, 200);
}

/* Times are added up to a limit, not past it. */
static void endless_times(void)
{
    struct stats_hero_entry entry[2];
    start(ID);
    add_ms("rdbms.x", INT64_MAX);
    add_ms("rdbms.x", INT64_MAX);
    add_us("rdbms.x", INT64_MAX);
    IS(2, stats_hero_snapshot(ID, TEXT, STATS_HERO_NO_AGG, entry, 2));
    EXPECT(entry[1].time_us == INT64_MAX && entry[1].count == 3);
    finish(ID, 200);
}

/* The first use of a label stays. */
static void timer_and_log(void)
{
    start(ID);
    add_ms("rdbms.x", 1);
    IS(-EINVAL, stats_hero_alog(ID, TEXT, "rdbms.x", "text", 4));
    IS(0, stats_hero_alog(ID, TEXT, "journal", "text", 4));
    IS(-EINVAL, stats_hero_ctime(ID, TEXT, "journal", 1, STATS_HERO_MS));
    IS(-EINVAL, STATS_HERO_TIME(ID, "journal", -EINVAL));
    IS(0, stats_hero_read_alog(ID, TEXT, "rdbms.x", NULL, 0));
    IS(4, stats_hero_read_alog(ID, TEXT, "journal", NULL, 0));
    IS(2, stats_hero_snapshot(ID, TEXT, STATS_HERO_NO_AGG, NULL, 0));
    add_ms("rdbms.x", 2);
    finish(ID, 200);
}

static void many_timers(void)
{
    static struct stats_hero_entry entry[600];
    char label[32];
    start(ID);
    for (int i = 0; i < 300; i++) {
        snprintf(label, sizeof label, "rdbms.n%03d", i);
        add_ms(label, 1);
    }
    IS(STATS_HERO_TIMERS + 1, stats_hero_snapshot(ID, TEXT, STATS_HERO_NO_AGG, entry, 600));
    EXPECT(strcmp(entry[STATS_HERO_TIMERS].label, "other") == 0);
    IS(300 - (STATS_HERO_TIMERS - 1), entry[STATS_HERO_TIMERS].count);
    finish(ID, 200);
}

static void many_labels(void)
{
    char label[32];
    start(ID);
    for (int i = 0; i < 10; i++) {
        snprintf(label, sizeof label, "rdbms.n%d", i);
        add_ms(label, 1);
    }
    finish(ID, 200);
}

static void errno_stays(void)
{
    struct stats_hero_config config = config_for(ID);
    struct stats_hero_entry entry[4];
    char room[8];
    config.parent = INT_MAX;
    errno = 4711;
    IS(-ESRCH, stats_hero_start(&config, NULL));
    config.parent = 0;
    IS(0, stats_hero_start(&config, NULL));
    IS(0, stats_hero_ctime(ID, TEXT, "rdbms.x", 1, STATS_HERO_MS));
    IS(0, stats_hero_alog(ID, TEXT, "log", "x", 1));
    IS(1, stats_hero_read_alog(ID, TEXT, "log", room, sizeof room));
    IS(3, stats_hero_snapshot(ID, TEXT, STATS_HERO_ALL, entry, 4));
    IS(-ESRCH, stats_hero_reparent(ID, TEXT, INT_MAX));
    IS(-ESRCH, stats_hero_monitor_register(INT_MAX));
    IS(-ESRCH, stats_hero_monitor_register(getppid()));
    IS(0, stats_hero_monitor_register(0));
    IS(0, stats_hero_send("a.b:1|m\n", 8));
    IS(0, stats_hero_report_metrics(ID, TEXT, 200));
    IS(0, stats_hero_stop_worker(ID, TEXT));
    IS(4711, errno);
}

/* ---- owners ---- */

enum way { RETURN, PTHREAD_EXIT, CANCEL, RAW_EXIT };

/* A thread that may start requests of its own, and ends when it is told to. */
struct parent {
    pthread_t thread;
    pid_t tid;
    const char *id; /* NULL: it starts none */
    pid_t of;       /* whose it starts; 0: its own */
    enum way way;
    sem_t ready, go;
};

static void *be_parent(void *argument)
{
    struct parent *parent = argument;
    parent->tid = (pid_t)syscall(SYS_gettid);
    if (parent->id != NULL) {
        struct stats_hero_config config = config_for(parent->id);
        config.parent = parent->of;
        IS(0, stats_hero_start(&config, NULL));
    }
    EXPECT(sem_post(&parent->ready) == 0);
    while (sem_wait(&parent->go) != 0)
        EXPECT(errno == EINTR);
    if (parent->way == PTHREAD_EXIT)
        pthread_exit(NULL);
    if (parent->way == RAW_EXIT)
        syscall(SYS_exit, 0);
    return NULL;
}

static void parent_begin(struct parent *parent, const char *id, pid_t of, enum way way)
{
    *parent = (struct parent){.id = id, .of = of, .way = way};
    EXPECT(sem_init(&parent->ready, 0, 0) == 0 && sem_init(&parent->go, 0, 0) == 0);
    EXPECT(pthread_create(&parent->thread, NULL, be_parent, parent) == 0);
    EXPECT(sem_wait(&parent->ready) == 0);
}

static void parent_end(struct parent *parent)
{
    if (parent->way == CANCEL)
        EXPECT(pthread_cancel(parent->thread) == 0);
    else
        EXPECT(sem_post(&parent->go) == 0);
    EXPECT(pthread_join(parent->thread, NULL) == 0);
}

/* The request goes, within the time that is promised. */
static void await_cleanup(const char *id)
{
    int64_t since = now_ms();
    while (is_known(id)) {
        EXPECT(now_ms() - since <= DOWN_MS);
        breathe();
    }
}

static void parent_dies(enum way way)
{
    struct parent parent;
    IS(0, stats_hero_monitor_registered_count());
    parent_begin(&parent, ID, 0, way);
    add_ms("rdbms.x", 5);
    IS(1, stats_hero_monitor_registered_count());
    parent_end(&parent);
    await_cleanup(ID);
    IS(0, stats_hero_monitor_registered_count());
    IS(-ENOENT, stats_hero_report_metrics(ID, TEXT, 200));
}

static void parent_returns(void)
{
    parent_dies(RETURN);
}

static void parent_exits(void)
{
    parent_dies(PTHREAD_EXIT);
}

static void parent_is_cancelled(void)
{
    parent_dies(CANCEL);
}

static void parent_exits_raw(void)
{
    parent_dies(RAW_EXIT);
}

/* Reported, not stopped: its log line is there already. */
static void parent_dies_after_report(void)
{
    struct parent parent;
    parent_begin(&parent, ID, 0, RETURN);
    IS(0, stats_hero_report_metrics(ID, TEXT, 200));
    parent_end(&parent);
    await_cleanup(ID);
}

static void *await_main_and_end(void *nothing)
{
    await_cleanup(ID);
    IS(0, stats_hero_monitor_registered_count());
    exit(0);
    return nothing;
}

/* The first thread may end before the others. */
static void first_thread_ends(bool raw)
{
    pthread_t thread;
    start(ID);
    EXPECT(pthread_create(&thread, NULL, await_main_and_end, NULL) == 0);
    if (raw)
        syscall(SYS_exit, 0);
    pthread_exit(NULL);
}

static void first_thread_exits(void)
{
    first_thread_ends(false);
}

static void first_thread_exits_raw(void)
{
    first_thread_ends(true);
}

static bool first_thread_is_gone(void)
{
    char text[256];
    FILE *file = fopen("/proc/self/stat", "r");
    EXPECT(file != NULL);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    EXPECT(fclose(file) == 0 && strrchr(text, ')') != NULL);
    return strrchr(text, ')')[2] == 'Z';
}

static void *die_without_first(void *nothing)
{
    for (int64_t since = now_ms(); !first_thread_is_gone(); breathe())
        EXPECT(now_ms() - since < 5000);
    parent_dies(RETURN);
    exit(0);
    return nothing;
}

static void told_without_first_thread(void)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, die_without_first, NULL) == 0);
    pthread_exit(NULL);
}

static void expect_alive(const char *id)
{
    for (int64_t since = now_ms(); now_ms() - since < DOWN_MS;) {
        IS(1, stats_hero_monitor_registered_count());
        IS(0, stats_hero_read_alog(id, TEXT, "", NULL, 0));
        breathe();
    }
}

/* "Death of an intermediate parent does not take down the worker", the last one's does. */
static void intermediate_parent_dies(void)
{
    struct parent first, last;
    parent_begin(&first, ID, 0, RETURN);
    parent_begin(&last, NULL, 0, RETURN);
    IS(0, stats_hero_reparent(ID, TEXT, last.tid));
    IS(1, stats_hero_monitor_registered_count());
    parent_end(&first);
    expect_alive(ID);
    parent_end(&last);
    await_cleanup(ID);
    IS(0, stats_hero_monitor_registered_count());
}

static void parent_given(void)
{
    struct parent overridden, not_parent;
    parent_begin(&overridden, NULL, 0, RETURN);
    parent_begin(&not_parent, ID, overridden.tid, RETURN);
    IS(1, stats_hero_monitor_registered_count());
    parent_end(&not_parent);
    expect_alive(ID);
    parent_end(&overridden);
    await_cleanup(ID);
    IS(0, stats_hero_monitor_registered_count());
}

/* Given away to a thread that never called anything, and that ends where nobody sees it. */
static void stranger_dies(void)
{
    struct parent stranger;
    parent_begin(&stranger, NULL, 0, RAW_EXIT);
    start(ID);
    IS(0, stats_hero_reparent(ID, TEXT, stranger.tid));
    parent_end(&stranger);
    await_cleanup(ID);
}

static void taken_back(void)
{
    struct parent parent;
    parent_begin(&parent, ID, 0, RETURN);
    IS(0, stats_hero_reparent(ID, TEXT, 0));
    parent_end(&parent);
    expect_alive(ID);
    finish(ID, 200);
}

static void no_such_parent(void)
{
    struct stats_hero_config config = config_for(ID);
    config.parent = getppid(); /* a process, and no thread of this one */
    IS(-ESRCH, stats_hero_start(&config, NULL));
    config.parent = -1;
    IS(-ESRCH, stats_hero_start(&config, NULL));
    EXPECT(!is_known(ID));
    start(ID);
    IS(-ESRCH, stats_hero_reparent(ID, TEXT, getppid()));
    IS(-ESRCH, stats_hero_reparent(ID, TEXT, -1));
    IS(1, stats_hero_monitor_registered_count());
    finish(ID, 200);
}

static void registered_thread_dies(void)
{
    struct parent parent;
    parent_begin(&parent, NULL, 0, RAW_EXIT);
    IS(0, stats_hero_monitor_register(parent.tid));
    IS(0, stats_hero_monitor_register(parent.tid));
    IS(0, stats_hero_monitor_registered_count());
    start(ID);
    IS(0, stats_hero_reparent(ID, TEXT, parent.tid));
    parent_end(&parent);
    await_cleanup(ID);
}

static void clean_worker_data(void)
{
    struct parent parent;
    parent_begin(&parent, "theirs", 0, RETURN);
    start(ID);
    start("another");
    IS(3, stats_hero_monitor_registered_count());
    IS(0, stats_hero_clean_worker_data((pid_t)syscall(SYS_gettid)));
    IS(-ENOENT, stats_hero_clean_worker_data(0));
    IS(1, stats_hero_monitor_registered_count());
    EXPECT(!is_known(ID) && !is_known("another") && is_known("theirs"));
    IS(0, stats_hero_clean_worker_data(parent.tid));
    EXPECT(!is_known("theirs"));
    parent_end(&parent);
    IS(0, stats_hero_monitor_registered_count());
}

/* All of a thread's requests go with it. */
static void *start_thousand(void *nothing)
{
    char id[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "many-%d", i);
        start(id);
    }
    return nothing;
}

static void parent_of_a_thousand(void)
{
    pthread_t thread;
    int64_t since;
    start(ID);
    EXPECT(pthread_create(&thread, NULL, start_thousand, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    for (since = now_ms(); stats_hero_monitor_registered_count() > 1; breathe())
        EXPECT(now_ms() - since <= DOWN_MS);
    EXPECT(!is_known("many-0") && !is_known("many-999"));
    finish(ID, 200);
}

/* ---- payloads of the program's own ---- */

static void send_lines(void)
{
    const char one[] = "a.b:1|m\nc.d:20|h\n";
    IS(0, stats_hero_send(one, sizeof one - 1));
    IS(0, stats_hero_send_to(0, "e.f:3|m\n", 8));
    IS(-EINVAL, stats_hero_send_to(1, one, sizeof one - 1));
    IS(-EINVAL, stats_hero_send(one, 0));
    IS(-EINVAL, stats_hero_send(NULL, 1));
    IS(0, stats_hero_send("g.h:4|m\n", 8));
}

static size_t many_lines(char *to, int n)
{
    size_t size = 0;
    for (int i = 0; i < n; i++)
        size += (size_t)sprintf(to + size, "line.%d:%d|m\n", i, i);
    return size;
}

static void send_split(void)
{
    static char text[65536];
    IS(0, stats_hero_send(text, many_lines(text, 1000)));
}

static void send_long_line(void)
{
    static char text[4096];
    size_t n = (size_t)sprintf(text, "a.b:1|m\n");
    memset(text + n, 'x', 2000);
    n += 2000;
    n += (size_t)sprintf(text + n, ":1|m\nc.d:2|m\n");
    IS(-EMSGSIZE, stats_hero_send(text, n));
    IS(-EMSGSIZE, stats_hero_send(text + 8, n - 16));
}

/* Prints what comes back, for receivers that are not there. */
static void send_result(void)
{
    int64_t since = now_ms();
    int first = stats_hero_send("a.b:1|m\n", 8), second = stats_hero_send("a.b:1|m\n", 8);
    printf("%d %d\n", -first, -second);
    EXPECT(now_ms() - since < 5000);
}

static void send_by_each(void)
{
    for (unsigned i = 0; i < 4; i++)
        IS(0, stats_hero_send_to(i, "a.b:1|m\n", 8));
    for (unsigned i = 0; i < 4; i++)
        IS(0, stats_hero_send("c.d:1|m\n", 8));
    IS(-EINVAL, stats_hero_send_to(4, "a.b:1|m\n", 8));
    IS(-EINVAL, stats_hero_send_to(UINT_MAX, "a.b:1|m\n", 8));
}

static pthread_barrier_t together;

static void *send_many(void *nothing)
{
    pthread_barrier_wait(&together);
    for (int i = 0; i < 20; i++)
        IS(0, stats_hero_send("a.b:1|m\n", 8));
    return nothing;
}

/* Ten processes, in each of which four threads come first. */
static void send_from_threads(void)
{
    for (int n = 0; n < 10; n++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t thread[4];
            EXPECT(pthread_barrier_init(&together, NULL, 4) == 0);
            for (int i = 0; i < 4; i++)
                EXPECT(pthread_create(&thread[i], NULL, send_many, NULL) == 0);
            for (int i = 0; i < 4; i++)
                EXPECT(pthread_join(thread[i], NULL) == 0);
            exit(0);
        }
        expect_child(child);
    }
}

/* ---- fork, signals, exit ---- */

static void forked_child(void)
{
    start(ID);
    add_ms("rdbms.x", 1);
    pid_t child = fork();
    if (child == 0) {
        IS(0, stats_hero_monitor_registered_count());
        EXPECT(!is_known(ID));
        IS(-ENOENT, stats_hero_report_metrics(ID, TEXT, 500));
        start_named("test_hero", "child", "PUT");
        add_ms("rdbms.y", 2);
        IS(0, stats_hero_send("from.child:1|m\n", 15));
        finish(ID, 201);
        exit(0);
    }
    expect_child(child);
    IS(1, stats_hero_monitor_registered_count());
    IS(2, stats_hero_snapshot(ID, TEXT, STATS_HERO_NO_AGG, NULL, 0));
    finish(ID, 200);
}

static _Atomic bool enough, calm;

static void *keep_calling(void *id)
{
    while (!atomic_load(&enough)) {
        while (atomic_load(&calm))
            breathe();
        start(id);
        IS(0, stats_hero_ctime(id, TEXT, "rdbms.x", 1, STATS_HERO_MS));
        IS(0, stats_hero_stop_worker(id, TEXT));
    }
    return NULL;
}

/* A child may be made while other threads are inside a call, which leave it the processors then.
 * Prints how many children took so long to end that what they had to send may have been given up.
 */
static void forked_amid_calls(void)
{
    static char ids[2][8] = {"one", "two"};
    pthread_t thread[2];
    int slow = 0;
    for (int i = 0; i < 2; i++)
        EXPECT(pthread_create(&thread[i], NULL, keep_calling, ids[i]) == 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        int64_t since = now_ms();
        atomic_store(&calm, true);
        if (child == 0) {
            alarm(10);
            EXPECT(!is_known("one") && !is_known("two"));
            start_named("test_hero", "child", "PUT");
            IS(0, stats_hero_ctime(ID, TEXT, "rdbms.x", 1, STATS_HERO_MS));
            finish(ID, 201);
            exit(0);
        }
        expect_child(child);
        slow += now_ms() - since >= END_MS;
        atomic_store(&calm, false);
        breathe();
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 2; i++)
        EXPECT(pthread_join(thread[i], NULL) == 0);
    printf("%d\n", slow);
}

static _Atomic uint32_t taken, refused;

static void on_profile(int signal)
{
    int error =
        signal == SIGPROF ? stats_hero_ctime(ID, TEXT, "rdbms.signal", 1, STATS_HERO_MS) : 1;
    if (error == 0)
        atomic_fetch_add(&taken, 1);
    else if (error == -EDEADLK)
        atomic_fetch_add(&refused, 1);
    else
        _Exit(3);
}

static uint64_t calls_of(const char *label)
{
    struct stats_hero_entry entry[8];
    int n = stats_hero_snapshot(ID, TEXT, STATS_HERO_NO_AGG, entry, 8);
    for (int i = 0; i < n; i++)
        if (strcmp(entry[i].label, label) == 0)
            return entry[i].count;
    return 0;
}

/* A handler that interrupts a call is refused, otherwise it is served; each is counted once. */
static void called_by_handler(void)
{
    struct sigaction action = {.sa_handler = on_profile, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    uint64_t calls = 0;
    start(ID);
    EXPECT(sigaction(SIGPROF, &action, NULL) == 0);
    EXPECT(setitimer(ITIMER_PROF, &often, NULL) == 0);
    for (int64_t since = now_ms(); now_ms() - since < 2000 && (refused < 3 || taken < 3);)
        for (int i = 0; i < 1000; i++, calls++)
            add_ms("rdbms.loop", 1);
    EXPECT(setitimer(ITIMER_PROF, &never, NULL) == 0);
    IS((long long)calls, calls_of("rdbms.loop"));
    IS(atomic_load(&taken), calls_of("rdbms.signal"));
    EXPECT(taken + refused > 0);
    finish(ID, 200);
}

/* Prints how long a process took to end with requests in flight: that long its parent waited. */
static void ends_in_flight(void)
{
    char id[16];
    long long most = 0, least = LLONG_MAX;
    for (int i = 0; i < 5; i++) {
        int ends[2];
        struct timespec then, now;
        EXPECT(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) {
            for (int k = 0; k < 10; k++) {
                snprintf(id, sizeof id, "flight-%d", k);
                start(id);
            }
            IS(0, stats_hero_report_metrics("flight-0", TEXT, 200));
            EXPECT(clock_gettime(CLOCK_MONOTONIC, &then) == 0);
            write_all(ends[1], (const char *)&then, sizeof then);
            exit(0);
        }
        expect_child(child);
        EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
        read_all(ends[0], (char *)&then, sizeof then);
        EXPECT(close(ends[0]) == 0 && close(ends[1]) == 0);
        long long us = (now.tv_sec - then.tv_sec) * 1000000LL + (now.tv_nsec - then.tv_nsec) / 1000;
        most = us > most ? us : most;
        least = us < least ? us : least;
    }
    printf("%lld %lld\n", least, most);
}

/* ---- requests that the shim saw ---- */

static void seen_by_shim(void)
{
    static const char head[] = "GET /nodes/1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: " ID "\r\n\r\n";
    char text[8];
    struct pair pair = pair_make();
    write_all(pair.client, head, sizeof head - 1);
    take(pair.server);
    IS(1, stats_hero_monitor_registered_count());
    IS(7, STATS_HERO_TIME(ID, "rdbms.nodes.read", 7));
    add_ms("rdbms.nodes.put", 200);
    IS(0, stats_hero_alog(ID, TEXT, "my_log", "hello", 5));
    IS(5, stats_hero_read_alog(ID, TEXT, "my_log", text, sizeof text));
    IS(4, stats_hero_snapshot(ID, TEXT, STATS_HERO_ALL, NULL, 0));
    IS(-EPERM, stats_hero_report_metrics(ID, TEXT, 500));
    IS(-EPERM, stats_hero_stop_worker(ID, TEXT));
    answer_and_hear(pair);
    IS(-ENOENT, stats_hero_ctime(ID, TEXT, "rdbms.late", 1, STATS_HERO_MS));
    IS(0, stats_hero_monitor_registered_count());
    exchange(pair, "/plain");
    pair_close(pair);
}

/* Cleaned, it is not found any more, and reported all the same. */
static void seen_and_cleaned(void)
{
    static const char head[] = "GET /nodes/1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: " ID "\r\n\r\n";
    struct pair pair = pair_make();
    write_all(pair.client, head, sizeof head - 1);
    take(pair.server);
    IS(0, stats_hero_clean_worker_data(0));
    IS(-ENOENT, stats_hero_ctime(ID, TEXT, "rdbms.x", 1, STATS_HERO_MS));
    answer_and_hear(pair);
    pair_close(pair);
}

/* ---- many threads ---- */

static long resident_kib(void)
{
    char text[4096], *at;
    FILE *file = fopen("/proc/self/status", "r");
    EXPECT(file != NULL);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    EXPECT(fclose(file) == 0 && (at = strstr(text, "VmRSS:")) != NULL);
    return strtol(at + 6, NULL, 10);
}

static void *start_and_stop(void *id)
{
    start(id);
    IS(0, stats_hero_ctime(id, TEXT, "rdbms.x", 1, STATS_HERO_MS));
    IS(0, stats_hero_stop_worker(id, TEXT));
    return NULL;
}

static void some_threads(int n)
{
    static char ids[2][8] = {"one", "two"};
    pthread_t thread[2];
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < 2; k++)
            EXPECT(pthread_create(&thread[k], NULL, start_and_stop, ids[k]) == 0);
        for (int k = 0; k < 2; k++)
            EXPECT(pthread_join(thread[k], NULL) == 0);
    }
}

static void short_threads(void)
{
    alarm(120);
    some_threads(10000);
    long before = resident_kib();
    some_threads(40000);
    IS(0, stats_hero_monitor_registered_count());
    printf("%ld\n", resident_kib() - before);
}

/* ---- without the shim ---- */

static void without_shim(void)
{
    struct stats_hero_config config = config_for(ID);
    struct stats_hero_entry entry[2];
    const char *missing = "as it was";
    char room[2];
    errno = 4711;
    IS(-ENOSYS, stats_hero_start(&config, NULL));
    IS(-ENOSYS, stats_hero_start(&config, &missing));
    IS(-ENOSYS, stats_hero_ctime(ID, TEXT, "rdbms.x", 1, STATS_HERO_MS));
    IS(-ENOSYS, stats_hero_alog(ID, TEXT, "my_log", "x", 1));
    IS(-ENOSYS, stats_hero_read_alog(ID, TEXT, "my_log", room, sizeof room));
    IS(-ENOSYS, stats_hero_report_metrics(ID, TEXT, 200));
    IS(-ENOSYS, stats_hero_stop_worker(ID, TEXT));
    IS(-ENOSYS, stats_hero_reparent(ID, TEXT, 0));
    IS(-ENOSYS, stats_hero_clean_worker_data(0));
    IS(-ENOSYS, stats_hero_monitor_register(0));
    IS(-ENOSYS, stats_hero_send("a.b:1|m\n", 8));
    IS(-ENOSYS, stats_hero_send_to(0, "a.b:1|m\n", 8));
    IS(0, stats_hero_snapshot(ID, TEXT, STATS_HERO_ALL, entry, 2));
    IS(0, stats_hero_monitor_registered_count());
    int times = 0;
    IS(7, STATS_HERO_TIME(ID, "rdbms.x", (times++, 7)));
    IS(1, times);
    IS(4711, errno);
}

static void no_address(void)
{
    without_shim();
    IS(0, stats_hero_now_ns());
    EXPECT(STATS_HERO_ADDRESS(stats_hero_start) == NULL);
}

int main(int argc, char **argv)
{
#define ROW(name)                                                                                  \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scenario table[] = {
        ROW(original),
        ROW(no_timers),
        ROW(no_match),
        ROW(timer_of_zero),
        ROW(first_prefix),
        ROW(no_prefixes),
        ROW(report_twice),
        ROW(stop_before_report),
        ROW(statuses),
        ROW(forged),
        ROW(empty_names),
        ROW(long_names),
        ROW(two_apps),
        ROW(id_of_any_bytes),
        ROW(id_too_long),
        ROW(id_empty),
        ROW(names_too_long),
        ROW(too_many_scopes),
        ROW(missing_my_app),
        ROW(missing_request_label),
        ROW(missing_request_action),
        ROW(missing_request_id),
        ROW(missing_upstream_prefixes),
        ROW(unknown_id),
        ROW(read_alog),
        ROW(alog_is_full),
        ROW(snapshot),
        ROW(req_time_runs),
        ROW(req_time_frozen),
        ROW(counts_workers),
        ROW(same_id_twice),
        ROW(bad_times),
        ROW(endless_times),
        ROW(timer_and_log),
        ROW(many_timers),
        ROW(many_labels),
        ROW(errno_stays),
        ROW(parent_returns),
        ROW(parent_exits),
        ROW(parent_is_cancelled),
        ROW(parent_exits_raw),
        ROW(parent_dies_after_report),
        ROW(first_thread_exits),
        ROW(first_thread_exits_raw),
        ROW(told_without_first_thread),
        ROW(intermediate_parent_dies),
        ROW(parent_given),
        ROW(stranger_dies),
        ROW(taken_back),
        ROW(no_such_parent),
        ROW(registered_thread_dies),
        ROW(clean_worker_data),
        ROW(parent_of_a_thousand),
        ROW(send_lines),
        ROW(send_split),
        ROW(send_long_line),
        ROW(send_result),
        ROW(send_by_each),
        ROW(send_from_threads),
        ROW(forked_child),
        ROW(forked_amid_calls),
        ROW(called_by_handler),
        ROW(ends_in_flight),
        ROW(seen_by_shim),
        ROW(seen_and_cleaned),
        ROW(short_threads),
        ROW(without_shim),
        ROW(no_address),
    };
    return SCENARIO_RUN(table, argc, argv);
}
