#include <criterion/criterion.h>

#include "base/clock.h"
#include "desk.h"

TestSuite(flow, .init = desk_begin, .timeout = 60);

Test(flow, a_request)
{
    int fd = desk_accept();
    desk_read(fd, GET("/users/7"));
    assert_ended("");
    desk_write(fd, OK_EMPTY);
    assert_ended("users GET 200 done\n");
    struct bytes text = desk_sent(1, 1);
    cr_assert_eq(count_lines(text, "app.application.byRequestType.users.GET:1|m", ""), 1);
    cr_assert_eq(count_lines(text, "app.host.byStatusCode.200:1|m", ""), 1);
}

Test(flow, keep_alive)
{
    int fd = desk_accept();
    for (int i = 0; i < 3; i++) {
        desk_read(fd, GET("/a"));
        desk_write(fd, i == 1 ? NOT_FOUND : OK_EMPTY);
    }
    desk_close(fd);
    assert_ended("a GET 200 done\na GET 404 done\na GET 200 done\n");
    desk_sent(3, 3);
}

Test(flow, pipelining)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a") GET("/b") GET("/c"));
    desk_write(fd, NOT_FOUND OK_OF(5) "hel");
    assert_ended("a GET 404 done\n");
    desk_write(fd, "lo" OK_EMPTY);
    assert_ended("a GET 404 done\nb GET 200 done\nc GET 200 done\n");
    desk_sent(3, 3);
}

Test(flow, byte_by_byte)
{
    static const char request[] = "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    static const char response[] =
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    int fd = desk_accept();
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof request - 1; i++)
            desk_read_bytes(fd, request + i, 1);
        for (size_t i = 0; i < sizeof response - 1; i++)
            desk_write_bytes(fd, response + i, 1);
    }
    assert_ended("a POST 201 done\na POST 201 done\n");
    desk_sent(2, 2);
}

Test(flow, vectors_count_as_far_as_they_were_filled)
{
    int fd = desk_accept();
    char request[] = GET("/a"), response[] = OK_OF(3) "abc", rest[] = GET("/never-read");
    struct iovec in[] = {
        {request, 4}, {NULL, 0}, {request + 4, sizeof request - 5}, {rest, sizeof rest - 1}};
    flow_read_pieces(flow_look(fd), fd, in, 4, sizeof request - 1);
    struct iovec out[] = {{response, 20}, {response + 20, sizeof response - 21}, {response, 20}};
    flow_wrote_pieces(flow_look(fd), fd, out, 3, sizeof response - 1);
    assert_ended("a GET 200 done\n");
    desk_sent(1, 1);
}

Test(flow, sendfile_in_ten_pieces_ends_at_the_tenth)
{
    int fd = desk_accept();
    desk_read(fd, GET("/file"));
    desk_write(fd, OK_OF(1000));
    for (int i = 0; i < 9; i++)
        desk_send_file(fd, 100);
    assert_ended("");
    desk_send_file(fd, 100);
    assert_ended("file GET 200 done\n");
    desk_read(fd, GET("/next"));
    desk_write(fd, OK_EMPTY);
    assert_ended("file GET 200 done\nnext GET 200 done\n");
    desk_sent(2, 2);
}

Test(flow, chunks_sent_unseen)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_write(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n");
    desk_send_file(fd, 60);
    desk_send_file(fd, 40);
    desk_write(fd, "\r\n0\r\n\r\n");
    assert_ended("a GET 200 done\n");
}

Test(flow, a_head_sent_unseen_gives_the_connection_up)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_send_file(fd, 100);
    cr_assert_eq(flow_look(fd), 0);
    assert_ended("a GET 0 aborted\n");
    cr_assert_eq(count_lines(desk_sent(1, 1), "app.stats_hero.lost:1|m", ""), 1);
}

Test(flow, a_head_sent_unseen_does_not_have_the_status_before_it)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a") GET("/b"));
    desk_write(fd, OK_EMPTY);
    desk_send_file(fd, 50);
    assert_ended("a GET 200 done\nb GET 0 aborted\n");
}

Test(flow, a_body_read_unseen)
{
    int fd = desk_accept();
    desk_read(fd, "PUT /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n0123456789");
    flow_read_unseen(flow_look(fd), fd, 990);
    desk_write(fd, OK_EMPTY);
    desk_read(fd, GET("/b"));
    desk_write(fd, OK_EMPTY);
    assert_ended("a PUT 200 done\nb GET 200 done\n");
}

