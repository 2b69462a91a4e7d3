#include <criterion/criterion.h>
#include <sys/wait.h>

#include "flow/conn.h"
#include "service.h"
#include "threads.h"

static struct service service;

static void begin(void)
{
    service_begin(&service);
}

TestSuite(conn, .init = begin, .timeout = 60);

Test(conn, made_with_one_fd)
{
    uint64_t word = conn_make();
    cr_assert_neq(word, 0);
    struct conn *conn = conn_enter(word);
    cr_assert_not_null(conn);
    cr_assert_eq(conn, conn_of(word));
    cr_assert_eq(conn->fds, 1);
    cr_assert_null(conn->oldest);
    cr_assert(http1_request_idle(&conn->request) && http1_response_idle(&conn->response));
    conn_leave(conn);
}

Test(conn, an_ended_one_is_not_entered)
{
    uint64_t word = conn_make();
    conn_end(conn_enter(word));
    cr_assert_null(conn_enter(word));
}

Test(conn, its_memory_begins_anew_under_another_generation)
{
    uint64_t former = conn_make();
    struct conn *conn = conn_enter(former);
    conn->requests_over = conn->client_gone = conn->served = true;
    conn->apart = CONN_MISSED;
    conn->pending = 9;
    conn->began_ns = conn->wrote_ns = 7;
    conn_end(conn);
    uint64_t word = conn_make();
    cr_assert_eq(conn_of(word), conn_of(former));
    cr_assert_neq(word, former);
    cr_assert_null(conn_enter(former), "a look-up from before meets another connection");
    conn = conn_enter(word);
    cr_assert(!conn->requests_over && !conn->client_gone && !conn->served && !conn->apart);
    cr_assert_eq(conn->pending + conn->began_ns + conn->wrote_ns, 0);
}

Test(conn, one_that_is_held_is_waited_for_not_for_ever)
{
    uint64_t word = conn_make();
    struct conn *conn = conn_enter(word);
    cr_assert_null(conn_enter(word));
    cr_assert_eq(conn->apart, 1, "what was not looked at is missed");
    conn_leave(conn);
    cr_assert_eq(conn_enter(word), conn);
}

Test(conn, miss)
{
    uint64_t word = conn_make();
    conn_miss(word);
    cr_assert_eq(conn_of(word)->apart, 1);
}

/* What a forked child finds; 0 if that is as it should be. */
static int adopts(uint64_t word, uint32_t apart)
{
    process_begin();
    monitor_forked();
    struct conn *conn = conn_enter(word);
    if (conn == NULL || conn->apart != apart || conn->oldest != NULL || conn->pending != 0)
        return 1;
    conn_leave(conn);
    return conn->epoch == process.epoch ? 0 : 2;
}

static void assert_adopted(uint64_t word, uint32_t apart)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(adopts(word, apart));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

Test(conn, a_forked_child_goes_on_with_an_idle_one)
{
    assert_adopted(conn_make(), 0);
}

Test(conn, a_forked_child_gives_up_one_with_a_request_under_way)
{
    uint64_t word = conn_make();
    struct conn *conn = conn_enter(word);
    conn->oldest = conn->newest = worker_make(1);
    conn->pending = 1;
    conn_leave(conn);
    assert_adopted(word, 1);
}

Test(conn, a_forked_child_gives_up_half_a_request)
{
    uint64_t word = conn_make();
    struct http1_event event;
    struct conn *conn = conn_enter(word);
    http1_request_feed(&conn->request, "GET", 3, http1_id_header(BYTES("x-request-id")), &event);
    conn_leave(conn);
    assert_adopted(word, 1);
}

Test(conn, a_forked_child_enters_what_another_thread_of_its_parents_held)
{
    uint64_t word = conn_make();
    cr_assert_not_null(conn_enter(word));
    assert_adopted(word, 0);
}

static uint64_t shared;
static uint64_t entries;

static void *enter_often(void *nothing)
{
    (void)nothing;
    for (int i = 0; i < 100000; i++) {
        struct conn *conn = conn_enter(shared);
        if (conn == NULL)
            continue;
        entries++;
        conn->pending++;
        conn_leave(conn);
    }
    return NULL;
}

Test(conn, one_thread_at_a_time)
{
    shared = conn_make();
    cr_assert(on_threads(4, enter_often));
    cr_assert_eq(conn_of(shared)->pending, entries);
    cr_assert_gt(entries, 100000u);
}
