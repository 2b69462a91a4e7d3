"""One pair: servers of a kind, started together, plain and under the shim, and loaded in turn.

Each server has a load of its own that asks it without end. In its slices both run; between them both are
stopped (SIGSTOP), the shim's thread with its server, so that whatever a server and its shim have to do they
do in their own slices. One slice follows the other at once: what was received is looked at after each round,
as a processor that has idled makes the slice behind it slower. To go on takes them some microseconds: a slice
has to be long beside that. The slices go round A B C, C B A, so that a machine whose speed drifts drifts for
all; and who is A, and is started first, changes from pair to pair. How its memory happens to lie makes one
process some percent faster than another of its kind for as long as it lives: so one pair gives one figure,
however many slices it has.

Then each answers requests that come at a constant rate, half of what the plain one had served, in
slices again: longer ones, so that of what the shim's thread does later (FLUSH_MS) the most falls in its
server's slice, and the rest in none.
"""

import contextlib
import os
import signal
import statistics
import time
import typing

import servers

from . import account, exactness, load, processors
from .sink import Sink


SLICES_AT_HALF, PAUSE_S = 2, 0.12  # a pause is longer than FLUSH_MS


class Figures(typing.NamedTuple):
    """One server's, in one pair."""
    rates: list  # requests a second, by slice
    requests: int  # in all slices
    cpu_ns: int  # in all slices, of all its threads
    latencies_us: tuple  # see load.pace
    private_bytes: int
    served: int  # requests, from its first to its last
    datagrams: int
    sent_bytes: int
    dropped: int  # events, of which the shim told
    problems: list  # why its counts are not exact


class Contestant:
    """A server with its load and, under the shim, its receiver: a context manager."""

    def __init__(self, case, settings, back, gro):
        """`settings`: the shim's; None for a plain server. `gro`: the receiver's."""
        self._case = case
        self._sink = None if settings is None else Sink(gro)
        shim = self._sink and servers.Shim(self._sink, exactness.APP, REQUEST_LOG=None, **settings)
        self.server = case.server(shim, back)
        self._back = back
        self._rates, self._requests, self._cpu_ns = [], 0, 0

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            if self._sink:
                stack.callback(self._sink.close)
            stack.enter_context(self.server)
            # Also when something fails: who is stopped does not end.
            stack.callback(self._go_on)
            self._pids = account.family(self.server.process.pid)
            self._flow = load.Flow(self._case.load(self.server.port, self._case.connections))
            with contextlib.ExitStack() as flowing:
                flowing.enter_context(self._flow)
                time.sleep(self._case.warm_s)
                self._stop()
                self._flowing = stack.enter_context(flowing.pop_all())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    def _stop(self):
        """The load at once, the server when it has answered what was asked."""
        self._flow.pause()
        self._count = self.server.count()
        self._at_ns = time.monotonic_ns()
        self._cpu = account.cpu_ns(self._pids)
        os.killpg(self.server.process.pid, signal.SIGSTOP)

    def _go_on(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.server.process.pid, signal.SIGCONT)

    def slice(self, seconds):
        count, cpu = self._count, self._cpu
        self._go_on()
        self._flow.go_on()
        began_ns = time.monotonic_ns()
        time.sleep(seconds)
        self._stop()
        requests = self._count - count
        self._rates.append(requests / (self._at_ns - began_ns) * 1e9)
        self._requests += requests
        self._cpu_ns += self._cpu - cpu

    def rate(self):
        return statistics.median(self._rates)

    def end_load(self):
        """The server goes on alone, and has answered all that it was asked before who asked goes away."""
        self._private_bytes = account.private_bytes(self._pids)
        self._go_on()
        pids = self._pids + (account.family(self._back.process.pid) if self._back else [])
        servers.poll(lambda: account.at_rest(pids), 10)
        self._flowing.close()

    def drain(self):
        if self._sink:
            self._sink.drain()

    def figures(self, latencies_us):
        """Ends the server, and says what it did."""
        served = self.server.count() if self.server.requests else 0
        if self._sink:
            servers.poll(lambda: self._sink.drain() or exactness.arrived(self._sink) >= served, 3)
        self.server.stop()
        self.drain()
        sink = self._sink
        return Figures(
            self._rates, self._requests, self._cpu_ns, latencies_us, self._private_bytes, served,
            sink.datagrams if sink else 0, sink.bytes if sink else 0, exactness.dropped(sink) if sink else 0,
            exactness.problems(sink, served) if sink else [])


def run(case, variants, turn, rounds, slice_s, gro=False):
    """Figures for each of `variants`, the shim's settings or None; the first is None. `turn`: the number
    of the pair."""
    shift = turn % len(variants)
    with case.back() as back, contextlib.ExitStack() as stack:
        contestants = [stack.enter_context(Contestant(case, settings, back, gro))
                       for settings in variants[shift:] + variants[:shift]]
        with processors.awake():
            for number in range(rounds):
                for contestant in contestants if number % 2 == 0 else contestants[::-1]:
                    contestant.slice(slice_s)
                for contestant in contestants:
                    contestant.drain()
            for contestant in contestants:
                contestant.end_load()
            plain = contestants[-shift]
            latencies = ask_at_half(case, plain, contestants, rounds * slice_s)
        figures = [contestant.figures(took) for contestant, took in zip(contestants, latencies)]
    return figures[-shift:] + figures[:-shift]


def ask_at_half(case, plain, contestants, seconds):
    """Latencies at half of the plain one's throughput, each asked for `seconds`."""
    request, answer_bytes = plain.server.exchange()
    rate = plain.rate() / 2 / case.batch
    ports = [contestant.server.port for contestant in contestants]
    return load.pace(ports, request, answer_bytes, rate, case.connections,
                     SLICES_AT_HALF, seconds / SLICES_AT_HALF, PAUSE_S)
