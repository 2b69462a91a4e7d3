/*
 * gnutls: both ends of HTTP over TLS in one process, by GnuTLS: the server's session is to be seen,
 * the client's is not.
 */
#include <fcntl.h>
#include <gnutls/gnutls.h>

#include "loopback.h"

#define ANONYMOUS "NORMAL:-VERS-ALL:+VERS-TLS1.2:+ANON-ECDH"

static gnutls_anon_server_credentials_t server_credentials;
static gnutls_anon_client_credentials_t client_credentials;

struct ends {
    gnutls_session_t server, client;
    struct pair fds;
};

static gnutls_session_t make_session(unsigned flags, void *credentials)
{
    gnutls_session_t session;
    EXPECT(gnutls_init(&session, flags) == 0);
    EXPECT(gnutls_priority_set_direct(session, ANONYMOUS, NULL) == 0);
    EXPECT(gnutls_credentials_set(session, GNUTLS_CRD_ANON, credentials) == 0);
    gnutls_handshake_set_timeout(session, GNUTLS_INDEFINITE_TIMEOUT);
    return session;
}

static struct ends make_sessions(void)
{
    struct ends ends = {.fds = pair_make()};
    EXPECT(fcntl(ends.fds.server, F_SETFL, O_NONBLOCK) == 0);
    EXPECT(fcntl(ends.fds.client, F_SETFL, O_NONBLOCK) == 0);
    if (server_credentials == NULL) {
        EXPECT(gnutls_anon_allocate_server_credentials(&server_credentials) == 0);
        EXPECT(gnutls_anon_allocate_client_credentials(&client_credentials) == 0);
    }
    ends.server = make_session(GNUTLS_SERVER | GNUTLS_NONBLOCK, server_credentials);
    ends.client = make_session(GNUTLS_CLIENT | GNUTLS_NONBLOCK, client_credentials);
    gnutls_transport_set_int(ends.client, ends.fds.client);
    return ends;
}

/* A handshake that is over would begin anew. */
static int go_on(gnutls_session_t session, int state)
{
    if (state != 0)
        state = gnutls_handshake(session);
    EXPECT(state == 0 || state == GNUTLS_E_AGAIN);
    return state;
}

static void shake_hands(struct ends ends)
{
    int server = GNUTLS_E_AGAIN, client = GNUTLS_E_AGAIN;
    while (server != 0 || client != 0) {
        client = go_on(ends.client, client);
        server = go_on(ends.server, server);
    }
}

static struct ends through_fds(void)
{
    struct ends ends = make_sessions();
    gnutls_transport_set_int(ends.server, ends.fds.server);
    shake_hands(ends);
    return ends;
}

/* The host's own functions, which get the address of the fd. */
static ssize_t pull(gnutls_transport_ptr_t fd, void *at, size_t n)
{
    return recv(*(int *)fd, at, n, 0);
}

static ssize_t push(gnutls_transport_ptr_t fd, const void *at, size_t n)
{
    return send(*(int *)fd, at, n, 0);
}

static struct ends through_functions(int *fd)
{
    struct ends ends = make_sessions();
    *fd = ends.fds.server;
    gnutls_transport_set_ptr(ends.server, fd);
    gnutls_transport_set_pull_function(ends.server, pull);
    gnutls_transport_set_push_function(ends.server, push);
    shake_hands(ends);
    return ends;
}

static void ask_for(struct ends ends, const char *target)
{
    char text[256];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    EXPECT(gnutls_record_send(ends.client, text, (size_t)n) == n);
}

static void hear_answer(struct ends ends)
{
    char text[ANSWER_BYTES];
    for (ssize_t n = 0, got; n<ANSWER_BYTES; n += got> 0 ? got : 0) {
        got = gnutls_record_recv(ends.client, text + n, (size_t)(ANSWER_BYTES - n));
        EXPECT(got > 0 || got == GNUTLS_E_AGAIN);
    }
    EXPECT(memcmp(text, ANSWER, ANSWER_BYTES) == 0);
}

/* How the server reads a request of one record. */
static ssize_t with_recv(gnutls_session_t session, char *at, size_t n)
{
    return gnutls_record_recv(session, at, n);
}

static ssize_t with_recv_seq(gnutls_session_t session, char *at, size_t n)
{
    unsigned char sequence[8];
    return gnutls_record_recv_seq(session, at, n, sequence);
}

static ssize_t with_recv_packet(gnutls_session_t session, char *at, size_t n)
{
    gnutls_packet_t packet;
    gnutls_datum_t datum;
    ssize_t got = gnutls_record_recv_packet(session, &packet);
    if (got <= 0)
        return got;
    gnutls_packet_get(packet, &datum, NULL);
    EXPECT(datum.size == (unsigned)got && datum.size <= n);
    memcpy(at, datum.data, datum.size);
    gnutls_packet_deinit(packet);
    return got;
}

/* How it writes the answer. */
static void with_send(gnutls_session_t session)
{
    EXPECT(gnutls_record_send(session, ANSWER, 20) == 20);
    EXPECT(gnutls_record_send(session, &ANSWER[20], ANSWER_BYTES - 20) == ANSWER_BYTES - 20);
}

