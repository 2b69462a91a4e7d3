#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include "desk.h"
#include "flow/session.h"

/* TLS sessions as the shim reports them: a server's, and the fds that their ciphertext passes. */

TestSuite(session, .init = desk_begin, .timeout = 60);

#define HELLO "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"

static char memory[8]; /* addresses for sessions */

/* A session whose handshake is done, through `fd` or -1. */
static const void *handshake(const void *key, int fd)
{
    session_made(key);
    if (fd >= 0)
        desk_read_bytes(fd, HELLO, sizeof HELLO - 1);
    return key;
}

static struct session known(const void *key, bool server, int fd)
{
    struct session session;
    if (!session_find(key, &session))
        session_begin(key, server, fd, &session);
    return session;
}

static void read_from(const void *key, int fd, const char *text)
{
    struct session session = known(key, true, fd);
    session_read(&session, text, strlen(text));
}

static void write_to(const void *key, int fd, const char *text)
{
    struct session session = known(key, true, fd);
    session_wrote(&session, text, strlen(text));
}

static void client_leaves(const void *key)
{
    struct session session = known(key, true, -1);
    cr_assert(session_waits(&session));
    session_client_gone(&session);
    cr_assert(!session_waits(&session));
}

static void assert_no_figures(size_t starts, size_t ends)
{
    cr_assert_eq(count_lines(desk_sent(starts, ends), "app.stats_hero", ""), 0);
}

Test(session, a_request_through_an_fd)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    cr_assert_neq(flow_look(fd), 0, "ciphertext is no reason to forget an fd");
    read_from(key, fd, GET("/users/7"));
    desk_write_bytes(fd, "\x17\x03\x03\x00\x55zzzzzzzz", 13);
    write_to(key, fd, OK_EMPTY);
    desk_read_bytes(fd, "\x17\x03\x03\x00\x55zzzzzzzz", 13);
    assert_ended("users GET 200 done\n");
    session_over(key);
    session_freed(key);
    desk_close(fd);
    assert_no_figures(1, 1);
}

/* Apache wakes its idle children so, on a port of TLS. */
Test(session, an_alert_is_tls_too)
{
    handshake(&memory[0], desk_accept());
    int fd = desk_accept();
    desk_read_bytes(fd, "\x15\x03\x01\x00\x02\x01\x00", 7);
    cr_assert_neq(flow_look(fd), 0);
    desk_close(fd);
    read_from(&memory[0], -1, GET("/users/7"));
    write_to(&memory[0], -1, OK_EMPTY);
    assert_no_figures(1, 1);
}

Test(session, a_request_without_an_fd)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    read_from(key, -1, GET("/a") GET("/b"));
    write_to(key, -1, OK_OF(10));
    desk_write_bytes(fd, HELLO, sizeof HELLO - 1);
    struct session session = known(key, true, -1);
    session_wrote_unseen(&session, 10);
    write_to(key, -1, NOT_FOUND);
    session_freed(key);
    desk_close(fd);
    assert_ended("a GET 200 done\nb GET 404 done\n");
    assert_no_figures(2, 2);
}

Test(session, two_at_once_keep_their_requests_apart)
{
    int fd = desk_accept(), other = desk_accept();
    handshake(&memory[0], fd), handshake(&memory[1], other), handshake(&memory[2], -1);
    read_from(&memory[0], fd, "GET /a HT");
    read_from(&memory[1], other, "GET /b HT");
    read_from(&memory[2], -1, "GET /c HT");
    read_from(&memory[0], fd, "TP/1.1\r\n\r\n");
    read_from(&memory[1], other, "TP/1.1\r\n\r\n");
    read_from(&memory[2], -1, "TP/1.1\r\n\r\n");
    write_to(&memory[2], -1, OK_EMPTY);
    write_to(&memory[0], fd, NOT_FOUND);
    desk_close(other);
    assert_ended("c GET 200 done\na GET 404 done\nb GET 0 aborted\n");
}

Test(session, the_clients_are_not_followed)
{
    session_made(&memory[0]);
    struct session session = known(&memory[0], false, -1);
    session_wrote(&session, GET("/a"), sizeof GET("/a") - 1);
    session_made(&memory[1]);
    session_pass(&memory[1]);
    read_from(&memory[1], -1, GET("/b"));
    assert_no_figures(0, 0);
}

