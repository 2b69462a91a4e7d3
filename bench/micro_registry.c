/*
 * What the registry costs: CPU nanoseconds of a thread for one insertion, one look-up and one
 * removal of a 16-byte id, on one thread and on two at once. Each thread has 4,096 live ids of its
 * own (--live); every id is new and random, the looked up and the removed one are any of the
 * thread's. Beside it, in the same rounds:
 *
 *   cds_lfht  liburcu's lock-free table, in the flavours qsbr and memb; the faster is named. It is
 *             made in its final size, and its grace periods, one for 4,096 removals, are counted.
 *   uthash    with one pthread mutex
 *
 * All hash with the registry's function, under a key each. Records are made and named outside of
 * what is timed, in passes of 512 operations; threads stand on a processor each. Rounds are
 * interleaved; a row shows the median and the least of them.
 *
 *     make benches && build/bench/micro_registry [--at-most-1 70] [--at-most-2 150]
 *
 * With a bound the exit status is 1 if the registry's median on 1 or 2 threads is over it. --only 1
 * to 4 runs one of the four, for a profiler.
 *
 * Nanoseconds differ between machines, and on one that others use, too, between minutes. --uthash
 * 90 tells the registry's on one thread as those of a machine on which uthash takes 90: in each
 * round uthash has a turn right before the registry's and one right after it, and their mean is the
 * measure. No round is left out.
 */

#include <stdalign.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>
#include <urcu/rculfhash.h>

#include "base/keyed_hash.h"
#include "base/process.h"
#include "bench.h"
#include "request/registry.h"

enum { LIVE_MOST = 65536, PASS = 512, SPARES_MOST = 4096, LANES = 2, ID_BYTES = 16 };

struct key {
    _Atomic uint64_t word[ID_BYTES / 8];
};

static struct hash_key rivals_key;

static inline uint64_t key_hash(const struct key *key)
{
    return keyed_hash(&rivals_key, key->word, ID_BYTES);
}

#define HASH_FUNCTION(at, n, hash) ((hash) = (unsigned)key_hash((const struct key *)(at)))
#include <uthash.h>

/* The rivals' record of a request. */
struct record {
    struct key key;
    struct cds_lfht_node node;
    UT_hash_handle hh;
    uint64_t start_ns;
    pid_t tid;
};

/* What a contender does; `entry` is a worker or a record. All is inlined where it is timed. */
struct contender {
    const char *name;
    size_t spares; /* entries that stand aside after their removal */
    void (*begin)(void);
    void (*enter)(void); /* a thread comes, and goes */
    void (*leave)(void);
    void *(*make)(void);
    void (*give_back)(void *entry);
    void (*set_key)(void *entry, const struct key *key);
    void (*add)(void *entry);
    bool (*find)(const struct key *key);
    void (*remove)(void *entry);
    void (*settle)(void); /* what was removed may be used again */
};

static void nothing(void)
{
}

/* Ours. */

static void ours_begin(void)
{
    expect(thread_begin(thread_ended) == 0);
    registry_begin();
}

static void ours_enter(void)
{
    expect(thread_self() != NULL);
}

static void *ours_make(void)
{
    struct worker *worker = worker_make(1);
    expect(worker != NULL);
    atomic_store(&worker->hold, thread_self()->link.number + 1);
    return worker;
}

static void ours_give_back(void *entry)
{
    struct worker *worker = entry;
    atomic_store(&worker->hold, 0);
    worker_free(worker);
}

static struct bytes text_of(const struct key *key)
{
    return (struct bytes){(const char *)key->word, ID_BYTES};
}

static void ours_set_key(void *entry, const struct key *key)
{
    worker_set_id(entry, text_of(key));
}

static void ours_add(void *entry)
{
    registry_add(entry);
}

static bool ours_find(const struct key *key)
{
    struct registry_entry entry;
    return registry_find(text_of(key), &entry) == 0 && entry.start_ns == 1;
}

static void ours_remove(void *entry)
{
    registry_remove(entry);
}

static const struct contender ours = {
    "registry",     PASS,         ours_begin, ours_enter, nothing,     ours_make,
    ours_give_back, ours_set_key, ours_add,   ours_find,  ours_remove, nothing,
};

/* The rivals' records. A removed one's memory is its thread's until its last grace period. */

static void *record_make(void)
{
    struct record *record = aligned_alloc(alignof(struct record), sizeof *record);
    expect(record != NULL);
    *record = (struct record){.tid = getpid(), .start_ns = 1};
    return record;
}

static void record_set_key(void *entry, const struct key *key)
{
    ((struct record *)entry)->key = *key;
}

