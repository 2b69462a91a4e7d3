"""An independent receiver of Stats Hero Protocol version 1 (and of statsd), strict about its rules.

Nothing here comes from the product's own sources: it is what the tests believe. A datagram that
breaks a rule is refused whole and kept with the reason, so that a test can demand that there are none.
"""

import collections
import os
import re
import socket
import threading
import time

SO_RCVBUFFORCE = 33
BUFFER_BYTES = 256 << 20

HEADER = re.compile(rb"1\|(0|[1-9][0-9]*)\Z")
LINES = {
    "estatsd": re.compile(rb"([A-Za-z0-9_.-]+):(0|[1-9][0-9]*)\|(m|h)\Z"),
    "statsd": re.compile(rb"([A-Za-z0-9_.-]+):(0|[1-9][0-9]*)\|(c|ms)\Z"),
}
COUNTERS = (b"m", b"c")


def check(datagram, protocol="estatsd", most_bytes=1432):
    """The lines of a datagram as bytes, without newlines; ValueError says what is wrong with it."""
    if len(datagram) > most_bytes:
        raise ValueError(f"{len(datagram)} bytes, more than {most_bytes}")
    body = datagram
    if protocol == "estatsd":
        header, newline, body = datagram.partition(b"\n")
        match = HEADER.match(header)
        if not newline or not match:
            raise ValueError("no SHP header")
        if int(match[1]) != len(body):
            raise ValueError(f"header says {int(match[1])} bytes, the body has {len(body)}")
    if not body.endswith(b"\n"):
        raise ValueError("the last line is not ended")
    lines = body[:-1].split(b"\n")
    if protocol == "estatsd":
        lines = [line for line in lines if line]  # SHP passes over blank lines: they fill up
    for line in lines:
        parse(line, protocol)
    return lines


def parse(line, protocol="estatsd", known={}):
    """(key, value, is a counter) of one line; ValueError if it is none. Remembers what it saw."""
    found = known.get((protocol, line))
    if found is None:
        match = LINES[protocol].match(line)
        if not match:
            raise ValueError(f"bad line {line[:200]!r}")
        found = match[1].decode(), int(match[2]), match[3] in COUNTERS
        if len(known) > 100_000:
            known.clear()
        known[(protocol, line)] = found
    return found


def enlarge(receiving, size=BUFFER_BYTES):
    """Gives a socket a buffer of `size` bytes; without root, as large a one as it may have."""
    try:
        receiving.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def kernel_drops(receiving):
    """Datagrams that the kernel dropped because the buffer of a UDP socket was full."""
    inode = str(os.fstat(receiving.fileno()).st_ino)
    with open("/proc/net/udp", encoding="ascii") as table:
        for line in table:
            field = line.split()
            if len(field) > 12 and field[9] == inode:
                return int(field[12])
    return 0


class Receiver:
    """Receives on 127.0.0.1, or on the Unix datagram socket `path`, from construction to close().

    A thread does nothing but take datagrams from the socket; they are looked at when somebody asks.
    """

    def __init__(self, protocol="estatsd", most_bytes=1432, port=0, path=None):
        self.protocol = protocol
        self.most_bytes = most_bytes
        self.refused = []  # (reason, datagram)
        self.datagrams = 0
        self.raw = []  # the first datagrams as they came
        self._tally = collections.Counter()  # line -> how often
        self._pending = collections.deque()
        self._news = threading.Condition()
        self._marks = 0
        self._mark = b"\0mark %d" % id(self)
        self.path = path
        if path:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(path)
            self.port = None
            self.host = "unix:" + path
        else:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", port))
            self.host, self.port = self._socket.getsockname()
        enlarge(self._socket)
        self._address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stops receiving; what came stays readable."""
        if self._thread:
            self.barrier()
            self._send_self(self._mark + b" close")
            self._thread.join()
            self._drops = self.dropped()
            self._thread = None
            self._socket.close()

    def _send_self(self, datagram):
        with socket.socket(self._socket.family, socket.SOCK_DGRAM) as sender:
            sender.sendto(datagram, self._address)

    def _receive(self):
        receive = self._socket.recv
        pending = self._pending
        while True:
            datagram = receive(65536)
            if datagram.startswith(self._mark):
                with self._news:
                    self._marks += 1
                    self._news.notify_all()
                if datagram.endswith(b"close"):
                    return
                continue
            pending.append(datagram)
            if self._news.acquire(blocking=False):
                self._news.notify_all()
                self._news.release()

    def barrier(self, timeout=30):
        """Returns when everything sent to the socket before the call has been taken in."""
        if not self._thread:
            return
        deadline = time.monotonic() + timeout
        with self._news:
            before = self._marks
            while self._marks == before:
                self._send_self(self._mark)  # again and again: the buffer may be full
                self._news.wait(0.5)
                if time.monotonic() > deadline:
                    raise TimeoutError("the receiver does not keep up")

    def _digest(self):
        while self._pending:
            datagram = self._pending.popleft()
            self.datagrams += 1
            if len(self.raw) < 16:
                self.raw.append(datagram)
            try:
                self._tally.update(check(datagram, self.protocol, self.most_bytes))
            except ValueError as error:
                self.refused.append((str(error), datagram))

    def wait_until(self, predicate, timeout=15):
        """Waits until predicate() holds; false after `timeout` seconds without."""
        deadline = time.monotonic() + timeout
        while True:
            self._digest()
            if predicate():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._news:
                if not self._pending:
                    # A notification may slip by between two datagrams: look again soon.
                    self._news.wait(min(left, 0.05))

    def _sum(self):
        self._digest()
        for line, times in self._tally.items():
            key, value, is_counter = parse(line, self.protocol)
            yield key, value, is_counter, times

    @property
    def counters(self):
        """Counter key -> sum."""
        sums = collections.Counter()
        for key, value, is_counter, times in self._sum():
            if is_counter:
                sums[key] += value * times
        return sums

    @property
    def timers(self):
        """Timer key -> its values, sorted."""
        values = collections.defaultdict(list)
        for key, value, is_counter, times in self._sum():
            if not is_counter:
                values[key].extend([value] * times)
        for each in values.values():
            each.sort()
        return dict(values)

    def counter(self, key):
        """The sum of one counter; 0 if it never came."""
        return self.counters[key]

    def timer_count(self, key):
        """How many values one timer has."""
        return sum(times for name, _, is_counter, times in self._sum() if name == key and not is_counter)

    @property
    def keys(self):
        return {key for key, _, _, _ in self._sum()}

    def dropped(self):
        """Datagrams that the kernel dropped because the buffer was full (UDP only)."""
        if not self._thread:
            return self._drops
        return kernel_drops(self._socket) if self.port is not None else 0
