/*
 * Every stream of tests/corpus/http1 (and some too long to be files) gives its expected events when
 * fed whole, split in two at every point, byte by byte, and, if short, split in three at every pair
 * of points; looked at in either width. Each piece ends where an inaccessible page begins.
 */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http1_events.h"

/* Streams up to this size are split at every pair of points. */
#define SHORT_BYTES 128

enum direction { REQUEST, RESPONSE };

struct stream {
    const char *name;
    enum direction direction;
    struct bytes methods;
    struct bytes bytes;
    const char *expected;
};

/* `n` bytes that end where the process may not read; each call takes the place of the one before.
 */
static const char *guarded(struct bytes piece)
{
    static char *end;
    static const size_t room = 1 << 18;
    if (end == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *at =
            mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        cr_assert(at != MAP_FAILED);
        cr_assert(mprotect(at + room, page, PROT_NONE) == 0);
        end = at + room;
    }
    cr_assert(piece.n <= room);
    return piece.n > 0 ? memcpy(end - piece.n, piece.at, piece.n) : end;
}

/* The events of a stream that comes in pieces that end at `cuts` (rising, `n` of them) and its end.
 */
static const char *events_of(const struct stream *stream, const size_t *cuts, size_t n)
{
    static char text[EVENTS_BYTES];
    struct request_run request = {.events.out = writer_on(text, sizeof text - 1)};
    struct response_run response = {.methods = stream->methods, .events.out = request.events.out};
    size_t from = 0;
    for (size_t i = 0; i <= n; i++) {
        size_t to = i < n ? cuts[i] : stream->bytes.n;
        const char *piece = guarded((struct bytes){stream->bytes.at + from, to - from});
        if (stream->direction == REQUEST)
            request_piece(&request, piece, to - from);
        else
            response_piece(&response, piece, to - from);
        from = to;
    }
    if (stream->direction == REQUEST)
        request_finish(&request);
    else
        response_finish(&response);
    struct writer *out = stream->direction == REQUEST ? &request.events.out : &response.events.out;
    cr_assert(!out->full);
    text[out->n] = '\0';
    return text;
}

static void check(const struct stream *stream, const size_t *cuts, size_t n)
{
    const char *events = events_of(stream, cuts, n);
    if (strcmp(events, stream->expected) != 0)
        cr_assert_fail("%s: %zu cuts, at %zd and %zd:\n%sbut expected\n%s", stream->name, n,
                       n > 0 ? (ssize_t)cuts[0] : -1, n > 1 ? (ssize_t)cuts[1] : -1, events,
                       stream->expected);
}

static void check_byte_by_byte(const struct stream *stream)
{
    size_t n = stream->bytes.n;
    size_t *cuts = calloc(n + 1, sizeof *cuts);
    for (size_t i = 0; i < n; i++)
        cuts[i] = i;
    check(stream, cuts, n);
    free(cuts);
}

/* Wherever the parser stands: what it lets a caller skip is what it would have taken as data. */
static void check_skips(const struct stream *stream)
{
    static char text[EVENTS_BYTES];
    struct request_run request = {.events.out = writer_on(text, sizeof text)};
    struct response_run response = {.methods = stream->methods, .events.out = request.events.out};
    struct bytes all = stream->bytes;
    for (size_t at = 0; at < all.n; at++) {
        for (size_t n = 1; n <= all.n - at && n <= 64; n++)
            cr_assert(stream->direction == REQUEST
                          ? request_skip_agrees(&request.parser, all.at + at, n)
                          : response_skip_agrees(&response.parser, all.at + at, n),
                      "skip of %zu at %zu", n, at);
        if (stream->direction == REQUEST)
            request_piece(&request, all.at + at, 1);
        else
            response_piece(&response, all.at + at, 1);
    }
}

static void check_splits(const struct stream *stream)
{
    size_t n = stream->bytes.n;
    check(stream, NULL, 0);
    check_byte_by_byte(stream);
    check_skips(stream);
    for (size_t i = 1; i < n; i++)
        check(stream, (size_t[]){i}, 1);
    for (size_t i = 1; i < n && n <= SHORT_BYTES; i++)
        for (size_t j = i + 1; j < n; j++)
            check(stream, (size_t[]){i, j}, 2);
}

static void check_every_split(const struct stream *stream)
{
    for (int wide = 0; wide <= 1; wide++) {
        http1_scan_wide_from_now(wide);
        check_splits(stream);
    }
}