Test(flow, a_body_until_the_connection_is_closed)
{
    int fd = desk_accept();
    desk_read(fd, "GET /a HTTP/1.0\r\n\r\n");
    desk_write(fd, "HTTP/1.0 200 OK\r\n\r\n");
    desk_write(fd, "body");
    desk_send_file(fd, 4096);
    assert_ended("");
    desk_close(fd);
    assert_ended("a GET 200 done\n");
    desk_sent(1, 1);
}

Test(flow, a_body_until_the_sending_side_is_shut)
{
    int fd = desk_accept();
    desk_read(fd, "GET /a HTTP/1.0\r\n\r\n");
    desk_write(fd, "HTTP/1.0 200 OK\r\n\r\nbody");
    flow_shutting(flow_look(fd), fd);
    assert_ended("a GET 200 done\n");
    cr_assert_eq(flow_look(fd), 0);
    desk_sent(1, 1);
}

Test(flow, interim_responses_end_nothing)
{
    int fd = desk_accept();
    desk_read(fd, "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    desk_write(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    desk_read(fd, "hi");
    desk_write(fd, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    assert_ended("");
    desk_write(fd, OK_EMPTY);
    assert_ended("a PUT 200 done\n");
}

/* What the method means for the response is known wherever the request's line was split. */
Test(flow, a_method_in_pieces_is_the_same_method)
{
    static const char request[] = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n";
    size_t requests = 0;
    for (size_t first = 1; first < sizeof request - 1; first++) {
        int fd = desk_accept();
        desk_read(fd, GET("/b"));
        desk_write(fd, OK_EMPTY);
        desk_read_bytes(fd, request, first);
        desk_read_bytes(fd, request + first, sizeof request - 1 - first);
        desk_write(fd, OK_OF(5));
        desk_read(fd, GET("/c"));
        desk_write(fd, NOT_FOUND);
        desk_close(fd);
        desk_client_leaves(fd);
        requests += 3;
    }
    struct bytes text = desk_sent(requests, requests);
    cr_assert_eq(count_lines(text, "app.application.byRequestType.a.HEAD:1|m", ""), requests / 3);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.404:1|m", ""), requests / 3);
}

/* As the line before the rest, so is one that is answered before it has ended. */
Test(flow, a_head_request_refused_inside_its_line)
{
    int fd = desk_accept();
    desk_read(fd, "HEAD /a");
    desk_write(fd, "HTTP/1.1 414 URI Too Long\r\nContent-Length: 5\r\n\r\n");
    assert_ended("a HEAD 414 done\n");
    desk_sent(1, 1);
}

Test(flow, responses_without_a_body)
{
    int fd = desk_accept();
    desk_read(fd, "HEAD /a HTTP/1.1\r\n\r\n" GET("/b") GET("/c"));
    desk_write(fd, OK_OF(612));
    desk_write(fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 612\r\n\r\n");
    desk_write(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_ended("a HEAD 200 done\nb GET 304 done\nc GET 204 done\n");
}

Test(flow, an_upgrade_ends_the_request_and_is_followed_no_more)
{
    int fd = desk_accept();
    desk_read(fd, "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    desk_write(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    cr_assert_eq(flow_look(fd), 0);
    assert_ended("chat GET 101 done\n");
    desk_sent(1, 1);
}

Test(flow, the_client_goes_before_the_response)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a") GET("/b"));
    flow_client_gone(flow_look(fd), fd);
    desk_close(fd);
    assert_ended("a GET 499 aborted\nb GET 499 aborted\n");
    desk_sent(2, 2);
}

Test(flow, that_the_client_has_gone_is_seen_at_the_close)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_client_leaves(fd);
    desk_close(fd);
    assert_ended("a GET 499 aborted\n");
}

Test(flow, that_the_client_has_gone_is_seen_when_the_sending_side_is_shut)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_client_leaves(fd);
    flow_shutting(flow_look(fd), fd);
    assert_ended("a GET 499 aborted\n");
}

Test(flow, a_client_that_has_gone_may_be_answered)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    flow_client_gone(flow_look(fd), fd);
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
}

Test(flow, half_a_head_of_a_client_that_has_gone_may_be_answered)
{
    int fd = desk_accept();
    desk_read(fd, "GET /a HTTP/1.0\r\nHost");
    flow_client_gone(flow_look(fd), fd);
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    cr_assert_eq(count_lines(desk_sent(1, 1), "app.stats_hero", ""), 0);
}

Test(flow, the_server_closes_without_a_response)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_close(fd);
    assert_ended("a GET 0 aborted\n");
    desk_sent(1, 1);
}

