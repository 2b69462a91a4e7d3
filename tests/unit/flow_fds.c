#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include "desk.h"
#include "threads.h"

/* What fds do to connections: copies, closes, forks, ports, and reports that could not be made. */

TestSuite(flow_fds, .init = desk_begin, .timeout = 60);

static void assert_figure(struct bytes text, const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "app.stats_hero.%s:1|m", name);
    cr_assert_eq(count_lines(text, line, ""), 1, "%s", line);
}

Test(flow_fds, unknown_fds_are_not_followed)
{
    cr_assert_eq(flow_look(5), 0);
    cr_assert_eq(flow_look(-1), 0);
    int fd = desk_accept();
    cr_assert_neq(flow_look(fd), 0);
    desk_close(fd);
    cr_assert_eq(flow_look(fd), 0);
}

Test(flow_fds, what_is_not_http_is_forgotten_at_once)
{
    int fd = desk_accept();
    desk_read_bytes(fd, "\x16\x03\x01\x02\x00\x01\x00", 7);
    cr_assert_eq(flow_look(fd), 0);
    desk_serve(GET("/a"));
    assert_figure(desk_sent(1, 1), "not_http");
}

Test(flow_fds, a_server_that_speaks_first_is_not_http)
{
    int fd = desk_accept();
    desk_write(fd, "220 mail.example ESMTP\r\n");
    cr_assert_eq(flow_look(fd), 0);
    desk_serve(GET("/a"));
    assert_figure(desk_sent(1, 1), "not_http");
}

Test(flow_fds, noise_after_requests_leaves_those_that_are_open)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a") "\x01\x02\x03\r\n");
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    cr_assert_eq(flow_look(fd), 0);
    cr_assert_eq(count_lines(desk_sent(1, 1), "app.stats_hero", ""), 0);
}

Test(flow_fds, a_response_that_is_none_gives_the_connection_up)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_write(fd, "hello\r\n");
    cr_assert_eq(flow_look(fd), 0);
    assert_ended("a GET 0 aborted\n");
    assert_figure(desk_sent(1, 1), "lost");
}

/* A copy of `fd` as dup makes it. */
static int duplicate(int fd)
{
    int copy = dup(fd);
    flow_duplicated(flow_look(fd), copy);
    return copy;
}

Test(flow_fds, a_copy_leads_to_the_same_connection)
{
    int fd = desk_accept(), copy = duplicate(fd);
    desk_read(fd, GET("/a"));
    desk_write(copy, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    cr_assert_eq(flow_look(copy), flow_look(fd));
}

/* No system lets every process have them: here they are numbers only. */
Test(flow_fds, numbers_up_to_the_kernels_most)
{
    static const int fds[] = {1000000, 1000001, 1048575, 1 << 20, (1 << 30) - 1};
    char expected[256] = "";
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        flow_accepted(fds[i]);
        desk_read(fds[i], GET("/high"));
    }
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        desk_write(fds[i], OK_EMPTY);
        strcat(expected, "high GET 200 done\n");
    }
    assert_ended(expected);
    flow_duplicated(flow_look(fds[0]), fds[4] - 1);
    flow_closing(flow_look(fds[0]), fds[0]);
    desk_read(fds[4] - 1, GET("/copy"));
    desk_write(fds[4] - 1, OK_EMPTY);
    strcat(expected, "copy GET 200 done\n");
    assert_ended(expected);
    for (int fd; (fd = fdtable_next(100000, ~0u)) >= 0;)
        flow_closing(flow_look(fd), fd);
    assert_ended(expected);
}

Test(flow_fds, a_connection_ends_with_its_last_fd)
{
    int fd = desk_accept(), copy = duplicate(fd);
    desk_read(fd, GET("/a"));
    desk_close(fd);
    assert_ended("");
    desk_write(copy, OK_EMPTY);
    desk_read(copy, GET("/b"));
    desk_close(copy);
    assert_ended("a GET 200 done\nb GET 0 aborted\n");
    desk_sent(2, 2);
}

