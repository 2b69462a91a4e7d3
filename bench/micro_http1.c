/*
 * What the HTTP/1 parsers cost per head, without the system calls around them: nanoseconds of CPU
 * time for a load generator's request (123 bytes), a browser's (359) and nginx's response with its
 * body. Rounds are interleaved; a row shows the median and the least of them.
 *
 *     make benches && build/bench/micro_http1 [--at-most-wrk 80] [--at-most-browser 150]
 *
 * With a bound the exit status is 1 if a median is over it.
 */

#include "bench.h"
#include "proto/http1.h"
#include "proto/http1_scan.h"

static const struct bytes wrk_request = BYTES("GET /files/index.html HTTP/1.1\r\n"
                                              "Host: 127.0.0.1:8080\r\n"
                                              "User-Agent: wrk/4.1.0-debian\r\n"
                                              "Accept: */*\r\n"
                                              "Connection: keep-alive\r\n\r\n");

static const struct bytes browser_request =
    BYTES("GET /users/42/posts?page=2 HTTP/1.1\r\n"
          "Host: www.example.com\r\n"
          "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
          "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
          "Accept-Language: en-US,en;q=0.5\r\n"
          "Accept-Encoding: gzip, deflate, br\r\n"
          "Connection: keep-alive\r\n"
          "Cookie: session=6f1ed00\r\n"
          "X-Request-Id: 7b0c2e\r\n\r\n");

/* The body goes by as sendfile sends it: unseen. */
static const struct bytes nginx_response = BYTES("HTTP/1.1 200 OK\r\n"
                                                 "Server: nginx/1.22.1\r\n"
                                                 "Date: Fri, 21 Nov 2025 05:30:00 GMT\r\n"
                                                 "Content-Type: text/html\r\n"
                                                 "Content-Length: 612\r\n"
                                                 "Last-Modified: Fri, 21 Nov 2025 05:00:00 GMT\r\n"
                                                 "Connection: keep-alive\r\n"
                                                 "ETag: \"691ff2d0-264\"\r\n"
                                                 "Accept-Ranges: bytes\r\n\r\n");

static void parse_request(struct bytes head)
{
    static struct http1_request parser;
    struct http1_event event = {0};
    for (size_t at = 0; at < head.n;)
        at += http1_request_feed(&parser, head.at + at, head.n - at,
                                 http1_id_header(BYTES("x-request-id")), &event);
    if (event.kind != HTTP1_REQUEST)
        abort();
}

static void parse_response(struct bytes head)
{
    static struct http1_response parser;
    struct http1_event event;
    http1_response_feed(&parser, head.at, head.n, HTTP1_METHOD_OTHER, &event);
    http1_response_skip(&parser, 612, &event);
    if (event.kind != HTTP1_RESPONSE_END)
        abort();
}

static const struct {
    const char *title;
    void (*parse)(struct bytes head);
    const struct bytes *head;
} heads[] = {
    {"wrk's request", parse_request, &wrk_request},
    {"a browser's request", parse_request, &browser_request},
    {"nginx's response", parse_response, &nginx_response},
};

enum { WRK, BROWSER, HEADS = sizeof heads / sizeof heads[0] };

static double head_ns(int which, int times)
{
    double began = thread_cpu_ns();
    for (int i = 0; i < times; i++)
        heads[which].parse(*heads[which].head);
    return (thread_cpu_ns() - began) / times;
}

int main(int argc, char **argv)
{
    static struct rounds rounds_of[HEADS];
    double at_most[HEADS] = {0}, rounds = 300, times = 10000;
    const struct bench_option options[] = {
        {"--at-most-wrk", &at_most[WRK], "CPU ns of wrk's request; 0: no bound"},
        {"--at-most-browser", &at_most[BROWSER], "CPU ns of a browser's; 0: no bound"},
        {"--rounds", &rounds, "rounds"},
        {"--heads", &times, "heads in a round"},
        {NULL, NULL, NULL},
    };
    bench_options(argc, argv, options);
    http1_scan_wide_from_now(true);
    bench_within("--rounds", rounds, 1, ROUNDS_MOST);
    bench_within("--heads", times, 1, 1e9);
    for (int round = 0; round < (int)rounds; round++)
        for (int i = 0; i < HEADS; i++)
            rounds_add(&rounds_of[i], head_ns(i, (int)times));

    bool failed = false;
    rounds_head("CPU ns to parse an HTTP head");
    for (int i = 0; i < HEADS; i++) {
        char title[64];
        snprintf(title, sizeof title, "%s, %zu bytes", heads[i].title, heads[i].head->n);
        failed |= rounds_print(title, &rounds_of[i], at_most[i]);
    }
    return failed;
}
