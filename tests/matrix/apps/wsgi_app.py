"""The matrix's program for WSGI servers."""

import time

SIZES = {"good": 612, "nodes": 612, "files": 612, "big": 3_000_000}


def read_all(stream):
    n = 0
    while part := stream.read(65536):
        n += len(part)
    return n


def application(environ, start_response):
    first = environ["PATH_INFO"].split("/")[1]
    status, headers, body = "200 OK", [], b"x" * SIZES.get(first, 5)
    if first == "post":
        body = b"%d\n" % read_all(environ["wsgi.input"])
    elif first == "old":
        status, headers = "301 Moved Permanently", [("Location", "/")]
    elif first == "broken":
        status = "500 Internal Server Error"
    elif first == "nap":
        time.sleep(0.02)
    elif first not in SIZES:
        status = "404 Not Found"
    start_response(status, headers + [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else []
