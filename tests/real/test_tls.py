"""Requests inside TLS are counted as exactly as those without: OpenSSL through fds, through BIOs and
from a module that was loaded with its own library, and GnuTLS."""

import collections
import os
import socket
import subprocess

from case import Receiver, Request, ShimCase, servers
from exact import ExactCase


TWO_LIBRARIES = """
import ctypes, ssl, sys
own = ctypes.CDLL(sys.argv[1])
up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(*sys.argv[2:])
server = context.wrap_bio(up, down, server_side=True)
trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
trusting.check_hostname = False
trusting.verify_mode = ssl.CERT_NONE
client = trusting.wrap_bio(down, up)
waiting = [client, server]
while waiting:
    end = waiting.pop(0)
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        waiting.append(end)

def exchange():
    client.write(b"GET /python HTTP/1.1\\r\\n\\r\\n")
    server.read()
    server.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    return client.read()[-2:] == b"ok"

print("ok" if exchange() else "first")
print("ok" if own.serve() == 0 and exchange() else "second")
"""


class Exact(ExactCase):
    def nginx(self, **options):
        self.exact(lambda shim: servers.Nginx(shim, tls=True, true_clock=True, **options), per_load=500,
                   statuses=(200, 204, 206, 301, 304, 404, 405, 416), log="duration")

    def apache(self, **options):
        self.exact(lambda shim: servers.Apache(shim, tls=True, **options), per_load=500,
                   statuses=(200, 204, 206, 301, 304, 404, 405, 416), log="status")

    def test_nginx_1_worker(self):
        self.nginx(workers=1)

    def test_nginx_2_workers_no_sendfile(self):
        self.nginx(workers=2, sendfile=False)

    def test_apache_event(self):
        self.apache(mpm="event")

    def test_apache_prefork(self):
        self.apache(mpm="prefork")

    def test_python_threads(self):
        self.exact(lambda shim: servers.PythonServer(shim, tls=True), per_load=100, with_wrk=False,
                   keepalive=False, statuses=(200, 304, 404, 501), big_bodies=False)

    def test_node_whose_library_is_built_in(self):
        self.exact(lambda shim: servers.Node(shim, tls=True), per_load=500, statuses=(200, 204, 301, 404),
                   HOOKS="default")

    def test_python_asyncio(self):
        self.exact(servers.AsyncPython, per_load=500, statuses=(200, 204, 301, 404, 405))


class OneByOne(ShimCase):
    """Servers that answer one request a connection, and keep no log of their own."""

    def exact(self, start, paths, n=20):
        with Receiver() as receiver:
            shim = servers.Shim(receiver)
            expected = collections.Counter()
            with start(shim) as server:
                for _ in range(n):
                    for label, path in paths.items():
                        expected[Request(label, "GET", servers.curl(server.url(path)))] += 1
                self.wait_for_ends(receiver, n * len(paths))
                self.assertTrue(server.alive(), server.diagnostics())
            self.assert_exact(receiver, shim, expected)

    def test_openssl_s_server(self):
        self.exact(servers.OpensslServer, {"good": "/good/page.html", "slow": "/slow/file.txt", "none": "/none"})

    def test_gnutls_serv(self):
        self.exact(servers.GnutlsServer, {"root": "/", "good": "/good/page.html"})


