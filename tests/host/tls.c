/*
 * tls: both ends of HTTP over TLS in one process, by OpenSSL: the server's session is to be seen,
 * the client's is not. The certificate and its key are the files that TLS_CERTIFICATE and TLS_KEY
 * name.
 */
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "loopback.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

static SSL_CTX *server_context, *client_context;

/* Two sessions, and the connection that they go through; -1 for none. */
struct ends {
    SSL *server, *client;
    struct pair fds;
};

static void make_contexts(void)
{
    server_context = SSL_CTX_new(TLS_server_method());
    client_context = SSL_CTX_new(TLS_client_method());
    EXPECT(server_context != NULL && client_context != NULL);
    EXPECT(SSL_CTX_use_certificate_chain_file(server_context, getenv("TLS_CERTIFICATE")) == 1);
    EXPECT(SSL_CTX_use_PrivateKey_file(server_context, getenv("TLS_KEY"), SSL_FILETYPE_PEM) == 1);
}

static struct ends make_sessions(void)
{
    if (server_context == NULL)
        make_contexts();
    struct ends ends = {SSL_new(server_context), SSL_new(client_context), {-1, -1}};
    EXPECT(ends.server != NULL && ends.client != NULL);
    SSL_set_accept_state(ends.server);
    SSL_set_connect_state(ends.client);
    return ends;
}