Test(session, no_fd_of_a_client_is_looked_at)
{
    int fd = desk_accept();
    handshake(&memory[0], fd);
    known(&memory[0], false, fd);
    handshake(&memory[1], -1);
    read_from(&memory[1], fd, GET("/a"));
    write_to(&memory[1], fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
}

Test(session, what_is_closed_first_ends_the_requests)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    read_from(key, fd, GET("/closed"));
    desk_close(fd);
    assert_ended("closed GET 0 aborted\n");
    write_to(key, fd, OK_EMPTY);
    session_freed(key);

    fd = desk_accept();
    handshake(key, fd);
    read_from(key, fd, GET("/freed"));
    session_freed(key);
    desk_close(fd);

    fd = desk_accept();
    handshake(key, fd);
    read_from(key, fd, GET("/shut"));
    session_over(key);
    write_to(key, fd, OK_EMPTY);
    session_freed(key);
    desk_close(fd);

    handshake(key, -1);
    read_from(key, -1, GET("/alone"));
    session_freed(key);
    assert_ended("closed GET 0 aborted\nfreed GET 0 aborted\nshut GET 0 aborted\n"
                 "alone GET 0 aborted\n");
    assert_no_figures(4, 4);
}

Test(session, a_client_that_is_gone)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    read_from(key, fd, GET("/hung-up"));
    desk_client_leaves(fd);
    session_freed(key);
    desk_close(fd);

    fd = desk_accept();
    handshake(key, fd);
    read_from(key, fd, GET("/end-of-file"));
    flow_client_gone(flow_look(fd), fd);
    desk_close(fd);
    session_freed(key);

    handshake(key, -1);
    read_from(key, -1, GET("/told"));
    client_leaves(key);
    session_freed(key);
    assert_ended("hung-up GET 499 aborted\nend-of-file GET 499 aborted\ntold GET 499 aborted\n");
    assert_no_figures(3, 3);
}

Test(session, what_the_library_had_read_before_the_end_still_counts)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    read_from(key, fd, GET("/a"));
    flow_client_gone(flow_look(fd), fd);
    read_from(key, fd, GET("/b"));
    write_to(key, fd, OK_EMPTY OK_EMPTY);

    handshake(&memory[1], -1);
    read_from(&memory[1], -1, GET("/c"));
    client_leaves(&memory[1]);
    read_from(&memory[1], -1, GET("/d"));
    write_to(&memory[1], -1, OK_EMPTY OK_EMPTY);
    assert_ended("a GET 200 done\nb GET 200 done\nc GET 200 done\nd GET 200 done\n");
}

Test(session, shutdown_of_the_fd_ends_the_requests)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    read_from(key, fd, GET("/a"));
    flow_shutting(flow_look(fd), fd);
    write_to(key, fd, OK_EMPTY);
    assert_ended("a GET 0 aborted\n");
    cr_assert_neq(flow_look(fd), 0);
}

Test(session, one_after_the_other_on_one_fd)
{
    int fd = desk_accept();
    for (int i = 0; i < 3; i++) {
        const void *key = handshake(&memory[i], i == 0 ? fd : -1);
        read_from(key, fd, GET("/a") "GET /unfinished");
        write_to(key, fd, OK_EMPTY);
        session_over(key);
        session_freed(key);
    }
    desk_close(fd);
    assert_ended("a GET 200 done\na GET 200 done\na GET 200 done\n");
    assert_no_figures(3, 3);
}

Test(session, a_second_one_on_an_fd_is_on_its_own)
{
    int fd = desk_accept();
    handshake(&memory[0], fd);
    read_from(&memory[0], fd, HELLO);
    handshake(&memory[1], -1);
    read_from(&memory[1], fd, GET("/inner"));
    write_to(&memory[1], fd, OK_EMPTY);
    assert_ended("inner GET 200 done\n");
    session_freed(&memory[1]);
    session_freed(&memory[0]);
    desk_close(fd);
    cr_assert_eq(count_lines(desk_sent(1, 1), "app.stats_hero.not_http:1|m", ""), 1);
}

Test(session, an_address_that_is_used_again)
{
    const void *key = handshake(&memory[0], -1);
    session_pass(key);
    handshake(key, -1); /* its end was not seen */
    read_from(key, -1, GET("/a"));
    write_to(key, -1, OK_EMPTY);
    read_from(key, -1, GET("/left"));
    handshake(key, -1);
    read_from(key, -1, GET("/b"));
    write_to(key, -1, OK_EMPTY);
    assert_ended("a GET 200 done\nleft GET 0 aborted\nb GET 200 done\n");
}