class Cases(ShimCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.shim = servers.Shim(self.receiver)

    def expect(self, *groups, outcomes=("done",)):
        expected = collections.Counter({Request(label, action, status): n for label, action, status, n in groups})
        return self.assert_exact(self.receiver, self.shim, expected, outcomes)

    def test_pipelined(self):
        one = b"GET /nodes/page.html HTTP/1.1\r\nHost: h\r\n\r\n"
        last = b"GET /empty HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        with servers.Nginx(self.shim, tls=True) as server, server.connect() as connection:
            connection.sendall(one * 99 + last)
            answered = b"".join(iter(lambda: connection.recv(65536), b""))
        self.assertEqual(answered.count(b"HTTP/1.1 200 OK"), 99)
        self.expect(("nodes", "GET", 200, 99), ("empty", "GET", 204, 1))

    def test_byte_by_byte(self):
        request = b"GET /nodes/page.html HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        with servers.Nginx(self.shim, tls=True) as server, server.connect() as connection:
            for i in range(len(request)):
                connection.sendall(request[i:i + 1])
            while connection.recv(65536):
                pass
        self.expect(("nodes", "GET", 200, 1))

    def test_a_client_that_leaves_before_the_answer(self):
        """nginx waits for its upstream, which is silent."""
        with socket.create_server(("127.0.0.1", 0)) as upstream:
            port = upstream.getsockname()[1]
            with servers.Nginx(self.shim, tls=True, upstream=port) as server:
                connection = server.connect()
                connection.sendall(b"GET /upstream HTTP/1.1\r\nHost: h\r\n\r\n")
                asked, _ = upstream.accept()
                asked.recv(65536)
                connection.close()
                self.wait_for_ends(self.receiver, 1)
                asked.close()
            self.assertEqual([record.status for record in server.records()], [499])
        self.expect(("upstream", "GET", 499, 1), outcomes=("aborted",))

    def test_requests_to_others_are_none(self):
        """A client's session."""
        script = "import ssl, sys, urllib.request\n" \
            "page = urllib.request.urlopen(sys.argv[1], context=ssl._create_unverified_context())\n" \
            "print(len(page.read()))"
        with servers.Nginx(None, tls=True) as server:
            environment = dict(servers.plain_environment(), **self.shim.environment)
            out = subprocess.run([servers.PYTHON, "-I", "-c", script, server.url("/good/page.html")],
                                 env=environment, capture_output=True, timeout=60, check=True).stdout
            self.assertEqual(out, b"612\n")
        self.receiver.barrier()
        self.assertEqual((self.receiver.datagrams, self.receiver.raw), (0, []))

    def test_a_client_that_leaves_in_the_middle_of_the_answer(self):
        with servers.Nginx(self.shim, tls=True) as server:
            connection = server.connect()
            connection.sendall(b"GET /slow/file.txt HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertIn(b"200 OK", connection.recv(1000))
            connection.close()
            self.wait_for_ends(self.receiver, 1)
        self.expect(("slow", "GET", 200, 1), outcomes=("aborted",))

    def test_a_client_that_says_farewell_to_memory_bios(self):
        with servers.AsyncPython(self.shim) as server:
            connection = server.connect()
            connection.sendall(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
            connection.settimeout(20)
            connection.unwrap().close()
            self.wait_for_ends(self.receiver, 1)
        self.expect(("wait", "GET", 499, 1), outcomes=("aborted",))

    def test_plain_and_tls_side_by_side(self):
        """Bytes that are no TLS at a port of TLS are no requests, and what is sent back neither."""
        with servers.Nginx(self.shim, tls=True) as server:
            with socket.create_connection(("127.0.0.1", server.port)) as plain:
                plain.sendall(b"GET /good/page.html HTTP/1.0\r\n\r\n")
                self.assertIn(b"400", plain.recv(65536))
            self.get(server, n=3)
            self.wait_for_ends(self.receiver, 4)
        self.expect(("good", "GET", 200, 3), ("good", "GET", 400, 1))

    def test_http2_is_not_counted(self):
        with servers.Nginx(self.shim, tls=True, http2=True) as server:
            self.assertEqual(servers.curl(server.url("/good/page.html"), "--http2"), 200)
            self.assertEqual(servers.curl(server.url("/good/page.html"), "--http1.1"), 200)
            self.assertEqual([record.status for record in server.records()], [200, 200])
            self.wait_for_ends(self.receiver, 1)
        self.receiver.barrier()
        self.assertEqual(self.receiver.counters["app.stats_hero.not_http"], 1)
        self.assertEqual(self.receiver.counters["app.application.allRequests"], 1)

    def on_port(self, start, port, n):
        """Two requests to a server that is told to look at one port."""
        class Server(start):
            def adapt(self, environment):
                super().adapt(environment)
                environment["STATS_HERO_LISTEN_PORTS"] = str(port or self.port)

        with Server(self.shim, tls=True) as server:
            self.assertEqual(self.get(server, n=2), [200, 200])
            self.wait_for_ends(self.receiver, n)
        self.expect(("good", "GET", 200, n))

    def test_a_port_that_is_wanted(self):
        self.on_port(servers.Nginx, None, 2)

    def test_a_port_that_is_not(self):
        self.on_port(servers.Nginx, 1, 0)

    def test_a_port_that_is_wanted_behind_bios_of_the_host(self):
        """Apache reads the ciphertext itself, within the library's calls."""
        self.on_port(servers.Apache, None, 2)

    def test_a_port_that_is_not_behind_bios_of_the_host(self):
        self.on_port(servers.Apache, 1, 0)


    def test_two_libraries_side_by_side(self):
        """Python's module has OpenSSL's, the other one its own: neither is in the global scope."""
        aide = os.path.join(servers.BUILD, "real", "own_ssl.so")
        environment = dict(servers.plain_environment(), **self.shim.environment)
        out = subprocess.run([servers.PYTHON, "-I", "-c", TWO_LIBRARIES, aide, *servers.certificate()],
                             env=environment, capture_output=True, timeout=60, check=False, text=True)
        self.assertEqual((out.stdout, out.stderr), ("ok\n" * 2, ""))
        self.expect(("own", "GET", 204, 1), ("python", "GET", 200, 2))