static void without_waiting(int fd)
{
    EXPECT(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

static void wants(SSL *ssl, int result)
{
    int error = SSL_get_error(ssl, result);
    EXPECT(result == 1 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE);
}

static void shake_hands(struct ends ends)
{
    int server, client;
    do {
        wants(ends.client, client = SSL_do_handshake(ends.client));
        wants(ends.server, server = SSL_do_handshake(ends.server));
    } while (server != 1 || client != 1);
}

/* Through a connection that was accepted. */
static void set_fds(struct ends *ends)
{
    without_waiting(ends->fds.server);
    without_waiting(ends->fds.client);
    EXPECT(SSL_set_fd(ends->server, ends->fds.server) == 1);
    EXPECT(SSL_set_fd(ends->client, ends->fds.client) == 1);
    shake_hands(*ends);
}

static struct ends through_fds(void)
{
    struct ends ends = make_sessions();
    ends.fds = pair_make();
    set_fds(&ends);
    return ends;
}

static struct ends through_pair(void)
{
    BIO *server, *client;
    struct ends ends = make_sessions();
    EXPECT(BIO_new_bio_pair(&server, 0, &client, 0) == 1);
    SSL_set_bio(ends.server, server, server);
    SSL_set_bio(ends.client, client, client);
    shake_hands(ends);
    return ends;
}

static struct ends through_memory(void)
{
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
    struct ends ends = make_sessions();
    EXPECT(up != NULL && down != NULL && BIO_up_ref(up) == 1 && BIO_up_ref(down) == 1);
    SSL_set_bio(ends.server, up, down);
    SSL_set_bio(ends.client, down, up);
    shake_hands(ends);
    return ends;
}

static void ask_for(struct ends ends, const char *target)
{
    char text[256];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    EXPECT(SSL_write(ends.client, text, n) == n);
}

static void hear_answer(struct ends ends)
{
    char text[ANSWER_BYTES];
    for (int n = 0, got; n < ANSWER_BYTES; n += got)
        if ((got = SSL_read(ends.client, text + n, ANSWER_BYTES - n)) <= 0) {
            wants(ends.client, got);
            got = 0;
        }
    EXPECT(memcmp(text, ANSWER, ANSWER_BYTES) == 0);
}

/* The server waits for bytes, and gets some. */
static int read_some(SSL *ssl, char *at, int room)
{
    int n;
    while ((n = SSL_read(ssl, at, room)) <= 0)
        wants(ssl, n);
    return n;
}

static void exchange_with(struct ends ends, const char *target)
{
    char head[256];
    ask_for(ends, target);
    EXPECT(read_some(ends.server, head, sizeof head) > 20);
    EXPECT(SSL_write(ends.server, ANSWER, ANSWER_BYTES) == ANSWER_BYTES);
    hear_answer(ends);
}

static void end_sessions(struct ends ends)
{
    SSL_shutdown(ends.server);
    SSL_shutdown(ends.client);
    SSL_free(ends.server);
    SSL_free(ends.client);
}

static void end(struct ends ends)
{
    end_sessions(ends);
    if (ends.fds.server >= 0)
        pair_close(ends.fds);
}

static void three_requests(struct ends ends)
{
    for (int i = 0; i < 3; i++)
        exchange_with(ends, "/page");
    end(ends);
}

static void fds(void)
{
    three_requests(through_fds());
}

static void bio_pair(void)
{
    three_requests(through_pair());
}

static void memory(void)
{
    three_requests(through_memory());
}

/* All ways at once, one session's bytes between those of another. */
static void mixed(void)
{
    struct ends ends[] = {through_fds(), through_pair(), through_memory(), through_fds()};
    char head[256];
    for (int i = 0; i < 4; i++)
        ask_for(ends[i], "/page");
    for (int i = 0; i < 4; i++)
        EXPECT(read_some(ends[i].server, head, 9) == 9);
    for (int i = 3; i >= 0; i--)
        EXPECT(read_some(ends[i].server, head, sizeof head) > 9);
    for (int i = 0; i < 4; i++)
        EXPECT(SSL_write(ends[i].server, ANSWER, ANSWER_BYTES) == ANSWER_BYTES);
    for (int i = 0; i < 4; i++) {
        hear_answer(ends[i]);
        end(ends[i]);
    }
}

/* SSL_read_ex and SSL_write_ex, a few bytes at a time. */
static void ex(void)
{
    struct ends ends = through_pair();
    char head[256];
    size_t n = 0, done;
    ask_for(ends, "/page");
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0) {
        EXPECT(SSL_read_ex(ends.server, head + n, 3, &done) == 1 && done > 0);
        n += done;
    }
    EXPECT(SSL_read_ex(ends.server, head, 1, &done) == 0);
    for (n = 0; n < ANSWER_BYTES; n += done)
        EXPECT(SSL_write_ex(ends.server, &ANSWER[n], n + 9 < ANSWER_BYTES ? 9 : ANSWER_BYTES - n,
                            &done) == 1);
    hear_answer(ends);
    end(ends);
}

/* What SSL_peek shows is read once. */
static void peek(void)
{
    struct ends ends = through_fds();
    char head[256];
    ask_for(ends, "/page");
    for (int i = 0; i < 3;)
        i += SSL_peek(ends.server, head, sizeof head) > 20;
    EXPECT(read_some(ends.server, head, sizeof head) > 20);
    EXPECT(SSL_write(ends.server, ANSWER, ANSWER_BYTES) == ANSWER_BYTES);
    hear_answer(ends);
    end(ends);
}

/* The server's session as a BIO. */
static void ssl_bio(void)
{
    struct ends ends = through_fds();
    char head[256];
    int n;
    BIO *bio = BIO_new(BIO_f_ssl());
    EXPECT(bio != NULL && BIO_method_type(bio) == BIO_TYPE_SSL);
    EXPECT(BIO_set_ssl(bio, ends.server, BIO_NOCLOSE) == 1);
    for (int i = 0; i < 3; i++) {
        ask_for(ends, "/page");
        while ((n = BIO_read(bio, head, sizeof head)) <= 0)
            EXPECT(BIO_should_retry(bio));
        EXPECT(BIO_write(bio, HEAD, sizeof HEAD - 1) == sizeof HEAD - 1);
        EXPECT(BIO_puts(bio, "ok") == 2);
        hear_answer(ends);
    }
    EXPECT(BIO_free(bio) == 1);
    end(ends);
}

/* Sessions that come and go with their BIOs, at addresses where others were before. */
static void new_ssl_bio(void)
{
    char head[256];
    SSL_CTX_free(server_context);
    make_contexts();
    for (int i = 0; i < 10; i++) {
        BIO *bio = BIO_new_ssl(server_context, 0), *up = BIO_new(BIO_s_mem()),
            *down = BIO_new(BIO_s_mem());
        struct ends ends = {NULL, SSL_new(client_context), {-1, -1}};
        EXPECT(bio != NULL && BIO_get_ssl(bio, &ends.server) == 1 && BIO_up_ref(up) == 1 &&
               BIO_up_ref(down) == 1);
        SSL_set_connect_state(ends.client);
        SSL_set_bio(ends.server, up, down);
        SSL_set_bio(ends.client, down, up);
        shake_hands(ends);
        ask_for(ends, "/page");
        EXPECT(BIO_read(bio, head, sizeof head) > 20);
        EXPECT(BIO_write(bio, ANSWER, ANSWER_BYTES) == ANSWER_BYTES);
        hear_answer(ends);
        BIO_free_all(bio);
        SSL_free(ends.client);
    }
}

/* Only the last one that lets go of a session ends it. */
static void referenced(void)
{
    struct ends ends = through_memory();
    char head[256];
    ask_for(ends, "/page");
    EXPECT(read_some(ends.server, head, sizeof head) > 20);
    EXPECT(SSL_up_ref(ends.server) == 1);
    EXPECT(SSL_dup(ends.server) == ends.server);
    SSL_free(ends.server);
    SSL_free(ends.server);
    EXPECT(SSL_write(ends.server, ANSWER, ANSWER_BYTES) == ANSWER_BYTES);
    hear_answer(ends);
    exchange_with(ends, "/page");
    ask_for(ends, "/left");
    EXPECT(read_some(ends.server, head, sizeof head) > 20);
    SSL_free(ends.server);
    SSL_free(ends.client);
    have_sent();
}

/* The same, where nothing of the session was seen before. */
static void referenced_early(void)
{
    struct ends ends = make_sessions();
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
    char head[256];
    EXPECT(SSL_up_ref(ends.server) == 1 && BIO_up_ref(up) == 1 && BIO_up_ref(down) == 1);
    SSL_set_bio(ends.server, up, down);
    SSL_set_bio(ends.client, down, up);
    shake_hands(ends);
    ask_for(ends, "/page");
    EXPECT(read_some(ends.server, head, sizeof head) > 20);
    SSL_free(ends.server);
    EXPECT(SSL_write(ends.server, ANSWER, ANSWER_BYTES) == ANSWER_BYTES);
    hear_answer(ends);
    end(ends);
}

enum { LONG_BYTES = 1 << 20 };

/* Written in parts, and repeated whenever there is no room. */
static void partial(void)
{
    static char body[LONG_BYTES], sink[1 << 16];
    static const char long_head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n";
    struct ends ends = through_fds();
    char head[256];
    int repeated = 0, room = 1 << 16;
    EXPECT(setsockopt(ends.fds.server, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    EXPECT(setsockopt(ends.fds.client, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    SSL_set_mode(ends.server, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    for (int i = 0; i < 3; i++) {
        ask_for(ends, "/page");
        EXPECT(read_some(ends.server, head, sizeof head) > 20);
        EXPECT(SSL_write(ends.server, long_head, sizeof long_head - 1) == sizeof long_head - 1);
        for (int wrote = 0, heard = 0; heard < LONG_BYTES + (int)sizeof long_head - 1;) {
            int n = wrote < LONG_BYTES ? SSL_write(ends.server, body, LONG_BYTES - wrote) : 0;
            wrote += n > 0 ? n : 0;
            repeated += n < 0;
            if (n <= 0 && (n = SSL_read(ends.client, sink, sizeof sink)) > 0)
                heard += n;
        }
    }
    EXPECT(repeated > 0);
    end(ends);
}

/* A session after another one on the same connection, and one that begins anew. */
static void again(void)
{
    struct ends ends = through_fds();
    exchange_with(ends, "/page");
    end_sessions(ends);
    char rest[256];
    while (read(ends.fds.server, rest, sizeof rest) > 0 ||
           read(ends.fds.client, rest, sizeof rest) > 0)
        continue;
    struct ends later = make_sessions();
    later.fds = ends.fds;
    set_fds(&later);
    exchange_with(later, "/page");
    ask_for(later, "/left");
    EXPECT(read_some(later.server, rest, sizeof rest) > 20);
    pair_close(later.fds);
    EXPECT(SSL_clear(later.server) == 1 && SSL_clear(later.client) == 1);
    later.fds = pair_make();
    SSL_set_accept_state(later.server);
    SSL_set_connect_state(later.client);
    set_fds(&later);
    three_requests(later);
}

/* Requests that stay without an answer, for each way to end. */
static void unanswered(void)
{
    char head[256];
    struct ends ends[5];
    for (int i = 0; i < 5; i++) {
        ends[i] = i < 3 ? through_fds() : through_memory();
        ask_for(ends[i], "/page");
        EXPECT(read_some(ends[i].server, head, sizeof head) > 20);
    }
    EXPECT(close(ends[0].fds.server) == 0);
    SSL_shutdown(ends[1].server);
    SSL_free(ends[2].server);
    SSL_free(ends[3].server);
    SSL_shutdown(ends[4].server);
    have_sent();
}

/* The client is gone: its connection is, or it said so. */
static void gone(void)
{
    char head[256];
    struct ends closed = through_fds(), told = through_memory();
    ask_for(closed, "/page");
    EXPECT(read_some(closed.server, head, sizeof head) > 20);
    EXPECT(close(closed.fds.client) == 0);
    SSL_free(closed.server);
    ask_for(told, "/page");
    EXPECT(read_some(told.server, head, sizeof head) > 20);
    SSL_shutdown(told.client);
    EXPECT(SSL_read(told.server, head, sizeof head) <= 0);
    SSL_free(told.server);
}

/* A child serves what its parent has accepted, and another one goes on between two requests. */
static void forked(void)
{
    struct ends ends = through_fds();
    exchange_with(ends, "/parent");
    pid_t child = fork();
    if (child == 0) {
        three_requests(ends);
        exit(0);
    }
    expect_child(child);
    SSL_free(ends.server);
    pair_close(ends.fds);
}

/* The second of two requests comes before the handshake is over. */
static void early_data(void)
{
    char head[256];
    size_t done;
    make_contexts();
    SSL_CTX_set_max_early_data(server_context, 16384);
    struct ends ends = through_memory();
    exchange_with(ends, "/page");
    SSL_SESSION *session = SSL_get1_session(ends.client);
    EXPECT(session != NULL && SSL_SESSION_get_max_early_data(session) == 16384);
    end(ends);
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
    ends = make_sessions();
    EXPECT(BIO_up_ref(up) == 1 && BIO_up_ref(down) == 1 &&
           SSL_set_session(ends.client, session) == 1);
    SSL_set_bio(ends.server, up, down);
    SSL_set_bio(ends.client, down, up);
    static const char request[] = "GET /early HTTP/1.1\r\n\r\n";
    EXPECT(SSL_write_early_data(ends.client, request, sizeof request - 1, &done) == 1);
    EXPECT(SSL_read_early_data(ends.server, head, sizeof head, &done) ==
           SSL_READ_EARLY_DATA_SUCCESS);
    EXPECT(done == sizeof request - 1);
    EXPECT(SSL_write_early_data(ends.server, ANSWER, ANSWER_BYTES, &done) == 1);
    EXPECT(SSL_do_handshake(ends.client) == 1);
    EXPECT(SSL_read_early_data(ends.server, head, sizeof head, &done) ==
           SSL_READ_EARLY_DATA_FINISH);
    EXPECT(SSL_do_handshake(ends.server) == 1);
    hear_answer(ends);
    exchange_with(ends, "/page");
    end(ends);
}

static void show(const char *what, SSL *ssl, int result)
{
    int error = errno;
    printf("%s %d errno %d error %d queue %lx\n", what, result, error, SSL_get_error(ssl, result),
           ERR_peek_error());
    ERR_clear_error();
    errno = 77;
}

/* Tells what the host sees of calls that fail; a request waits meanwhile. */
static void errors(void)
{
    char head[256];
    size_t done = 99;
    struct ends ends = through_fds(), told = through_memory();
    errno = 77;
    show("read without bytes", ends.server, SSL_read(ends.server, head, sizeof head));
    ask_for(ends, "/page");
    EXPECT(read_some(ends.server, head, sizeof head) > 20);
    errno = 77;
    ERR_put_error(ERR_LIB_USER, 0, 5, "left", 1);
    EXPECT(SSL_read(ends.server, head, sizeof head) == -1);
    printf("queue %lx\n", ERR_get_error());
    ERR_clear_error();
    show("wait", ends.server, SSL_read(ends.server, head, sizeof head));
    show("wait", ends.server, SSL_read_ex(ends.server, head, sizeof head, &done));
    printf("%zu\n", done);
    show("no room", ends.server, SSL_read(ends.server, head, 0));
    show("nothing", ends.server, SSL_write(ends.server, head, 0));
    show("nothing", ends.server, SSL_write_ex(ends.server, head, 0, &done));
    show("bad length", ends.server, SSL_write(ends.server, head, -1));
    show("file", ends.server, (int)SSL_sendfile(ends.server, 0, 0, 1, 0));
    write_all(ends.fds.client,
              "\x17\x03\x03\x00\x20"
              "no record has this in its last byte",
              40);
    EXPECT(poll(&(struct pollfd){ends.fds.server, POLLIN, 0}, 1, -1) == 1);
    show("no record", ends.server, SSL_read(ends.server, head, sizeof head));
    show("after it", ends.server, SSL_read(ends.server, head, sizeof head));
    show("after it", ends.server, SSL_write(ends.server, head, 9));
    show("shutdown", ends.server, SSL_shutdown(ends.server));
    show("shutdown", told.client, SSL_shutdown(told.client));
    show("farewell", told.server, SSL_read(told.server, head, sizeof head));
    show("shutdown", told.server, SSL_shutdown(told.server));
    show("shutdown", told.client, SSL_shutdown(told.client));
    SSL *unused = SSL_new(server_context);
    show("unused", unused, SSL_read(unused, head, sizeof head));
    show("cleared", unused, SSL_clear(unused));
    SSL_free(NULL);
    SSL_free(unused);
}

int main(int argc, char **argv)
{
    static const struct scenario table[] = {
        {"fds", fds},
        {"bio_pair", bio_pair},
        {"memory", memory},
        {"mixed", mixed},
        {"ex", ex},
        {"peek", peek},
        {"ssl_bio", ssl_bio},
        {"new_ssl_bio", new_ssl_bio},
        {"referenced", referenced},
        {"referenced_early", referenced_early},
        {"partial", partial},
        {"again", again},
        {"unanswered", unanswered},
        {"gone", gone},
        {"forked", forked},
        {"early_data", early_data},
        {"errors", errors},
    };
    return SCENARIO_RUN(table, argc, argv);
}
