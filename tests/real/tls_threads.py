"""python3 -m http.server over TLS: `tls_threads.py FOLDER CERTIFICATE KEY`. A thread for each
connection, sockets that TLS was wrapped around; stops on SIGINT."""

import functools
import http.server
import ssl
import sys

folder, certificate, key = sys.argv[1:]


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"


class Server(http.server.ThreadingHTTPServer):
    def get_request(self):
        connection, address = super().get_request()
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
with Server(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
    print("Serving HTTP on 127.0.0.1 port", server.server_port)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)