Test(flow, closed_inside_a_response)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a") GET("/b"));
    desk_write(fd, OK_OF(1000) "only a part");
    desk_close(fd);
    assert_ended("a GET 200 aborted\nb GET 0 aborted\n");
    desk_sent(2, 2);
}

Test(flow, closed_after_an_interim_response)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_write(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    desk_close(fd);
    assert_ended("a GET 0 aborted\n");
}

Test(flow, half_a_head_is_no_request)
{
    int fd = desk_accept();
    desk_read(fd, "GET /a HTTP/1.1\r\nHost: h\r\n");
    desk_close(fd);
    assert_ended("");
    desk_sent(0, 0);
}

#define BAD_REQUEST "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n"

Test(flow, refused_before_the_head_is_complete)
{
    int fd = desk_accept();
    desk_read(fd, "GET /a HTTP/1.1\r\nX-Large: aaaaaaaaaa");
    desk_write(fd, BAD_REQUEST);
    assert_ended("a GET 400 done\n");
    desk_read(fd, "aaa\r\n\r\n" GET("/rest"));
    desk_write(fd, BAD_REQUEST);
    desk_close(fd);
    assert_ended("a GET 400 done\n");
    desk_sent(1, 1);
}

Test(flow, refused_inside_the_request_line)
{
    int fd = desk_accept();
    desk_read(fd, "GET /a/very/long/on");
    desk_write(fd, BAD_REQUEST BAD_REQUEST);
    assert_ended("a GET 400 done\n");
    cr_assert_eq(flow_look(fd), 0);
    desk_sent(1, 1);
}

Test(flow, refused_before_the_request_line_could_be_one)
{
    int fd = desk_accept();
    desk_read(fd, "GE");
    desk_write(fd, BAD_REQUEST);
    assert_ended("");
    desk_serve(GET("/b"));
    cr_assert_eq(count_lines(desk_sent(1, 1), "app.stats_hero.not_http:1|m", ""), 1);
}

Test(flow, an_idle_client_is_told_of_its_timeout)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_write(fd, OK_EMPTY);
    desk_write(fd, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    desk_close(fd);
    assert_ended("a GET 200 done\n");
    desk_sent(1, 1);
}

Test(flow, ids_of_the_clients_and_of_ours)
{
    int fd = desk_accept();
    desk_read(fd, "GET /a HTTP/1.1\r\nx-REQUEST-id: from-client\r\n\r\n");
    desk_write(fd, OK_EMPTY);
    desk_read(fd, GET("/b"));
    desk_write(fd, OK_EMPTY);
    struct bytes rest = service_journal(&desk.service);
    cr_assert(
        bytes_equal(desk_value(bytes_cut(&rest, '\n'), "\"request_id\":\""), BYTES("from-client")));
    cr_assert_eq(desk_value(bytes_cut(&rest, '\n'), "\"request_id\":\"").n, 32);
}

Test(flow, more_requests_than_can_wait)
{
    int fd = desk_accept();
    for (int i = 0; i < 4096; i++)
        desk_read(fd, GET("/a"));
    cr_assert_neq(flow_look(fd), 0);
    desk_read(fd, GET("/a"));
    cr_assert_eq(flow_look(fd), 0, "it is given up");
    struct bytes text = desk_sent(4096, 4096);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.0:1|m", ""), 4096);
    cr_assert_eq(count_lines(text, "app.stats_hero.lost:1|m", ""), 1);
}

Test(flow, as_many_requests_as_can_wait_are_answered)
{
    int fd = desk_accept();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4096; i++)
            desk_read(fd, GET("/a"));
        for (int i = 0; i < 4096; i++)
            desk_write(fd, OK_EMPTY);
    }
    struct bytes text = desk_sent(8192, 8192);
    cr_assert_eq(count_lines(text, "app.application.byStatusCode.200:1|m", ""), 8192);
}

Test(flow, the_time_is_from_the_first_byte_to_the_last)
{
    int fd = desk_accept();
    uint64_t began = clock_now_ns();
    desk_read(fd, "GET /a HT");
    struct pollfd nothing = {-1, 0, 0};
    poll(&nothing, 1, 30);
    desk_read(fd, "TP/1.1\r\n\r\n");
    desk_write(fd, OK_OF(1));
    poll(&nothing, 1, 30);
    desk_write(fd, "x");
    uint64_t took_us = (clock_now_ns() - began) / 1000, told_us;
    struct bytes line = service_journal(&desk.service);
    cr_assert_eq(bytes_to_u64(desk_value(line, "\"req_time_us\":"), &told_us), 0);
    cr_assert(told_us >= 60000 && told_us <= took_us, "%lu of %lu us", told_us, took_us);
}
