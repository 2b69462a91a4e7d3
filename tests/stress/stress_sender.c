/* Threads that hand events over faster than small queues hold, while the sender is retired now and
 * then, and a receiver that counts: what was sent and what was dropped is what was offered. */
#include "base/process.h"
#include "request/event.h"
#include "request/monitor.h"
#include "request/names.h"
#include "request/thread.h"
#include "receiver.h"
#include "send/sender.h"

enum { THREADS = 4, ROUNDS = 5, EVENTS = 40000 };

static struct config config;
static uint64_t received, dropped;
static uint16_t label;

static void nothing(void)
{
}

static void count_line(struct bytes line)
{
    uint64_t n;
    if (receiver_value(line, "app.application.allRequests:", 'c', &n))
        received += n;
    if (receiver_value(line, "app.stats_hero.dropped:", 'c', &n))
        dropped += n;
}

static void *offer(void *number)
{
    struct thread *self = thread_self();
    for (int i = 0; i < EVENTS; i++) {
        sender_notify(event_put_start(&self->ring, event_names(0, label, names.get)));
        if (i % 10000 == 5000)
            monitor_flush(1000000);
        if (i % 4000 == 2000 && sender_retire(1000000000))
            sender_start();
    }
    return number;
}

int main(void)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    receiver_begin(count_line);
    config.host = bytes_of(receiver.host);
    config.protocol = PROTOCOL_STATSD;
    config.queue_events = 1000;
    config.flush_ms = 2;
    expect(monitor_begin(&config, (struct monitor_guard){nothing, nothing}) == 0 &&
           monitor_ready());
    label = label_number(&names.labels, BYTES("users"));
    for (int round = 0; round < ROUNDS; round++)
        on_threads(THREADS, offer);
    monitor_end(60000000000ull);
    expect(!sender_running());
    receiver_end();
    expect(received > 0 && sender_errors() == 0);
    expect(received + dropped == (uint64_t)ROUNDS * THREADS * EVENTS);
    return 0;
}
