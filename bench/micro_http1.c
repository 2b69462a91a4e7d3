/*
 * What the HTTP/1 parsers cost per head, without the system calls around them: nanoseconds for a
 * load generator's request, a browser's request and nginx's response, each with its body.
 *
 *     make benches && build/bench/micro_http1 [ROUNDS]
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/http1.h"
#include "proto/http1_scan.h"

static const struct bytes wrk_request = BYTES("GET /static/index.html HTTP/1.1\r\n"
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
          "Cookie: session=6f1ed002ab5595859014\r\n"
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

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

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

static void measure(const char *name, void (*parse)(struct bytes), struct bytes head, long rounds)
{
    double best = 0;
    for (int run = 0; run < 5; run++) {
        double began = now_ns();
        for (long i = 0; i < rounds; i++)
            parse(head);
        double each = (now_ns() - began) / (double)rounds;
        if (run == 0 || each < best)
            best = each;
    }
    printf("%-16s %4zu bytes %8.1f ns per head\n", name, head.n, best);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1000000;
    if (rounds <= 0) {
        fprintf(stderr, "usage: micro_http1 [ROUNDS]\n");
        return 2;
    }
    http1_scan_wide_from_now(true);
    measure("wrk request", parse_request, wrk_request, rounds);
    measure("browser request", parse_request, browser_request, rounds);
    measure("nginx response", parse_response, nginx_response, rounds);
    return 0;
}