static bool same_key(const struct key *a, const struct key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* liburcu. */

/* The headers of two flavours at once declare one of them only. */
extern const struct rcu_flavor_struct urcu_qsbr_flavor;

static struct cds_lfht *qsbr_table, *memb_table;
static double live = 4096;

static unsigned long lfht_buckets(void)
{
    unsigned long buckets = 1;
    while (buckets < (unsigned long)live * LANES)
        buckets *= 2;
    return buckets;
}

static int lfht_match(struct cds_lfht_node *node, const void *key)
{
    return same_key(&caa_container_of(node, struct record, node)->key, key);
}

static inline __attribute__((always_inline)) void lfht_add(struct cds_lfht *table, void *entry)
{
    struct record *record = entry;
    expect(cds_lfht_add_unique(table, key_hash(&record->key), lfht_match, &record->key,
                               &record->node) == &record->node);
}

static inline __attribute__((always_inline)) bool lfht_find(struct cds_lfht *table,
                                                            const struct key *key)
{
    struct cds_lfht_iter iter;
    cds_lfht_lookup(table, key_hash(key), lfht_match, key, &iter);
    struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
    return node != NULL && caa_container_of(node, struct record, node)->start_ns == 1;
}

static inline __attribute__((always_inline)) void lfht_remove(struct cds_lfht *table, void *entry)
{
    expect(cds_lfht_del(table, &((struct record *)entry)->node) == 0);
}

static void qsbr_begin(void)
{
    urcu_qsbr_register_thread();
    qsbr_table = cds_lfht_new_flavor(lfht_buckets(), lfht_buckets(), 0, 0, &urcu_qsbr_flavor, NULL);
    expect(qsbr_table != NULL);
    urcu_qsbr_unregister_thread();
}

static void qsbr_add(void *entry)
{
    lfht_add(qsbr_table, entry);
}

static bool qsbr_find(const struct key *key)
{
    return lfht_find(qsbr_table, key);
}

/* Once per operation the thread says that it holds nothing. */
static void qsbr_remove(void *entry)
{
    lfht_remove(qsbr_table, entry);
    urcu_qsbr_quiescent_state();
}

static const struct contender qsbr = {
    "cds_lfht, qsbr",
    SPARES_MOST,
    qsbr_begin,
    urcu_qsbr_register_thread,
    urcu_qsbr_unregister_thread,
    record_make,
    free,
    record_set_key,
    qsbr_add,
    qsbr_find,
    qsbr_remove,
    urcu_qsbr_synchronize_rcu,
};

static void memb_begin(void)
{
    memb_table = cds_lfht_new_flavor(lfht_buckets(), lfht_buckets(), 0, 0, &urcu_memb_flavor, NULL);
    expect(memb_table != NULL);
}

static void memb_add(void *entry)
{
    urcu_memb_read_lock();
    lfht_add(memb_table, entry);
    urcu_memb_read_unlock();
}

static bool memb_find(const struct key *key)
{
    urcu_memb_read_lock();
    bool found = lfht_find(memb_table, key);
    urcu_memb_read_unlock();
    return found;
}

static void memb_remove(void *entry)
{
    urcu_memb_read_lock();
    lfht_remove(memb_table, entry);
    urcu_memb_read_unlock();
}

static const struct contender memb = {
    "cds_lfht, memb",
    SPARES_MOST,
    memb_begin,
    urcu_memb_register_thread,
    urcu_memb_unregister_thread,
    record_make,
    free,
    record_set_key,
    memb_add,
    memb_find,
    memb_remove,
    urcu_memb_synchronize_rcu,
};

/* uthash. */

static struct record *ut_table;
static pthread_mutex_t ut_mutex = PTHREAD_MUTEX_INITIALIZER;

static void ut_add(void *entry)
{
    struct record *record = entry;
    pthread_mutex_lock(&ut_mutex);
    HASH_ADD(hh, ut_table, key, sizeof record->key, record);
    pthread_mutex_unlock(&ut_mutex);
}

static bool ut_find(const struct key *key)
{
    struct record *record;
    pthread_mutex_lock(&ut_mutex);
    HASH_FIND(hh, ut_table, key, sizeof *key, record);
    bool found = record != NULL && record->start_ns == 1;
    pthread_mutex_unlock(&ut_mutex);
    return found;
}

static void ut_remove(void *entry)
{
    struct record *record = entry;
    pthread_mutex_lock(&ut_mutex);
    HASH_DEL(ut_table, record);
    pthread_mutex_unlock(&ut_mutex);
}

static const struct contender ut = {
    "uthash, one mutex", PASS,   nothing, nothing,   nothing, record_make, free,
    record_set_key,      ut_add, ut_find, ut_remove, nothing,
};

/* One thread's part of a round. */

struct lane {
    int number;
    uint64_t random, operations;
    double cpu_ns;
    void *live[LIVE_MOST], *spare[SPARES_MOST];
    struct key live_key[LIVE_MOST], spare_key[SPARES_MOST];
    uint32_t wanted[PASS], victim[PASS];
};

static struct lane lanes[LANES];
static pthread_barrier_t together;
static _Atomic bool over;
static double bias_ns;

static void draw_key(struct lane *lane, struct key *key)
{
    for (int i = 0; i < ID_BYTES / 8; i++)
        atomic_init(&key->word[i], next_random(&lane->random));
}

#define INLINED static inline __attribute__((always_inline))

INLINED void prepare_pass(struct lane *lane, const struct contender *c, size_t spare)
{
    for (size_t i = 0; i < PASS; i++) {
        draw_key(lane, &lane->spare_key[spare + i]);
        c->set_key(lane->spare[spare + i], &lane->spare_key[spare + i]);
        lane->wanted[i] = (uint32_t)(next_random(&lane->random) % (uint64_t)live);
        lane->victim[i] = (uint32_t)(next_random(&lane->random) % (uint64_t)live);
    }
}

INLINED void run_pass(struct lane *lane, const struct contender *c, size_t spare)
{
    double began = thread_cpu_ns();
    for (size_t i = 0; i < PASS; i++) {
        uint32_t victim = lane->victim[i];
        void *added = lane->spare[spare + i];
        c->add(added);
        expect(c->find(&lane->live_key[lane->wanted[i]]));
        c->remove(lane->live[victim]);
        lane->spare[spare + i] = lane->live[victim];
        lane->live[victim] = added;
        lane->live_key[victim] = lane->spare_key[spare + i];
    }
    if (spare + PASS == c->spares)
        c->settle();
    lane->cpu_ns += thread_cpu_ns() - began - bias_ns;
    lane->operations += PASS;
}

INLINED void fill(struct lane *lane, const struct contender *c)
{
    for (size_t i = 0; i < (size_t)live; i++) {
        lane->live[i] = c->make();
        draw_key(lane, &lane->live_key[i]);
        c->set_key(lane->live[i], &lane->live_key[i]);
        c->add(lane->live[i]);
    }
    for (size_t i = 0; i < c->spares; i++)
        lane->spare[i] = c->make();
}

INLINED void empty(struct lane *lane, const struct contender *c)
{
    for (size_t i = 0; i < (size_t)live; i++)
        c->remove(lane->live[i]);
    c->settle();
    for (size_t i = 0; i < (size_t)live; i++)
        c->give_back(lane->live[i]);
    for (size_t i = 0; i < c->spares; i++)
        c->give_back(lane->spare[i]);
}

INLINED void *serve(struct lane *lane, const struct contender *c)
{
    on_processor(lane->number);
    c->enter();
    fill(lane, c);
    for (size_t spare = 0; spare < c->spares; spare += PASS) {
        prepare_pass(lane, c, spare);
        run_pass(lane, c, spare);
    }
    lane->cpu_ns = 0;
    lane->operations = 0;
    c->leave(); /* nobody's grace period waits for who waits here */
    pthread_barrier_wait(&together);
    c->enter();
    for (size_t spare = 0; !atomic_load_explicit(&over, memory_order_relaxed);
         spare = (spare + PASS) % c->spares) {
        prepare_pass(lane, c, spare);
        run_pass(lane, c, spare);
    }
    empty(lane, c);
    c->leave();
    return NULL;
}

static void *serve_ours(void *lane)
{
    return serve(lane, &ours);
}

static void *serve_qsbr(void *lane)
{
    return serve(lane, &qsbr);
}

static void *serve_memb(void *lane)
{
    return serve(lane, &memb);
}

static void *serve_ut(void *lane)
{
    return serve(lane, &ut);
}

static struct {
    const struct contender *contender;
    void *(*serve)(void *);
    struct rounds rounds[LANES];
} contest[] = {
    {&ours, serve_ours, {{0}}},
    {&qsbr, serve_qsbr, {{0}}},
    {&memb, serve_memb, {{0}}},
    {&ut, serve_ut, {{0}}},
};

enum { OURS, CONTENDERS = sizeof contest / sizeof contest[0], UTHASH = CONTENDERS - 1 };

/* CPU ns per operation of `threads` threads that serve at the same time for a while. */
static double round_of(void *(*serve_one)(void *), int threads, double ms)
{
    pthread_t thread[LANES];
    double cpu_ns = 0, operations = 0;
    struct timespec while_ns = {(time_t)(ms / 1000), (long)(ms * 1e6) % 1000000000};
    atomic_store(&over, false);
    pthread_barrier_init(&together, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++)
        expect(pthread_create(&thread[i], NULL, serve_one, &lanes[i]) == 0);
    pthread_barrier_wait(&together);
    nanosleep(&while_ns, NULL);
    atomic_store(&over, true);
    for (int i = 0; i < threads; i++) {
        expect(pthread_join(thread[i], NULL) == 0);
        cpu_ns += lanes[i].cpu_ns;
        operations += (double)lanes[i].operations;
    }
    pthread_barrier_destroy(&together);
    return cpu_ns / operations;
}

struct choice {
    int only;      /* 0: all contenders */
    double ms;     /* of a contender's turn */
    double uthash; /* 0: nanoseconds as they are */
};

static bool takes_part(int contender, const struct choice *choice)
{
    return choice->only == 0 || choice->only == contender + 1;
}

static double turn(int contender, int threads, const struct choice *choice)
{
    return round_of(contest[contender].serve, threads, choice->ms);
}

/* The registry's turn on one thread, measured by uthash before and after it. */
static double turn_by_uthash(const struct choice *choice)
{
    double before = turn(UTHASH, 1, choice), ours_ns = turn(OURS, 1, choice);
    double after = turn(UTHASH, 1, choice);
    return ours_ns * choice->uthash / ((before + after) / 2);
}

/* Every contender's turn. */
static void run_round(int threads, const struct choice *choice)
{
    for (int c = 0; c < CONTENDERS; c++)
        if (takes_part(c, choice))
            rounds_add(&contest[c].rounds[threads - 1],
                       choice->uthash > 0 && threads == 1 && c == OURS ? turn_by_uthash(choice)
                                                                       : turn(c, threads, choice));
}

/* One thread first, as tables stay as large as two have made them. */
static void run_rounds(int rounds, const struct choice *choice)
{
    for (int threads = 1; threads <= LANES; threads++)
        for (int i = 0; i < rounds; i++)
            run_round(threads, choice);
}

static const char *faster_flavour(int threads)
{
    const struct rounds *q = &contest[1].rounds[threads - 1], *m = &contest[2].rounds[threads - 1];
    return rounds_median(q) <= rounds_median(m) ? "qsbr" : "memb";
}

int main(int argc, char **argv)
{
    double at_most[LANES] = {0, 0}, rounds = 9, ms = 40, only = 0, uthash = 0;
    const struct bench_option options[] = {
        {"--at-most-1", &at_most[0], "CPU ns on one thread; 0: no bound"},
        {"--at-most-2", &at_most[1], "CPU ns on two threads; 0: no bound"},
        {"--rounds", &rounds, "rounds"},
        {"--ms", &ms, "length of a round"},
        {"--live", &live, "live ids of a thread"},
        {"--only", &only, "1 registry, 2 qsbr, 3 memb, 4 uthash; 0: all"},
        {"--uthash", &uthash, "the registry's on one thread, where uthash takes so many; 0: here"},
        {NULL, NULL, NULL},
    };
    bench_options(argc, argv, options);
    bench_within("--rounds", rounds, 1, ROUNDS_MOST);
    bench_within("--live", live, 1, LIVE_MOST);
    bench_within("--only", only, 0, CONTENDERS);
    process_begin();
    bias_ns = thread_cpu_bias_ns();
    uint64_t random = (uint64_t)bench_clock_ns(CLOCK_REALTIME) | 1;
    rivals_key = (struct hash_key){next_random(&random), next_random(&random)};
    for (int i = 0; i < LANES; i++)
        lanes[i] = (struct lane){.number = i, .random = next_random(&random)};
    for (int c = 0; c < CONTENDERS; c++)
        contest[c].contender->begin();
    run_rounds((int)rounds, &(struct choice){(int)only, ms, uthash});
    expect(registry_count() == 0);

    bool failed = false;
    rounds_head("CPU ns per insert + find + delete");
    for (int threads = 1; threads <= LANES; threads++)
        for (int c = 0; c < CONTENDERS; c++) {
            char name[64];
            snprintf(name, sizeof name, "%d thread%s: %s%s", threads, threads == 1 ? "" : "s",
                     contest[c].contender->name,
                     uthash > 0 && threads == 1 && c == OURS ? ", by uthash" : "");
            if (contest[c].rounds[threads - 1].n > 0)
                failed |= rounds_print(name, &contest[c].rounds[threads - 1],
                                       c == 0 ? at_most[threads - 1] : 0);
        }
    if (only == 0)
        printf("liburcu's faster flavour: %s on one thread, %s on two\n", faster_flavour(1),
               faster_flavour(2));
    return failed;
}
