"""Raw bytes against real servers, with and without the shim: every answer is the same, every metric
line is legal, and what is good HTTP is counted exactly, however it was cut up, sent or broken off."""

import base64
import collections
import errno
import os
import random
import re
import socket
import struct
import time

from case import Keys, Receiver, Request, ShimCase, servers

# Where a server gives its clock away; and Apache's list of methods, whose order is a hash's.
VARYING = re.compile(rb"(?m)^(Date|Allow): [^\r\n]*")

END = b"GET /good/page.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
GOOD = Request("good", "GET", 200)


def converse(server, pieces, half_close=False, timeout=15, pause=0):
    """Sends the pieces, each by a call of its own, and returns every byte that comes back until the
    server closes. A reset ends it as well: a server that closes with bytes unread sends one. With a
    `pause`, the server is likely, no more, to see the pieces one by one."""
    answer = bytearray()
    with server.connect(timeout) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                if pause:
                    time.sleep(pause)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError as error:  # the server has closed already
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                raise
        try:
            while True:
                part = connection.recv(1 << 16)
                if not part:
                    break
                answer += part
        except ConnectionResetError:
            pass
        except socket.timeout:
            answer += b"<no end>"
    return VARYING.sub(rb"\1: -", bytes(answer))


def request(target="/good/page.html", method="GET", headers="", body=b"", version="HTTP/1.1"):
    return f"{method} {target} {version}\r\nHost: x\r\n{headers}\r\n".encode("latin-1") + body


def many(n, target="/nodes/page.html"):
    return request(target) * n


# Streams that are good HTTP: name, the bytes before END, the requests in it for nginx and Apache.
# All are sent whole, and split; END follows, so the server closes at a known point.
PAGE = Request("nodes", "GET", 200)
GOOD_STREAMS = {
    "nothing before": (b"", []),
    "one before": (many(1), [PAGE]),
    "pipelined": (many(400), [PAGE] * 400),
    "pipelined with sendfile": (request("/slow/../big/file.bin") * 3, [Request("slow", "GET", 200)] * 3),
    "head": (request("/nodes/page.html", "HEAD") * 3, [Request("nodes", "HEAD", 200)] * 3),
    "no content": (request("/empty") * 3, [Request("empty", "GET", 204)] * 3),
    "not modified": (
        request("/nodes/page.html", headers="If-None-Match: *\r\n") * 3,
        [Request("nodes", "GET", 304)] * 3,
    ),
    "missing, head, missing": (
        request("/missing") + request("/missing", "HEAD") + request("/missing"),
        [Request("missing", "GET", 404), Request("missing", "HEAD", 404), Request("missing", "GET", 404)],
    ),
    "empty lines between": (many(1) + b"\r\n" + many(1), [PAGE] * 2),
    "bare LF": (many(1).replace(b"\r\n", b"\n") * 3, [PAGE] * 3),
    "absolute target": (request("http://x/nodes/page.html?q") * 2, [PAGE] * 2),
    "lower-case headers": (request("/nodes/page.html", headers="content-length:0\r\n") * 2, [PAGE] * 2),
    "long header": (request("/nodes/page.html", headers="X-Long: " + "a" * 7000 + "\r\n") * 2, [PAGE] * 2),
    "many headers": (
        request("/nodes/page.html", headers="".join(f"X-{i}: {i}\r\n" for i in range(90))), [PAGE],
    ),
    "id that forges": (
        request("/nodes/page.html", headers='X-Request-Id: a:1|m\\",\t"status":1\r\n'), [PAGE],
    ),
    "target that forges": (
        request("/a:1|m%0Aapp.x:1|m@0.5|"), [Request("a_1_m_0Aapp_x_1_m_0_5_", "GET", 404)],
    ),
    "dots in the segment": (request("/a.b.c/d"), [Request("a_b_c", "GET", 404)]),
    "high bytes": (b"GET /\xc3\xa9\xff/x HTTP/1.1\r\nHost: x\r\n\r\n", [Request("___", "GET", 404)]),
}