Test(flow_fds, a_copy_over_another_connection_ends_that_one)
{
    int fd = desk_accept(), other = desk_accept();
    desk_read(other, GET("/other"));
    cr_assert_eq(dup2(fd, other), other);
    flow_duplicated(flow_look(fd), other);
    assert_ended("other GET 0 aborted\n");
    desk_read(other, GET("/a"));
    desk_write(fd, OK_EMPTY);
    assert_ended("other GET 0 aborted\na GET 200 done\n");
}

Test(flow_fds, a_copy_of_an_unknown_fd_ends_what_was_there)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    flow_duplicated(0, fd);
    cr_assert_eq(flow_look(fd), 0);
    assert_ended("a GET 0 aborted\n");
}

Test(flow_fds, copies_of_what_was_given_up_forget_it_when_they_are_used)
{
    int fd = desk_accept(), copy = duplicate(fd);
    desk_read_bytes(fd, "\x16\x03\x01", 3);
    cr_assert_eq(flow_look(fd), 0);
    cr_assert_neq(flow_look(copy), 0);
    desk_read(copy, GET("/a"));
    cr_assert_eq(flow_look(copy), 0);
    desk_sent(0, 0);
}

Test(flow_fds, an_fd_that_was_closed_unseen_begins_anew)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    flow_accepted(fd);
    assert_ended("a GET 0 aborted\n");
    desk_read(fd, GET("/b"));
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 0 aborted\nb GET 200 done\n");
}

Test(flow_fds, a_word_from_before_the_close_is_nobodys)
{
    static char request[] = GET("/late");
    struct iovec vector = {request, sizeof request - 1};
    int fd = desk_accept();
    uint64_t former = flow_look(fd);
    desk_close(fd);
    flow_accepted(fd);
    uint64_t present = flow_look(fd);
    cr_assert_neq(present, former);
    flow_read_pieces(former, fd, &vector, 1, sizeof request - 1);
    flow_wrote_pieces(former, fd, &vector, 1, sizeof request - 1);
    flow_client_gone(former, fd);
    flow_shutting(former, fd);
    flow_closing(former, fd);
    cr_assert_eq(flow_look(fd), present, "the new connection is not touched");
    desk_read(fd, GET("/a"));
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    desk_sent(1, 1);
}

Test(flow_fds, a_missed_report_gives_the_connection_up)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    flow_missed(flow_look(fd));
    desk_write(fd, OK_EMPTY);
    cr_assert_eq(flow_look(fd), 0);
    assert_ended("a GET 0 aborted\n");
    assert_figure(desk_sent(1, 1), "lost");
}

Test(flow_fds, a_missed_report_on_an_idle_connection_loses_no_request)
{
    int fd = desk_accept();
    flow_missed(flow_look(fd));
    desk_read(fd, GET("/a"));
    cr_assert_eq(flow_look(fd), 0);
    cr_assert_eq(count_lines(desk_sent(0, 0), "app.stats_hero", ""), 0);
}

/* A forked child in which `serve` is run, and everything sent. */
static void in_child(void (*serve)(int fd), int fd)
{
    int status;
    service_settle();
    pid_t child = fork();
    if (child == 0) {
        process_begin();
        monitor_forked();
        serve(fd);
        monitor_end(SERVICE_PATIENCE_NS);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

static void serve_one(int fd)
{
    desk_read(fd, GET("/in-child"));
    desk_write(fd, OK_EMPTY);
    desk_close(fd);
}

Test(flow_fds, a_child_goes_on_with_an_idle_connection)
{
    int fd = desk_accept();
    in_child(serve_one, fd);
    assert_ended("in-child GET 200 done\n");
    desk_sent(1, 1);
}

Test(flow_fds, a_child_goes_on_between_two_requests)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    in_child(serve_one, fd);
    assert_ended("a GET 200 done\nin-child GET 200 done\n");
    desk_sent(2, 2);
}

static void answer(int fd)
{
    desk_write(fd, OK_EMPTY);
    serve_one(fd);
}

Test(flow_fds, a_request_under_way_is_the_parents_to_tell)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    in_child(answer, fd);
    assert_ended("");
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    desk_sent(1, 1);
}

static void close_only(int fd)
{
    desk_close(fd);
}

