"""The receiver of the measurements: a UDP socket with room for all that a server sends in a pair, read
when the server stands still. So nobody runs beside server and load while it is measured, and the
server pays what the kernel takes to bring its datagrams to a receiver's buffer.

What the shim sends together (UDP_SEGMENT) the kernel cuts into datagrams, on the server's processor, for
a receiver that has not said that it takes them together as well (UDP_GRO). Here, of 1,432 bytes each: 1.0 us a
datagram, and 0.3 us for one that has; 0.7 and 0.2 us where there is no room, and they are thrown away.
Few receivers have: so the figures are those of one that has not, unless it is asked for."""

import collections
import socket
import sys

import receiver

BUFFER_BYTES = 1 << 29
UDP_GRO = 104


class Sink:
    def __init__(self, gro=False):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        receiver.enlarge(self._socket, BUFFER_BYTES)
        if gro:
            self._socket.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        self.host, self.port = self._socket.getsockname()
        self.datagrams = self.bytes = 0
        self.refused = 0
        self._lines = collections.Counter()

    def close(self):
        self._socket.close()

    def drain(self):
        """Takes what has come."""
        try:
            while True:
                together, control, _, _ = self._socket.recvmsg(65536, 64, socket.MSG_DONTWAIT)
                each = int.from_bytes(control[0][2], sys.byteorder) if control else len(together)
                for at in range(0, len(together), each):
                    self._digest(together[at:at + each])
        except BlockingIOError:
            pass

    def _digest(self, datagram):
        self.datagrams += 1
        self.bytes += len(datagram)
        header, _, body = datagram.partition(b"\n")
        if header == b"1|%d" % len(body) and body.endswith(b"\n"):
            self._lines.update(body.split(b"\n"))
        else:
            self.refused += 1

    def sums(self):
        """(counter key -> sum, timer key -> number of values); ValueError for a line that is none."""
        counters, timers = collections.Counter(), collections.Counter()
        for line, times in self._lines.items():
            if line:
                key, value, is_counter = receiver.parse(line)
                (counters if is_counter else timers)[key] += value * times if is_counter else times
        return counters, timers

    def lost(self):
        """Datagrams that found no room."""
        return receiver.kernel_drops(self._socket)
