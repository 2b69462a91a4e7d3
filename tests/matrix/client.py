"""A client of our own, on one connection after the other: what it got is the truth that the shim's
figures are held against. Strict about responses; keeps connections alive; pipelines."""

import re
import socket
import ssl
import time
import typing
import uuid

TIMEOUT = 30
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: [^\r\n]*)?")


class Ask(typing.NamedTuple):
    """One request to send."""

    method: str = "GET"
    target: str = "/"
    body: bytes = b""
    chunked: bool = False
    version: str = "1.1"
    close: bool = False  # asks the server to close after it


class Answer(typing.NamedTuple):
    """What the client saw of one request: `seconds` from before it was sent to its answer's last byte."""

    id: str
    ask: Ask
    status: int
    seconds: float


class Broken(AssertionError):
    """A response that is none, or that did not come."""


def spell(ask, request_id):
    lines = [f"{ask.method} {ask.target} HTTP/{ask.version}", "Host: localhost", f"X-Request-Id: {request_id}"]
    body = ask.body
    if ask.close:
        lines.append("Connection: close")
    if ask.chunked:
        lines.append("Transfer-Encoding: chunked")
        half = len(body) // 2
        body = b"".join(b"%x;n=v\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
        body += b"0\r\n\r\n"
    elif ask.method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    if ask.method == "POST":
        lines.append("Content-Type: application/octet-stream")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """To 127.0.0.1:`port`; opened when it is needed, and again after the server has closed."""

    def __init__(self, port, tls=False):
        self.port = port
        self.tls = tls
        self.socket = None
        self.kept = b""  # came, and is not read yet

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None
        self.kept = b""

    def exchange(self, asks):
        """Sends the requests at once and reads all of their answers."""
        if not self.socket:
            self._open()
        ids = [uuid.uuid4().hex for _ in asks]
        answers = []
        began = time.monotonic()
        try:
            self.socket.sendall(b"".join(map(spell, asks, ids)))
            for request_id, ask in zip(ids, asks):
                status, stays = self._response(ask)
                answers.append(Answer(request_id, ask, status, time.monotonic() - began))
                if not stays:
                    self.close()
                    break
        except (OSError, Broken) as error:
            raise Broken(f"{asks[len(answers)]!r:.200}, number {len(answers) + 1} of {len(asks)} at once: {error!r}") from None
        if len(answers) != len(asks):
            raise Broken(f"closed after {len(answers)} of {len(asks)} pipelined requests")
        return answers

    def _open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)

    def _response(self, ask):
        """(status, whether the connection stays open) of the next response that is no interim one."""
        while True:
            head = self._until(b"\r\n\r\n").split(b"\r\n")
            match = STATUS_LINE.fullmatch(head[0])
            if not match:
                raise Broken(f"no status line: {head[0][:100]!r}")
            status = int(match[2])
            if status >= 200:
                break
        fields = {name.strip().lower(): value.strip().lower() for name, _, value in
                  (line.partition(b":") for line in head[1:-2])}
        options = fields.get(b"connection", b"")
        stays = not ask.close and b"close" not in options and (match[1] == b"1" and ask.version == "1.1" or b"keep-alive" in options)
        if ask.method == "HEAD" or status in (204, 304):
            return status, stays
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            self._chunks()
        elif b"content-length" in fields:
            self._bytes(int(fields[b"content-length"]))
        else:
            self._rest()
            stays = False
        return status, stays

    def _more(self):
        part = self.socket.recv(1 << 16)
        if not part:
            raise Broken("closed amid a response, or before it")
        self.kept += part

    def _until(self, end):
        while end not in self.kept:
            self._more()
        found, _, self.kept = self.kept.partition(end)
        return found + end

    def _bytes(self, n):
        while n > len(self.kept):
            n -= len(self.kept)
            self.kept = b""
            self._more()
        self.kept = self.kept[n:]

    def _chunks(self):
        while n := int(self._until(b"\r\n").split(b";")[0], 16):
            self._bytes(n + 2)
        while self._until(b"\r\n") != b"\r\n":  # trailers
            pass

    def _rest(self):
        while part := self.socket.recv(1 << 16):
            self.kept = part
        self.kept = b""


__all__ = ["Answer", "Ask", "Broken", "Connection"]
