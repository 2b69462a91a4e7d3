"""python3 python_host.py PORT FOLDER: http.server serves FOLDER, a thread for each connection, and
/count: the number of requests so far."""

import functools
import http.server
import itertools
import sys

number = itertools.count(1)  # its next() is one step, whichever thread takes it


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out by two calls

    def do_GET(self):
        served = next(number)
        if self.path != "/count":
            super().do_GET()
            return
        body = str(served).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", int(sys.argv[1])), functools.partial(Handler, directory=sys.argv[2])).serve_forever()
