/* A server's threads on connections and TLS sessions that they share: requests are read and
 * answered by whoever comes, fds are closed under the others' hands and accepted anew, sessions
 * freed and begun anew, with an fd and without, threads die. Each request that began ends once or
 * goes DOWN, and nothing is left. */
#include "base/process.h"
#include "flow/flow.h"
#include "flow/session.h"
#include "receiver.h"
#include "request/monitor.h"
#include "request/registry.h"
#include "request/thread.h"
#include "send/sender.h"

enum { THREADS = 4, ROUNDS = 40, STEPS = 4000, FIRST = 100, FDS = 12, SESSIONS = 6 };

static struct config config;
static uint64_t starts, ends, downs, dropped;
static char keys[SESSIONS];

static void nothing(void)
{
}

static void count_line(struct bytes line)
{
    uint64_t n;
    if (receiver_value(line, "app.application.allRequests:", 'm', &n))
        starts += n;
    if (receiver_value(line, "app.application.allRequests:", 'h', &n))
        ends++;
    if (receiver_value(line, "app.stats_hero.down:", 'm', &n))
        downs += n;
    if (receiver_value(line, "app.stats_hero.dropped:", 'm', &n))
        dropped += n;
}

static const char request[] = "GET /a HTTP/1.1\r\nX-Request-Id: the-same\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static void read_request(uint64_t word, int fd)
{
    flow_read(word, fd, request, sizeof request - 1);
}

static void write_response(uint64_t word, int fd)
{
    flow_wrote(word, fd, response, sizeof response - 1);
}

static void step(uint64_t any, int fd)
{
    uint64_t word = flow_look(fd);
    if (word == 0)
        flow_accepted(fd);
    else if (any % 16 < 7)
        read_request(word, fd);
    else if (any % 16 < 13)
        write_response(word, fd);
    else if (any % 16 == 13)
        flow_closing(word, fd);
    else if (any % 16 == 14)
        flow_duplicated(word, FIRST + (int)(any >> 32) % FDS);
    else if (any % 256 < 64)
        flow_missed(word);
    else
        flow_client_gone(word, fd);
}

static void step_in_session(uint64_t any, const void *key, int fd)
{
    struct session session;
    if (!session_find(key, &session))
        session_begin(key, any % 8 != 0, any % 16 < 8 ? fd : -1, &session);
    else if (any % 16 < 7)
        session_read(&session, request, sizeof request - 1);
    else if (any % 16 < 13)
        session_wrote(&session, response, sizeof response - 1);
    else if (any % 16 == 13)
        session_freed(key);
    else if (any % 16 == 14)
        session_made(key);
    else if (any % 256 < 128)
        session_over(key);
    else if (session_waits(&session))
        session_client_gone(&session);
}

static void *serve(void *number)
{
    uint64_t random = (uint64_t)(uintptr_t)number + 1 + (uint64_t)gettid();
    for (int i = 0; i < STEPS; i++) {
        uint64_t any = next_random(&random);
        int fd = FIRST + (int)(any >> 16) % FDS;
        if (any >> 60 < 6)
            step_in_session(any, &keys[(any >> 40) % SESSIONS], fd);
        else
            step(any, fd);
    }
    return NULL; /* its open requests go DOWN */
}

static void close_all(void)
{
    for (int fd = FIRST; fd < FIRST + FDS; fd++)
        if (flow_look(fd) != 0)
            flow_closing(flow_look(fd), fd);
    for (int i = 0; i < SESSIONS; i++)
        session_freed(&keys[i]);
}

int main(void)
{
    process_begin();
    config_read(&config, NULL, BYTES("app"), BYTES("host"), NULL);
    receiver_begin(count_line);
    config.host = bytes_of(receiver.host);
    config.flush_ms = 2;
    config.queue_events = 1 << 22;
    flow_begin(&config);
    expect(monitor_begin(&config, (struct monitor_guard){nothing, nothing}) == 0);
    for (int round = 0; round < ROUNDS; round++)
        on_threads(THREADS, serve);
    close_all();
    monitor_flush(60000000000ull); /* dead threads' requests are cleaned by the sender */
    expect(thread_downs() == 0 && registry_count() == 0);
    monitor_end(60000000000ull);
    expect(!sender_running() && sender_errors() == 0);
    receiver_end();
    expect(starts > 0 && downs > 0 && dropped == 0);
    expect(starts == ends + downs);
    return 0;
}