# For the Node server, which reads bodies.
NODE_STREAMS = {
    "nothing before": (b"", []),
    "pipelined": (many(400), [PAGE] * 400),
    "chunked answer": (request("/chunked") * 3, [Request("chunked", "GET", 200)] * 3),
    "big answer": (request("/big") * 2, [Request("big", "GET", 200)] * 2),
    "echo": (
        request("/echo", "POST", "Content-Length: 5\r\n", b"GET /") * 3, [Request("echo", "POST", 201)] * 3,
    ),
    "echo chunked": (
        request("/echo", "POST", "Transfer-Encoding: chunked\r\n",
                b"5;name=value\r\nGET /\r\n1\r\n\n\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n") * 3,
        [Request("echo", "POST", 201)] * 3,
    ),
    "a body that looks like requests": (
        request("/echo", "POST", f"Content-Length: {len(many(20))}\r\n", many(20)),
        [Request("echo", "POST", 201)],
    ),
    "interim answer": (request("/hints") * 2, [Request("hints", "GET", 200)] * 2),
    "expect": (
        request("/echo", "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n", b"body"),
        [Request("echo", "POST", 201)],
    ),
    "statuses": (
        b"".join(request("/" + name) for name in ("empty", "same", "old", "broken", "missing")),
        [Request("empty", "GET", 204), Request("same", "GET", 304), Request("old", "GET", 301),
         Request("broken", "GET", 500), Request("missing", "GET", 404)],
    ),
    "heads": (
        b"".join(request("/" + name, "HEAD") for name in ("empty", "big", "chunked", "broken")),
        [Request("empty", "HEAD", 204), Request("big", "HEAD", 200), Request("chunked", "HEAD", 200),
         Request("broken", "HEAD", 500)],
    ),
    "odd but known methods": (
        request("/x", "PROPFIND") + request("/x", "M-SEARCH") + request("/x", "REPORT"),
        [Request("x", "PROPFIND", 200), Request("x", "M-SEARCH", 200), Request("x", "REPORT", 200)],
    ),
}


def random_bytes(n):
    return random.Random(n).randbytes(n)


