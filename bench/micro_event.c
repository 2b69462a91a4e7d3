/*
 * What it costs a thread to hand an event to the sender through its own ring: CPU nanoseconds per
 * event, from one thread and from two at once, for an end (event_put_end, four words) and for a
 * start and an end in turn; the look whether the sender wants to be woken is counted too.
 *
 * A thread in the sender's place does as the sender does: it comes when a producer has been told
 * that much is waiting, and takes events out (ring_peek_spsc, ring_release_spsc) until it finds
 * none, while producers go on. Events go in passes of 256; before a pass a producer waits, untimed,
 * until its ring has room for it: what is measured is no full ring, and none may be dropped.
 *
 * Threads stand on a processor each as far as there are that many. Rounds are interleaved; a row
 * shows the median and the least of them.
 *
 *     make benches && build/bench/micro_event [--at-most-1 25] [--at-most-2 60]
 *
 * With a bound the exit status is 1 if a median on 1 or 2 threads is over it.
 */

#include "base/process.h"
#include "bench.h"
#include "request/event.h"
#include "request/thread.h"
#include "send/sender.h"

enum { PRODUCERS = 2, PASS = 256 };

enum what { ENDS, PAIRS, WHATS };

struct producer {
    int number;
    enum what what;
    double cpu_ns;
    uint64_t events, dropped;
};

static pthread_barrier_t together;
static _Atomic bool over, done, told;
static double bias_ns;
static uint64_t taken; /* the consumer's */

static uint64_t take_all(void)
{
    uint64_t n = 0;
    struct thread *thread;
    for (uint32_t i = 0; (thread = thread_at(i)) != NULL; i++)
        if (atomic_load_explicit(&thread->state, memory_order_acquire) != THREAD_FREE)
            for (; ring_peek_spsc(&thread->ring) != NULL; n++)
                ring_release_spsc(&thread->ring);
    return n;
}

static void *consume(void *nothing)
{
    on_processor(PRODUCERS - 1);
    while (!atomic_load(&done)) {
        while (!atomic_exchange_explicit(&told, false, memory_order_acquire) && !atomic_load(&done))
            sched_yield();
        taken += take_all();
    }
    taken += take_all();
    return nothing;
}

static bool has_room(const struct ring *ring)
{
    const struct ring_buffer *buffer = ring->fill;
    return atomic_load_explicit(&buffer->tail, memory_order_relaxed) -
               atomic_load_explicit(&buffer->head, memory_order_acquire) <
           buffer->words - PASS * EVENT_END_WORDS;
}

static inline void tell(bool many)
{
    sender_notify(many);
    if (many)
        atomic_store_explicit(&told, true, memory_order_release);
}

static void put_pass(struct ring *ring, enum what what, struct event_facts *facts)
{
    for (uint32_t i = 0; i < PASS; i++) {
        if (what == PAIRS && i % 2 == 0) {
            tell(event_put_start(ring, event_names(0, (uint16_t)i, 1)));
            continue;
        }
        facts->label = (uint16_t)i;
        facts->start_ns += 1000;
        tell(event_put_end(ring, facts));
    }
}

static void *produce(void *producer)
{
    struct producer *p = producer;
    on_processor(p->number);
    struct thread *self = thread_self();
    expect(self != NULL);
    uint64_t dropped = atomic_load(&self->ring.dropped);
    struct event_facts facts = {.kind = EVENT_END, .status = 200, .tid = (uint32_t)self->tid};
    pthread_barrier_wait(&together);
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        double began = thread_cpu_ns();
        put_pass(&self->ring, p->what, &facts);
        p->cpu_ns += thread_cpu_ns() - began - bias_ns;
        p->events += PASS;
        while (!has_room(&self->ring)) {
            atomic_store(&told, true);
            sched_yield();
        }
    }
    p->dropped = atomic_load(&self->ring.dropped) - dropped;
    return NULL;
}

/* CPU ns per event of `producers` threads that hand over at the same time for a while. */
static double round_of(enum what what, int producers, double ms, uint64_t *events)
{
    pthread_t thread[PRODUCERS];
    struct producer producer[PRODUCERS];
    double cpu_ns = 0, each = 0;
    struct timespec while_ns = {(time_t)(ms / 1000), (long)(ms * 1e6) % 1000000000};
    atomic_store(&over, false);
    pthread_barrier_init(&together, NULL, (unsigned)producers + 1);
    for (int i = 0; i < producers; i++) {
        producer[i] = (struct producer){.number = i, .what = what};
        expect(pthread_create(&thread[i], NULL, produce, &producer[i]) == 0);
    }
    pthread_barrier_wait(&together);
    nanosleep(&while_ns, NULL);
    atomic_store(&over, true);
    for (int i = 0; i < producers; i++) {
        expect(pthread_join(thread[i], NULL) == 0);
        expect(producer[i].dropped == 0);
        cpu_ns += producer[i].cpu_ns;
        each += (double)producer[i].events;
        *events += producer[i].events;
    }
    pthread_barrier_destroy(&together);
    return cpu_ns / each;
}

int main(int argc, char **argv)
{
    static const char *const titles[WHATS][PRODUCERS] = {
        {"1 thread: an end, 4 words", "2 threads: an end, 4 words"},
        {"1 thread: start and end, each", "2 threads: start and end, each"},
    };
    static struct rounds rounds_of[WHATS][PRODUCERS];
    double at_most[PRODUCERS] = {0, 0}, rounds = 15, ms = 20;
    const struct bench_option options[] = {
        {"--at-most-1", &at_most[0], "CPU ns on one thread; 0: no bound"},
        {"--at-most-2", &at_most[1], "CPU ns on two threads; 0: no bound"},
        {"--rounds", &rounds, "rounds"},
        {"--ms", &ms, "length of a round"},
        {NULL, NULL, NULL},
    };
    pthread_t consumer;
    uint64_t events = 0;
    bench_options(argc, argv, options);
    bench_within("--rounds", rounds, 1, ROUNDS_MOST);
    process_begin();
    atomic_store(&sender_state, SENDER_BUSY); /* nobody starts one */
    ring_budget(1 << 20);
    expect(thread_begin(thread_ended) == 0);
    bias_ns = thread_cpu_bias_ns();
    expect(pthread_create(&consumer, NULL, consume, NULL) == 0);
    for (int round = 0; round < (int)rounds; round++)
        for (int producers = 1; producers <= PRODUCERS; producers++)
            for (int what = 0; what < WHATS; what++)
                rounds_add(&rounds_of[what][producers - 1],
                           round_of((enum what)what, producers, ms, &events));
    atomic_store(&done, true);
    expect(pthread_join(consumer, NULL) == 0);
    expect(taken == events);

    bool failed = false;
    rounds_head("CPU ns of a thread per event");
    for (int producers = 1; producers <= PRODUCERS; producers++)
        for (int what = 0; what < WHATS; what++)
            failed |= rounds_print(titles[what][producers - 1], &rounds_of[what][producers - 1],
                                   at_most[producers - 1]);
    printf("%.0f events, none dropped\n", (double)events);
    return failed;
}
