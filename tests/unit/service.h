#ifndef UNIT_SERVICE_H
#define UNIT_SERVICE_H

/*
 * service: the floors up to request/ begun in this process as the shim does, with a receiver that
 * collects what is sent and a request log in memory.
 */

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/process.h"
#include "receiver.h"
#include "request/monitor.h"
#include "scratch.h"
#include "send/place.h"

#define SERVICE_PATIENCE_NS 10000000000ull

struct service {
    struct config config;
    struct receiver receiver;
    struct collector collector;
    struct scratch journal, log;
};

static inline void service_nothing(void)
{
}

/* Everything but monitor_begin, so that the config can still be changed. */
static inline void service_prepare(struct service *s)
{
    process_begin();
    config_read(&s->config, NULL, BYTES("app"), BYTES("host"), NULL);
    receiver_abstract(&s->receiver);
    scratch_begin(&s->journal);
    scratch_begin(&s->log);
    s->config.host = bytes_of(s->receiver.host);
    s->config.port = s->receiver.port;
    s->config.request_log = bytes_of(s->journal.path);
    s->config.flush_ms = 10;
    log_begin(bytes_of(s->log.path), LOG_WARN);
    collector_begin(&s->collector, &s->receiver);
}

static inline void service_start(struct service *s)
{
    struct monitor_guard guard = {service_nothing, service_nothing};
    cr_assert_eq(monitor_begin(&s->config, guard), 0);
}

static inline void service_begin(struct service *s)
{
    service_prepare(s);
    service_start(s);
}

/* Before a fork: the sender's thread, if there is one, sleeps. AddressSanitizer's allocator is not
 * made for a fork while another thread is inside it, as one that starts is. */
static inline void service_settle(void)
{
    uint64_t deadline = clock_now_ns() + SERVICE_PATIENCE_NS;
    for (uint32_t state; (state = atomic_load(&sender_state)) != SENDER_NONE &&
                         state != SENDER_IDLE && state != SENDER_GATHERING;)
        cr_assert_lt(clock_now_ns(), deadline);
}

/* All that was sent; once only. */
static inline struct bytes service_sent(struct service *s)
{
    monitor_flush(SERVICE_PATIENCE_NS);
    return collector_end(&s->collector);
}

static inline struct bytes service_journal(struct service *s)
{
    monitor_flush(SERVICE_PATIENCE_NS);
    return scratch_text(&s->journal);
}

#endif