# What is not good HTTP. How it is counted is the server's and the shim's business; that it does no
# harm and forges nothing is the test.
TLS_HELLO = bytes.fromhex("16030100a5010000a10303") + random_bytes(200)
BAD_STREAMS = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "no version": b"GET /\r\n\r\n",
    "version 0.9 text": b"GET / HTTP/0.9\r\n\r\n",
    "version 2.0": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "version 11": b"GET / HTTP/11\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\x12\4\0\0\0\0\0" + bytes(18),
    "lower-case method": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method that forges": b"GET:1|m\napp.x:1|m / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method of bars": b"A|B@#: /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "long method": b"G" * 3000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in method": b"G\0T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in target": b"GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in header": b"GET /x HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "blanks in the target": b"GET /a b c HTTP/1.1\r\nHost: x\r\n\r\n",
    "hash in the target": b"GET /a|#app.x:1|m HTTP/1.1\r\nHost: x\r\n\r\n",
    "bare LF": many(2).replace(b"\r\n", b"\n"),
    "CR only": many(2).replace(b"\r\n", b"\r"),
    "no target": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "target of CR": b"GET /a\rb HTTP/1.1\r\nHost: x\r\n\r\n",
    "line without colon": b"GET /x HTTP/1.1\r\nHost: x\r\nno colon here\r\n\r\n",
    "folded header": b"GET /x HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "blank before colon": b"GET /x HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
    "64 KiB header": request(headers="X-Long: " + "a" * 65536 + "\r\n"),
    "64 KiB target": b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "64 KiB request id": request(headers="X-Request-Id: " + "|m:" * 21845 + "\r\n"),
    "1,000 headers": request(headers="".join(f"X-{i}: {i}\r\n" for i in range(1000))),
    "1 MiB without a line end": b"a" * (1 << 20),
    "huge length": request("/post", "POST", "Content-Length: 99999999999999999999\r\n", b"x" * 100),
    "length 2^63": request("/post", "POST", "Content-Length: 9223372036854775808\r\n", b"x"),
    "length 2^64": request("/post", "POST", "Content-Length: 18446744073709551616\r\n", b"x"),
    "negative length": request("/post", "POST", "Content-Length: -1\r\n", b"x"),
    "length with sign": request("/post", "POST", "Content-Length: +1\r\n", b"x"),
    "hex length": request("/post", "POST", "Content-Length: 0x10\r\n", b"x" * 16),
    "length in a list": request("/post", "POST", "Content-Length: 3, 3\r\n", b"abc"),
    "two lengths": request("/post", "POST", "Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"),
    "length and chunked": request(
        "/post", "POST", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"1\r\na\r\n0\r\n\r\n"),
    "unknown coding": request("/post", "POST", "Transfer-Encoding: chewed\r\n", b"abc"),
    "chunked twice": request("/post", "POST", "Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    "chunk overflow": request(
        "/post", "POST", "Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"),
    "chunk 2^64-1": request(
        "/post", "POST", "Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"),
    "chunk not hex": request("/post", "POST", "Transfer-Encoding: chunked\r\n", b"xyz\r\nabc\r\n0\r\n\r\n"),
    "chunk negative": request("/post", "POST", "Transfer-Encoding: chunked\r\n", b"-1\r\nabc\r\n0\r\n\r\n"),
    "chunk without end": request("/post", "POST", "Transfer-Encoding: chunked\r\n", b"3\r\nabcdef\r\n0\r\n\r\n"),
    "chunk extension of 64 KiB": request(
        "/post", "POST", "Transfer-Encoding: chunked\r\n", b"1;" + b"e" * 65536 + b"\r\na\r\n0\r\n\r\n"),
    "a response": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "TLS hello": TLS_HELLO,
    "noise": random_bytes(4000),
    "much noise": random_bytes(300_000),
    "noise after a request": many(1) + random_bytes(4000),
    "NULs": bytes(5000),
    "RESP": b"*1\r\n$4\r\nPING\r\n",
    "SHP": b"1|10\na.b:1|m\n\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a head without end": b"GET /x HTTP/1.1\r\nHost: x\r\nX-Half: ",
    "a request line without end": b"GET /x HTT",
    "a body without end": request("/post", "POST", "Content-Length: 100\r\n", b"half"),
    "chunks without end": request("/post", "POST", "Transfer-Encoding: chunked\r\n", b"5\r\nab"),
}


class Servers(ShimCase):
    """Two of the same server, one of them under the shim. Subclasses say which."""

    streams = GOOD_STREAMS

    @staticmethod
    def server(shim):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain = cls.server(None).__enter__()
        cls.addClassCleanup(cls.plain.__exit__, None, None, None)

    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.shim = servers.Shim(self.receiver)
        self.under = self.server(self.shim)
        self.under.__enter__()
        self.addCleanup(self.under.__exit__, *[None] * 3)

    def same(self, pieces, half_close=False):
        """The answer under the shim, which has to be one that the server gives without it. What comes
        of bad input may depend on how TCP happens to cut it, and a server that closes with bytes unread
        sends a reset that may overtake its answer: so ask more than once, with other cuts."""
        answer = converse(self.under, pieces, half_close)
        stream = b"".join(pieces)
        cuts = random.Random(len(stream))
        without = set()
        for attempt in range(60):
            if attempt >= 10:
                at = sorted(cuts.randrange(len(stream) + 1) for _ in range(cuts.choice((1, 2, 5))))
                pieces = [stream[i:j] for i, j in zip([0] + at, at + [len(stream)]) if i < j]
            without.add(converse(self.plain, pieces, half_close, pause=0.002 if attempt % 2 else 0))
            if answer in without:
                return answer
        self.fail(f"with the shim {answer[:600]!r}\nwithout {[a[:600] for a in without]!r}")

    def run_streams(self, cut):
        expected = collections.Counter()
        for name, (stream, requests) in self.streams.items():
            with self.subTest(stream=name):
                stream += END
                answer = self.same(cut(stream))
                self.assertNotIn(b"<no end>", answer)
                expected.update(requests + [GOOD])
                self.wait_for_ends(self.receiver, sum(expected.values()), timeout=5)
                self.assertEqual(self.receiver.counter(Keys().all), sum(expected.values()))
        self.stop()
        self.assert_exact(self.receiver, self.shim, expected)

    def stop(self):
        self.assertTrue(self.under.alive(), self.under.diagnostics())
        self.under.stop()