static char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s", path);
    char *text = calloc(1, EVENTS_BYTES);
    *n = fread(text, 1, EVENTS_BYTES - 1, file);
    fclose(file);
    return text;
}

/* A corpus file and the `.events` beside it, which for responses begins with a line of methods. */
static void check_file(enum direction direction, const char *path)
{
    struct stream stream = {.name = path, .direction = direction};
    char beside[1024];
    size_t n;
    snprintf(beside, sizeof beside, "%.*s.events", (int)(strlen(path) - strlen(".txt")), path);
    char *expected = read_file(beside, &n);
    char *bytes = read_file(path, &stream.bytes.n);
    stream.bytes.at = bytes;
    stream.expected = expected;
    if (direction == RESPONSE) {
        struct bytes rest = {expected, n};
        stream.methods = bytes_cut(&rest, '\n');
        bytes_cut(&stream.methods, ' ');
        stream.expected += rest.at - expected;
    }
    check_every_split(&stream);
    free(bytes);
    free(expected);
}

struct path {
    char text[512];
};

/* The corpus lies beside this folder, as the compiler was told this file's name. */
static glob_t find_corpus(const char *direction)
{
    char pattern[512];
    const char *slash = strrchr(__FILE__, '/');
    snprintf(pattern, sizeof pattern, "%.*s/../corpus/http1/%s/*.txt", (int)(slash - __FILE__),
             __FILE__, direction);
    glob_t found = {0};
    glob(pattern, 0, NULL, &found);
    return found;
}

static struct criterion_test_params corpus(const char *direction)
{
    glob_t found = find_corpus(direction);
    size_t n = found.gl_pathc;
    struct path *paths = cr_calloc(n + 1, sizeof *paths);
    for (size_t i = 0; i < n; i++)
        snprintf(paths[i].text, sizeof paths[i].text, "%s", found.gl_pathv[i]);
    globfree(&found);
    return cr_make_param_array(struct path, paths, n);
}

ParameterizedTestParameters(http1, request_corpus)
{
    return corpus("request");
}

ParameterizedTest(const struct path *path, http1, request_corpus)
{
    check_file(REQUEST, path->text);
}

ParameterizedTestParameters(http1, response_corpus)
{
    return corpus("response");
}

ParameterizedTest(const struct path *path, http1, response_corpus)
{
    check_file(RESPONSE, path->text);
}

static size_t corpus_size(const char *direction)
{
    glob_t found = find_corpus(direction);
    globfree(&found);
    return found.gl_pathc;
}

Test(http1, the_corpus_is_found)
{
    cr_assert_geq(corpus_size("request"), 100);
    cr_assert_geq(corpus_size("response"), 60);
}

/* `before`, then `n` times `filling`, then `after`, split at every point. */
static void check_long(enum direction direction, const char *before, char filling, size_t n,
                       const char *after, const char *expected)
{
    size_t room = strlen(before) + n + strlen(after);
    char *at = malloc(room);
    struct writer w = writer_on(at, room);
    put_string(&w, before);
    for (size_t i = 0; i < n; i++)
        put_char(&w, filling);
    put_string(&w, after);
    struct stream stream = {before, direction, {NULL, 0}, {at, w.n}, expected};
    check(&stream, NULL, 0);
    check_byte_by_byte(&stream);
    for (size_t i = 1; i < w.n; i++)
        check(&stream, &i, 1);
    free(at);
}

#define LONG (64 * 1024 + 7)

Test(http1, a_request_header_of_64_kib)
{
    check_long(REQUEST, "POST /a HTTP/1.1\r\nCookie: ", 'x', LONG,
               "\r\nX-Request-Id: 7\r\nContent-Length: 2\r\n\r\nokGET /b HTTP/1.1\r\n\r\n",
               "line POST /a\nid 7\nhead\nline GET /b\nhead\n= idle\n");
}

Test(http1, a_request_header_of_64_kib_of_nul_bytes)
{
    check_long(REQUEST, "GET /a HTTP/1.1\r\nX: ", '\0', LONG, "\r\n\r\n",
               "line GET /a\nhead\n= idle\n");
}

Test(http1, thousands_of_empty_lines_before_a_request)
{
    check_long(REQUEST, "", '\n', 4000, "GET /a HTTP/1.1\n\n", "line GET /a\nhead\n= idle\n");
}