static void with_send2(gnutls_session_t session)
{
    EXPECT(gnutls_record_send2(session, ANSWER, ANSWER_BYTES, 0, 0) == ANSWER_BYTES);
}

static void with_send_range(gnutls_session_t session)
{
    gnutls_range_st range = {ANSWER_BYTES, ANSWER_BYTES};
    EXPECT(gnutls_record_send_range(session, ANSWER, ANSWER_BYTES, &range) == ANSWER_BYTES);
}

static void with_cork(gnutls_session_t session)
{
    gnutls_record_cork(session);
    with_send(session);
    EXPECT(gnutls_record_uncork(session, GNUTLS_RECORD_WAIT) == ANSWER_BYTES);
}

static void with_send_file(gnutls_session_t session)
{
    char path[] = "/tmp/stats-hero-gnutls-XXXXXX";
    int file = mkstemp(path);
    EXPECT(file >= 0 && unlink(path) == 0);
    write_all(file, ANSWER, ANSWER_BYTES);
    EXPECT(gnutls_record_send(session, ANSWER, ANSWER_BYTES - 2) == ANSWER_BYTES - 2);
    EXPECT(lseek(file, ANSWER_BYTES - 2, SEEK_SET) == ANSWER_BYTES - 2);
    EXPECT(gnutls_record_send_file(session, file, NULL, 2) == 2);
    EXPECT(close(file) == 0);
}

static void serve_with(struct ends ends, ssize_t (*receive)(gnutls_session_t, char *, size_t),
                       void (*send_answer)(gnutls_session_t))
{
    char head[256];
    for (int i = 0; i < 3; i++) {
        ssize_t got;
        ask_for(ends, "/page");
        while ((got = receive(ends.server, head, sizeof head)) == GNUTLS_E_AGAIN)
            continue;
        EXPECT(got > 20);
        send_answer(ends.server);
        hear_answer(ends);
    }
}

static void end(struct ends ends)
{
    gnutls_bye(ends.server, GNUTLS_SHUT_WR);
    gnutls_bye(ends.client, GNUTLS_SHUT_WR);
    gnutls_deinit(ends.server);
    gnutls_deinit(ends.client);
    pair_close(ends.fds);
}

static void serve_all(ssize_t (*receive)(gnutls_session_t, char *, size_t),
                      void (*send_answer)(gnutls_session_t))
{
    struct ends ends = through_fds();
    serve_with(ends, receive, send_answer);
    end(ends);
}

static void recv_send(void)
{
    serve_all(with_recv, with_send);
}

static void recv_seq(void)
{
    serve_all(with_recv_seq, with_send);
}

static void recv_packet(void)
{
    serve_all(with_recv_packet, with_send);
}

static void send2(void)
{
    serve_all(with_recv, with_send2);
}

static void send_range(void)
{
    serve_all(with_recv, with_send_range);
}

static void cork(void)
{
    serve_all(with_recv, with_cork);
}

static void send_file(void)
{
    serve_all(with_recv, with_send_file);
}

static void functions(void)
{
    int fd;
    struct ends ends = through_functions(&fd);
    serve_with(ends, with_recv, with_send);
    end(ends);
}

static void take_one(struct ends ends)
{
    char head[256];
    ask_for(ends, "/page");
    while (gnutls_record_recv(ends.server, head, sizeof head) == GNUTLS_E_AGAIN)
        continue;
}

static void unanswered(void)
{
    int fd[2];
    struct ends ends[] = {through_fds(), through_fds(), through_fds(), through_functions(&fd[0]),
                          through_functions(&fd[1])};
    for (int i = 0; i < 5; i++)
        take_one(ends[i]);
    EXPECT(close(ends[0].fds.server) == 0);
    gnutls_bye(ends[1].server, GNUTLS_SHUT_WR);
    gnutls_deinit(ends[2].server);
    gnutls_deinit(ends[3].server);
    EXPECT(close(ends[4].fds.server) == 0);
    have_sent();
}

static void gone(void)
{
    char c;
    int fd;
    ssize_t got;
    struct ends closed = through_fds(), told = through_functions(&fd);
    take_one(closed);
    EXPECT(close(closed.fds.client) == 0);
    gnutls_deinit(closed.server);
    take_one(told);
    EXPECT(gnutls_bye(told.client, GNUTLS_SHUT_WR) == 0);
    while ((got = gnutls_record_recv(told.server, &c, 1)) == GNUTLS_E_AGAIN)
        continue;
    EXPECT(got == 0);
    gnutls_deinit(told.server);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"recv_send", recv_send}, {"recv_seq", recv_seq},     {"recv_packet", recv_packet},
        {"send2", send2},         {"send_range", send_range}, {"cork", cork},
        {"send_file", send_file}, {"functions", functions},   {"unanswered", unanswered},
        {"gone", gone},
    };
    return SCENARIO_RUN(table, argc, argv);
}