Test(flow_fds, a_child_that_closes_its_copy_ends_nothing)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    in_child(close_only, fd);
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
    desk_sent(1, 1);
}

/* As in a vfork child: the memory is shared, the fds are not. */
Test(flow_fds, another_process_in_our_memory_closes_nothing)
{
    int fd = desk_accept();
    desk_read(fd, GET("/a"));
    process.pid++;
    flow_closing(flow_look(fd), fd);
    flow_duplicated(0, fd);
    process.pid--;
    cr_assert_neq(flow_look(fd), 0);
    desk_write(fd, OK_EMPTY);
    assert_ended("a GET 200 done\n");
}

static int shared_fd;

static void *read_request(void *nothing)
{
    (void)nothing;
    desk_read(shared_fd, GET("/a"));
    return NULL;
}

static void *write_head_and_die(void *nothing)
{
    (void)nothing;
    desk_write(shared_fd, OK_OF(2));
    return NULL;
}

Test(flow_fds, a_thread_that_dies_with_its_request)
{
    shared_fd = desk_accept();
    cr_assert(on_threads(1, read_request));
    desk_write(shared_fd, OK_EMPTY);
    assert_ended("a GET 0 down\n");
    desk_read(shared_fd, GET("/b"));
    desk_write(shared_fd, OK_EMPTY);
    assert_ended("a GET 0 down\nb GET 200 done\n");
    assert_figure(desk_sent(2, 1), "down");
}

Test(flow_fds, who_goes_on_with_a_connection_owns_its_request)
{
    pthread_t first;
    shared_fd = desk_accept();
    desk_read(shared_fd, GET("/a"));
    cr_assert_eq(pthread_create(&first, NULL, write_head_and_die, NULL), 0);
    cr_assert_eq(pthread_join(first, NULL), 0);
    desk_write(shared_fd, "hi");
    assert_ended("a GET 0 down\n");
}

/* An accepted TCP connection to a listener on a free port, and that port. */
static int accept_on(int *client, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    *client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(*client, (struct sockaddr *)&address, size), 0);
    int fd = accept(listener, NULL, NULL);
    cr_assert_geq(fd, 0);
    close(listener);
    return fd;
}

Test(flow_fds, only_wanted_ports)
{
    char ports[32];
    uint16_t wanted, unwanted;
    int client[2];
    int a = accept_on(&client[0], &wanted), b = accept_on(&client[1], &unwanted);
    snprintf(ports, sizeof ports, "1, %u,2", wanted);
    desk.service.config.listen_ports = bytes_of(ports);
    flow_begin(&desk.service.config);
    flow_accepted(a);
    flow_accepted(b);
    cr_assert_neq(flow_look(a), 0);
    cr_assert_eq(flow_look(b), 0);
    cr_assert_eq(flow_look(desk_accept()), 0, "a Unix socket has no port");
    desk_read(a, GET("/a"));
    desk_write(a, OK_EMPTY);
    assert_ended("a GET 200 done\n");
}

static void begin_udp(struct receiver *receiver)
{
    service_prepare(&desk.service);
    receiver_udp(receiver);
    desk.service.config.host = bytes_of(receiver->host);
    desk.service.config.port = receiver->port;
    service_start(&desk.service);
    flow_begin(&desk.service.config);
}

/* Over UDP, as sent: one frame with a start and an end. */
Test(flow_frames, read_back, .timeout = 60)
{
    static struct receiver receiver;
    begin_udp(&receiver);
    int fd = desk_accept();
    desk_read(fd, GET("/users/7"));
    desk_write(fd, OK_EMPTY);
    monitor_flush(SERVICE_PATIENCE_NS);
    struct bytes frame = receiver_next(&receiver), lines = frame;
    uint64_t length;
    cr_assert(bytes_equal(bytes_cut(&lines, '|'), BYTES("1")));
    cr_assert_eq(bytes_to_u64(bytes_cut(&lines, '\n'), &length), 0);
    cr_assert_eq(length, lines.n);
    cr_assert_eq(count_lines(lines, "app.", ""), 8);
    cr_assert_eq(count_lines(lines, "", ""), 8);
    cr_assert_eq(lines.at[lines.n - 1], '\n');
}