Test(http1, a_response_header_of_64_kib)
{
    check_long(RESPONSE, "HTTP/1.1 200 OK\r\nSet-Cookie: ", 'x', LONG,
               "\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
               "head 200\nend 200\nend 404\n= idle\n");
}

Test(http1, a_reason_of_64_kib)
{
    check_long(RESPONSE, "HTTP/1.1 200 ", 'x', LONG, "\r\nContent-Length: 0\r\n\r\n",
               "end 200\n= idle\n");
}

Test(http1, a_chunk_extension_of_64_kib)
{
    check_long(RESPONSE, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", 'x', LONG,
               "\r\ny\r\n0\r\n\r\n", "head 200\nend 200\n= idle\n");
}

Test(http1, a_trailer_of_64_kib)
{
    check_long(REQUEST, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", 'x', LONG,
               "\r\n\r\nGET /b HTTP/1.1\r\n\r\n", "line POST /\nhead\nline GET /b\nhead\n= idle\n");
}

/* Feeds `text` whole to a parser for a test that goes on by hand. */
static struct http1_request request_after(struct bytes text)
{
    static char out[EVENTS_BYTES];
    struct request_run run = {.events.out = writer_on(out, sizeof out)};
    request_piece(&run, text.at, text.n);
    return run.parser;
}

static struct http1_response response_after(struct bytes text)
{
    static char out[EVENTS_BYTES];
    struct response_run run = {.events.out = writer_on(out, sizeof out)};
    response_piece(&run, text.at, text.n);
    return run.parser;
}

Test(http1, bad_is_final)
{
    struct http1_event event;
    struct http1_request request = request_after(BYTES("\x16\x03"));
    struct bytes good = BYTES("GET / HTTP/1.1\r\n\r\n");
    cr_assert_eq(http1_request_feed(&request, good.at, good.n, http1_id_header(BYTES("x")), &event),
                 good.n);
    cr_assert_eq(event.kind, HTTP1_BAD);
    cr_assert_not(http1_request_idle(&request));
    cr_assert_not(http1_request_partial(&request, &event));
    cr_assert_not(http1_request_skip(&request, 1));

    struct http1_response response = response_after(BYTES("<html>"));
    struct bytes answer = BYTES("HTTP/1.1 204 No\r\n\r\n");
    cr_assert_eq(http1_response_feed(&response, answer.at, answer.n, HTTP1_METHOD_OTHER, &event),
                 answer.n);
    cr_assert_eq(event.kind, HTTP1_BAD);
    cr_assert_not(http1_response_idle(&response));
    cr_assert_eq(http1_response_skip(&response, 1, &event), 1);
    cr_assert_eq(event.kind, HTTP1_BAD);
}

Test(http1, bad_is_told_as_early_as_it_is_certain)
{
    static const char *const streams[] = {"\x16", "\x80", "GE\x01", "GET\r", "GE:", " "};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct http1_request request = request_after(bytes_of(streams[i]));
        cr_assert_not(http1_request_skip(&request, 1));
        struct http1_event event;
        http1_request_feed(&request, "x", 1, http1_id_header(BYTES("")), &event);
        cr_assert_eq(event.kind, HTTP1_BAD, "%zu", i);
    }
    struct http1_response response = {0};
    struct http1_event event;
    http1_response_feed(&response, "HTTP/2", 6, HTTP1_METHOD_OTHER, &event);
    cr_assert_eq(event.kind, HTTP1_BAD);
}

Test(http1, without_an_id_header_no_header_is_an_id)
{
    struct http1_request request = {0};
    struct http1_event event;
    struct bytes text = BYTES("GET / HTTP/1.1\r\n: x\r\n X: y\r\nHost: h\r\n\r\n");
    size_t at = http1_request_feed(&request, text.at, text.n,
                                   http1_id_header((struct bytes){NULL, 0}), &event);
    cr_assert_eq(event.kind, HTTP1_REQUEST);
    cr_assert_eq(event.text.n, 0);
    cr_assert_eq(at, text.n);
}

Test(http1, an_id_header_may_share_its_letter_with_framing)
{
    struct http1_request request = {0};
    struct http1_event event;
    struct bytes text = BYTES("GET / HTTP/1.1\r\nContent-Length: 3\r\nCorrelation-Id: me\r\n\r\n");
    size_t at = http1_request_feed(&request, text.at, text.n,
                                   http1_id_header(BYTES("correlation-id")), &event);
    cr_assert_eq(event.kind, HTTP1_REQUEST);
    cr_assert_eq(at, text.n);
    cr_assert(bytes_equal(event.text, BYTES("me")));
    cr_assert(http1_request_skip(&request, 3));
    cr_assert(http1_request_idle(&request));
}