Test(session, plaintext_that_is_not_http)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    read_from(key, fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    read_from(key, fd, GET("/a"));
    write_to(key, fd, OK_EMPTY);
    session_freed(key);
    desk_close(fd);
    handshake(key, -1);
    write_to(key, -1, "220 mail.example ESMTP\r\n");
    read_from(key, -1, GET("/a"));
    session_freed(key);
    desk_serve(GET("/b"));
    cr_assert_eq(count_lines(desk_sent(1, 1), "app.stats_hero.not_http:2|m", ""), 1);
}

Test(session, plain_bytes_before_the_handshake)
{
    int fd = desk_accept();
    desk_read(fd, "GET /unfinished");
    const void *key = handshake(&memory[0], -1);
    read_from(key, fd, GET("/a"));
    write_to(key, fd, OK_EMPTY);
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    desk_close(fd);
    assert_no_figures(1, 1);
}

Test(session, copies_of_its_fd)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    int copy = dup(fd);
    flow_duplicated(flow_look(fd), copy);
    read_from(key, fd, GET("/a"));
    desk_close(fd);
    assert_ended("");
    write_to(key, copy, OK_EMPTY);
    read_from(key, copy, GET("/b"));
    desk_close(copy);
    assert_ended("a GET 200 done\nb GET 0 aborted\n");
}

Test(session, the_fd_whose_ciphertext_passes_within_the_call)
{
    int fd = desk_accept(), other = desk_accept();
    handshake(&memory[0], fd);
    handshake(&memory[1], other);
    session_call();
    desk_read_bytes(fd, HELLO, sizeof HELLO - 1);
    desk_write_bytes(fd, HELLO, sizeof HELLO - 1);
    read_from(&memory[0], -1, GET("/linked"));
    session_call();
    desk_read_bytes(fd, HELLO, sizeof HELLO - 1);
    desk_read_bytes(other, HELLO, sizeof HELLO - 1);
    read_from(&memory[1], -1, GET("/several"));
    session_call();
    read_from(handshake(&memory[2], -1), -1, GET("/none"));
    desk_close(fd);
    desk_close(other);
    assert_ended("linked GET 0 aborted\n");
    write_to(&memory[1], -1, OK_EMPTY);
    write_to(&memory[2], -1, OK_EMPTY);
    assert_ended("linked GET 0 aborted\nseveral GET 200 done\nnone GET 200 done\n");
}

Test(session, only_wanted_ports)
{
    desk.service.config.listen_ports = BYTES("1");
    flow_begin(&desk.service.config);
    int fd = desk_accept();
    read_from(handshake(&memory[0], fd), fd, GET("/a"));
    read_from(handshake(&memory[1], -1), -1, GET("/a"));
    assert_no_figures(0, 0);
}

Test(session, a_missed_report_gives_it_up)
{
    int fd = desk_accept();
    const void *key = handshake(&memory[0], fd);
    read_from(key, fd, GET("/a"));
    flow_missed(flow_look(fd));
    write_to(key, fd, OK_EMPTY);
    assert_ended("a GET 0 aborted\n");
    session_freed(key);
    handshake(key, -1);
    read_from(key, -1, GET("/b"));
    flow_missed(known(key, true, -1).word);
    write_to(key, -1, OK_EMPTY);
    assert_ended("a GET 0 aborted\nb GET 0 aborted\n");
}

static void in_child(const void *key, int fd)
{
    process_begin();
    monitor_forked();
    write_to(key, fd, OK_EMPTY);
    read_from(key, fd, GET("/in-child"));
    write_to(key, fd, OK_EMPTY);
    session_freed(key);
    monitor_end(SERVICE_PATIENCE_NS);
    _exit(0);
}

static void fork_with(const void *key, int fd)
{
    int status;
    service_settle();
    pid_t child = fork();
    if (child == 0)
        in_child(key, fd);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

Test(session, a_child_goes_on_with_idle_ones)
{
    int fd = desk_accept();
    read_from(handshake(&memory[0], fd), fd, GET("/a"));
    write_to(&memory[0], fd, OK_EMPTY);
    read_from(handshake(&memory[1], -1), -1, GET("/b"));
    assert_ended("a GET 200 done\n");
    fork_with(&memory[0], fd);
    fork_with(&memory[1], -1);
    write_to(&memory[1], -1, OK_EMPTY);
    assert_ended("a GET 200 done\nin-child GET 200 done\nb GET 200 done\n");
}