class Streams(Servers):
    """What is run against each of the servers."""

    def test_whole(self):
        self.run_streams(lambda stream: [stream])

    def test_in_two(self):
        cuts = random.Random(1)

        def cut(stream):
            at = cuts.randrange(len(stream))
            return [stream[:at], stream[at:]]

        self.run_streams(cut)

    def test_byte_by_byte(self):
        # The long ones in pieces of 97 bytes: a prime, so that they shift against the lines.
        self.run_streams(
            lambda stream: [stream[i : i + 1] for i in range(len(stream))] if len(stream) < 3000
            else [stream[i : i + 97] for i in range(0, len(stream), 97)]
        )

    def test_old_version(self):
        """HTTP/1.0: the body lasts until the connection is closed, or as long as it says."""
        n = 20
        for _ in range(n):
            self.same([b"GET /good/page.html HTTP/1.0\r\n\r\n"])
        self.stop()
        self.assert_exact(self.receiver, self.shim, collections.Counter({GOOD: n}))

    def test_bad_input(self):
        """Each is answered as without the shim, and leaves it able to count exactly."""
        def good():
            return self.receiver.counter(Keys().kind("good", "GET"))

        asked = 0

        for name, stream in BAD_STREAMS.items():
            with self.subTest(stream=name):
                self.same([stream], half_close=True)
                if len(stream) < 2000:
                    self.same([stream[i : i + 1] for i in range(len(stream))], half_close=True)
                before = good()
                self.assertEqual(self.get(self.under, n=3), [200] * 3)
                asked += 3
                self.assertTrue(self.receiver.wait_until(lambda: good() >= before + 3))
        self.stop()
        self.assert_clean(self.receiver)
        # Nothing else counts there but the streams that use its path.
        uses = sum(2 if len(s) < 2000 else 1 for s in BAD_STREAMS.values() if b"/good/page.html" in s)
        self.assertGreaterEqual(good(), asked)
        self.assertLessEqual(good(), asked + 9 * uses)
        for line in self.shim.requests():
            self.assertRegex(line["label"], r"\A[A-Za-z0-9_-]+\Z")
            self.assertRegex(line["action"], r"\A[A-Za-z0-9_-]+\Z")
            self.assertIn(line["outcome"], ("done", "aborted"))
        # A request that started has ended, one way or the other.
        self.assertEqual(self.receiver.counter(Keys().all), self.receiver.timer_count(Keys().all))

    def test_connections_without_requests(self):
        for _ in range(200):
            self.under.connect().close()
        self.get(self.under)
        self.stop()
        self.assert_exact(self.receiver, self.shim, collections.Counter({GOOD: 1}))

    def test_many_connections_at_once(self):
        """All open together, so that their file descriptors are many."""
        open_ones = []
        try:
            n = 400
            for _ in range(n):
                connection = self.under.connect()
                connection.sendall(many(1, "/good/page.html"))
                open_ones.append(connection)
            for connection in open_ones:
                self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200"))
            self.wait_for_ends(self.receiver, n)
        finally:
            for connection in open_ones:
                connection.close()
        self.stop()
        self.assert_exact(self.receiver, self.shim, collections.Counter({GOOD: n}))