/* A request whose last header, `name`, is told as its id. */
static void check_id_by(struct bytes name, const char *before)
{
    char text[256];
    struct http1_request request = {0};
    struct http1_event event = {0};
    struct bytes id = {NULL, 0};
    size_t n = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s%.*s: 7\r\n\r\n", before,
                                (int)name.n, name.at);
    for (size_t at = 0; at<n; id = event.text.n> 0 ? event.text : id) {
        event.text.n = 0;
        at += http1_request_feed(&request, text + at, n - at, http1_id_header(name), &event);
    }
    cr_assert(bytes_equal(id, BYTES("7")), "%.*s %s", (int)name.n, name.at, before);
    cr_assert(http1_request_idle(&request));
}

Test(http1, an_id_header_has_a_name_of_any_length)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz-0123456789";
    for (int wide = 0; wide <= 1; wide++) {
        http1_scan_wide_from_now(wide);
        for (size_t n = 1; n < sizeof name; n++) {
            check_id_by((struct bytes){name, n}, "");
            check_id_by((struct bytes){name, n}, "Accept: */*\r\nHost: localhost\r\n");
            check_id_by((struct bytes){name, n}, "Content-Length: 0\r\nUser-Agent: somebody who "
                                                 "has a name of that length\r\n");
        }
    }
}

Test(http1, the_length_may_be_the_id)
{
    struct http1_request request = {0};
    struct http1_event event;
    struct bytes text = BYTES("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n");
    size_t at = http1_request_feed(&request, text.at, text.n,
                                   http1_id_header(BYTES("content-length")), &event);
    cr_assert_eq(at, text.n);
    cr_assert(bytes_equal(event.text, BYTES("3")));
    cr_assert(http1_request_skip(&request, 3));
    cr_assert(http1_request_idle(&request));
}

/* `n` bytes before which the process may not read. */
static const char *guarded_before(const char *text, size_t n)
{
    static char *begin;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (begin == NULL) {
        char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        cr_assert(at != MAP_FAILED);
        cr_assert(mprotect(at, page, PROT_NONE) == 0);
        begin = at + page;
    }
    cr_assert(n <= page);
    return memcpy(begin, text, n);
}

/* A head of few bytes, which is looked at with what stands before its lines, and nothing else. */
static void check_short_head(int target, int host, bool body)
{
    char text[256];
    struct http1_request request = {0};
    struct http1_event event = {0};
    static const char letters[] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
    size_t n = (size_t)snprintf(text, sizeof text, "GET /%.*s HTTP/1.1\r\n", target, letters);
    if (host > 0)
        n += (size_t)snprintf(text + n, sizeof text - n, "Host: %.*s\r\n", host, letters);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s\r\n", body ? "Content-Length: 3\r\n" : "");
    if (n <= 33) /* too few for the usual way */
        return;
    const char *head = guarded_before(text, n);
    size_t used =
        http1_request_feed_usual(&request, head, n, http1_id_header(BYTES("x-request-id")), &event);
    cr_assert_eq(used, n, "%zu of %zu: %s", used, n, text);
    cr_assert_eq(http1_request_idle(&request), !body, "%s", text);
    cr_assert_eq(http1_request_feed_usual(&request, head, n - 1,
                                          http1_id_header(BYTES("x-request-id")), &event),
                 0, "it is not whole: %s", text);
}

static void check_short_response(int reason, int value)
{
    char text[256];
    static const char letters[] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
    struct http1_response response = {0};
    enum http1_event_kind kind = HTTP1_BAD;
    size_t n = (size_t)snprintf(text, sizeof text,
                                "HTTP/1.1 200 %.*s\r\nContent-Length: 3\r\nX: %.*s\r\n\r\n", reason,
                                letters, value, letters);
    size_t used =
        http1_response_feed_head(&response, guarded_before(text, n), n, HTTP1_METHOD_GET, &kind);
    cr_assert_eq(used, n, "%zu of %zu: %s", used, n, text);
    cr_assert(http1_response_has_length(&response), "%s", text);
}