class NginxStreams(Streams):
    @staticmethod
    def server(shim):
        return servers.Nginx(shim)

    def test_no_answer(self):
        for _ in range(5):
            self.assertEqual(self.same([request("/hangup")]), b"")
        self.stop()
        self.assertEqual({record.status for record in self.under.records()}, {444})
        self.assert_exact(
            self.receiver, self.shim, collections.Counter({Request("hangup", "GET", 0): 5}), ("aborted",)
        )

    def slow_reader(self):
        """Reads the beginning of a big file, rests, reads on: the request ends with its last byte."""
        rest = 0.4
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", self.under.port))
            start = time.monotonic()
            connection.sendall(request("/big/file.bin", headers="X-Request-Id: big\r\nConnection: close\r\n"))
            size = len(connection.recv(10_000))
            time.sleep(rest)  # the thing measured, not a synchronisation
            while part := connection.recv(1 << 20):
                size += len(part)
            took = time.monotonic() - start
        self.assertGreater(size, os.path.getsize(servers.site() + "/big/file.bin"))
        self.stop()
        lines = self.assert_exact(
            self.receiver, self.shim, collections.Counter({Request("big", "GET", 200): 1}))
        seconds = lines[0]["req_time_us"] / 1e6
        self.assertGreater(seconds, rest * 0.9)
        self.assertLess(seconds, took + 0.001)
        own = self.under.records()[0].seconds
        # nginx reads its clock once per turn of its loop, and a turn may send many megabytes.
        self.assertGreater(seconds, own * 0.98 - 0.002)
        self.assertLess(seconds, own * 1.02 + 0.05)

    def test_slow_reader_sendfile(self):
        self.slow_reader()

    def test_client_leaves_amid_the_download(self):
        """The status was sent, the body was not: aborted, with the status that went out or 499."""
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            connection.connect(("127.0.0.1", self.under.port))
            connection.sendall(request("/big/file.bin"))
            connection.recv(10_000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wait_for_ends(self.receiver, 1)
        self.get(self.under, n=3)
        self.stop()
        lines = self.shim.requests()
        self.assertEqual([line["outcome"] for line in lines].count("aborted"), 1)
        aborted = next(line for line in lines if line["outcome"] == "aborted")
        self.assertIn(aborted["status"], (200, 499))
        expected = collections.Counter({GOOD: 3, Request("big", "GET", aborted["status"]): 1})
        self.assert_exact(self.receiver, self.shim, expected, ("done", "aborted"))

    def test_upload_larger_than_any_buffer(self):
        body = random_bytes(20_000_000)
        head = request("/dav/up.bin", "PUT", f"Content-Length: {len(body)}\r\n")
        self.assertIn(b" 201 ", converse(self.under, [head + body + END])[:20])
        self.stop()
        with open(os.path.join(self.under.folder, "dav", "up.bin"), "rb") as file:
            self.assertEqual(file.read(), body)
        self.assert_exact(self.receiver, self.shim,
                          collections.Counter({Request("dav", "PUT", 201): 1, GOOD: 1}))


class NginxWithoutSendfile(Servers):
    @staticmethod
    def server(shim):
        return servers.Nginx(shim, sendfile=False)

    test_slow_reader_without_sendfile = NginxStreams.slow_reader

    def test_whole(self):
        self.run_streams(lambda stream: [stream])


# Apache is strict: a bare LF ends no line.
APACHE_STREAMS = {name: stream for name, stream in GOOD_STREAMS.items() if name != "bare LF"}


class ApacheEventStreams(Streams):
    streams = APACHE_STREAMS

    @staticmethod
    def server(shim):
        return servers.Apache(shim, mpm="event")


class ApachePreforkStreams(Servers):
    streams = APACHE_STREAMS

    @staticmethod
    def server(shim):
        return servers.Apache(shim, mpm="prefork")

    def test_whole(self):
        self.run_streams(lambda stream: [stream])


class NodeStreams(Streams):
    streams = NODE_STREAMS

    @staticmethod
    def server(shim):
        return servers.Node(shim)

    def one(self, label, status, outcome="aborted", **more):
        self.stop()
        self.assert_exact(
            self.receiver, self.shim, collections.Counter({Request(label, "GET", status): 1, **more}),
            (outcome, "done"),
        )

    def started(self, label):
        key = Keys().kind(label, "GET")
        self.assertTrue(self.receiver.wait_until(lambda: self.receiver.counter(key) == 1), "no start came")

    def test_client_leaves_before_any_answer(self):
        with self.under.connect() as connection:
            connection.sendall(request("/never"))
            self.started("never")
            self.assertEqual(self.receiver.timer_count(Keys().all), 0, "ended before its end")
        self.wait_for_ends(self.receiver, 1)
        self.one("never", 499)

    def test_answer_after_the_client_left(self):
        with self.under.connect() as connection:
            connection.sendall(request("/late"))
            self.started("late")
        self.wait_for_ends(self.receiver, 1)
        self.one("late", 499)

    def test_no_answer(self):
        self.assertEqual(self.same([request("/hangup")]), b"")
        self.wait_for_ends(self.receiver, 1)
        self.one("hangup", 0)

    def test_answer_cut_short(self):
        self.assertTrue(self.same([request("/short")]).endswith(b"12345"))
        self.wait_for_ends(self.receiver, 1)
        self.stop()
        lines = self.shim.requests()
        self.assertEqual([line["outcome"] for line in lines], ["aborted"])
        self.assertIn(lines[0]["status"], (200, 0))
        self.assert_clean(self.receiver)

    def test_body_until_close(self):
        self.assertIn(b"until close", self.same([request("/close")]))
        self.wait_for_ends(self.receiver, 1)
        self.one("close", 200, "done")

    def test_time_of_a_slow_answer(self):
        self.same([request("/slow") + END])
        self.stop()
        lines = self.assert_exact(
            self.receiver, self.shim, collections.Counter({Request("slow", "GET", 200): 1, GOOD: 1}))
        slow = next(line for line in lines if line["label"] == "slow")
        self.assertGreater(slow["req_time_us"], 110_000)
        self.assertLess(slow["req_time_us"], 1_000_000)

    def test_websocket(self):
        """After 101 the bytes belong to another protocol, even those that look like requests."""
        key = base64.b64encode(b"0123456789abcdef").decode()
        upgrade = request("/socket", headers="Connection: Upgrade\r\nUpgrade: websocket\r\n"
                          f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n")
        payload = many(5, "/forged") + random_bytes(10_000) + many(5, "/forged")
        with self.under.connect() as connection:
            connection.sendall(upgrade)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):  # what follows may be sent only then
                answer += connection.recv(1)
            self.assertTrue(answer.startswith(b"HTTP/1.1 101"))
            for piece in (payload[:100], payload[100:]):
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            back = b""
            while part := connection.recv(1 << 16):
                back += part
        self.assertEqual(back, payload)
        self.one("socket", 101, "done")

    def test_expect_and_wait(self):
        """The client that really waits for 100 Continue before it sends the body."""
        with self.under.connect() as connection:
            connection.sendall(request("/echo", "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n"
                                       "Connection: close\r\n"))
            interim = connection.recv(1000)
            self.assertEqual(interim, b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b"body")
            answer = b""
            while part := connection.recv(1000):
                answer += part
        self.assertTrue(answer.startswith(b"HTTP/1.1 201"))
        self.stop()
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("echo", "POST", 201): 1}))

    def test_upload_larger_than_any_buffer(self):
        body = random_bytes(10_000_000)
        head = request("/echo", "POST", f"Content-Length: {len(body)}\r\n")
        answer = converse(self.under, [head + body + END])
        self.assertIn(body, answer)
        self.stop()
        self.assert_exact(self.receiver, self.shim,
                          collections.Counter({Request("echo", "POST", 201): 1, GOOD: 1}))


class RedisUnderTheShim(ShimCase):
    """A server of another protocol: works as ever, is never taken for HTTP."""

    def test_redis(self):
        with Receiver() as receiver:
            shim = servers.Shim(receiver)
            with servers.Redis(shim) as server:
                for where in (["-p", str(server.port)], ["-s", server.path]):
                    out = servers.run(["redis-benchmark", *where, "-q", "--csv", "-n", "5000", "-c", "20",
                                       "-P", "4", "-t", "ping,set,get,incr,lpush,mset"])
                    self.assertGreaterEqual(out.count("\n"), 6)
                    self.assertNotIn("error", out.lower())
                self.assertTrue(server.alive())
            receiver.barrier()
            self.assertEqual(receiver.keys, set())
            self.assertEqual(receiver.datagrams, 0)
            self.assertEqual(shim.requests(), [])


del Streams, Servers  # they are no tests by themselves