Test(http1, a_short_head_is_read_where_it_stands)
{
    for (int wide = 0; wide <= 1; wide++) {
        http1_scan_wide_from_now(wide);
        for (int reason = 0; reason < 40; reason++)
            for (int value = 0; value < 40; value++)
                check_short_response(reason, value);
        for (int target = 0; target < 40; target++)
            for (int host = 0; host < 40; host++) {
                check_short_head(target, host, false);
                check_short_head(target, host, true);
            }
    }
}

Test(http1, what_is_no_status_line_leaves_no_status)
{
    struct http1_response response =
        response_after(BYTES("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: test\r\n\r\n"));
    struct http1_event event;
    cr_assert(http1_response_idle(&response));
    http1_response_feed(&response, "garbage\r\n", 9, HTTP1_METHOD_OTHER, &event);
    cr_assert_eq(event.kind, HTTP1_BAD);
    cr_assert_eq(response.status, 0);
}

Test(http1, a_request_body_is_skipped)
{
    struct http1_request request =
        request_after(BYTES("PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"));
    cr_assert(http1_request_skip(&request, 4));
    cr_assert_not(http1_request_idle(&request));
    cr_assert(http1_request_skip(&request, 6));
    cr_assert(http1_request_idle(&request));
    cr_assert_not(http1_request_skip(&request, 1));

    request = request_after(BYTES("PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"));
    cr_assert_not(http1_request_skip(&request, 11));
    request = request_after(BYTES("PUT / HTTP/1.1\r\nHost: a\r\n"));
    cr_assert_not(http1_request_skip(&request, 1));
    request = request_after(BYTES("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"));
    cr_assert(http1_request_skip(&request, 5));
    cr_assert_not(http1_request_skip(&request, 1));
}

Test(http1, a_response_sent_by_sendfile_ends_with_its_last_piece)
{
    struct http1_event event;
    struct http1_response response =
        response_after(BYTES("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"));
    for (int i = 0; i < 9; i++) {
        cr_assert_eq(http1_response_skip(&response, 10, &event), 10);
        cr_assert_eq(event.kind, HTTP1_MORE);
    }
    cr_assert_eq(http1_response_skip(&response, 25, &event), 10);
    cr_assert_eq(event.kind, HTTP1_RESPONSE_END);
    cr_assert_eq(event.status, 200);
    cr_assert(http1_response_idle(&response));
    cr_assert_eq(http1_response_skip(&response, 15, &event), 15);
    cr_assert_eq(event.kind, HTTP1_BAD);
}

Test(http1, skipping_stays_inside_a_chunk)
{
    struct http1_event event;
    struct bytes head = BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
    struct http1_response response = response_after(head);
    cr_assert_eq(http1_response_skip(&response, 5, &event), 5);
    cr_assert_eq(event.kind, HTTP1_MORE);
    struct bytes end = BYTES("\r\n0\r\n\r\n");
    struct http1_response after_data = response;
    cr_assert_eq(http1_response_feed(&response, end.at, end.n, HTTP1_METHOD_OTHER, &event), end.n);
    cr_assert_eq(event.kind, HTTP1_RESPONSE_END);

    http1_response_skip(&after_data, 1, &event);
    cr_assert_eq(event.kind, HTTP1_BAD);
    response = response_after(head);
    cr_assert_eq(http1_response_skip(&response, 6, &event), 5);
    cr_assert_eq(event.kind, HTTP1_BAD);
}

Test(http1, a_body_until_close_may_be_skipped_for_ever)
{
    struct http1_event event;
    struct http1_response response = response_after(BYTES("HTTP/1.0 200 OK\r\n\r\n"));
    cr_assert(http1_response_until_close(&response));
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(http1_response_skip(&response, UINT64_MAX, &event), UINT64_MAX);
        cr_assert_eq(event.kind, HTTP1_MORE);
    }
    cr_assert(http1_response_until_close(&response));
    cr_assert_eq(response.status, 200);
}

Test(http1, methods_that_change_a_response)
{
    cr_assert_eq(http1_method_of(BYTES("HEAD")), HTTP1_METHOD_HEAD);
    cr_assert_eq(http1_method_of(BYTES("CONNECT")), HTTP1_METHOD_CONNECT);
    cr_assert_eq(http1_method_of(BYTES("head")), HTTP1_METHOD_OTHER);
    cr_assert_eq(http1_method_of(BYTES("HEADER")), HTTP1_METHOD_OTHER);
    cr_assert_eq(http1_method_of(BYTES("")), HTTP1_METHOD_OTHER);
}
