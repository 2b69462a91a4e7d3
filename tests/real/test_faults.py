"""Faults around a server under load: its clients see no error and no wait that is the shim's."""

import collections
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

from case import Keys, Receiver, Request, ShimCase, servers

# Each fault lasts much longer than this, or without end; no answer may take as long, even on a busy machine.
LONGEST_WAIT = 4

SERVERS = (servers.Nginx, servers.PythonServer)

# What a client sees of a server that dies, with the shim or without.
DEATHS = (ConnectionError, EOFError)

# A receiver that can be stopped as a process: says "ready", then on a line of input what it has.
APART = """
import json, sys
sys.path.insert(0, sys.argv[1])
from receiver import Receiver
with Receiver(path=sys.argv[2]) as receiver:
    print("ready", flush=True)
    for _ in sys.stdin:
        receiver.barrier()
        print(json.dumps([dict(receiver.counters), {k: len(v) for k, v in receiver.timers.items()},
                          len(receiver.refused)]), flush=True)
"""


class Clients:
    """Threads that ask one request after the other, each on a connection of its own, until they are told
    to end; what they saw: answered, the errors, and the longest time that one of them took."""

    def __init__(self, server, n=4, path="/good/page.html"):
        self.server, self.path = server, path
        self.answered, self.errors, self.longest = 0, [], 0.0
        self._ending, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(n)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, n, timeout=60):
        """Waits until `n` more are answered, or there is an error."""
        wanted = self.answered + n
        servers.poll(lambda: self.answered >= wanted or self.errors, timeout)

    def _once(self):
        with self.server.connect() as connection:
            connection.sendall(f"GET {self.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while part := connection.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.split(b" ")[1:2] == [b"200"] or len(body) != 612:
            raise EOFError(f"{len(body)} bytes after {head[:80]!r}")

    def _ask(self):
        while not self._ending.is_set():
            began, error = time.monotonic(), None
            try:
                self._once()
            except (OSError, EOFError) as caught:
                error = caught
            with self._lock:
                self.longest = max(self.longest, time.monotonic() - began)
                if error is None:
                    self.answered += 1
                    continue
                self.errors.append(error)
                return


class Apart:
    """A receiver on a Unix socket that is a process of its own."""

    port = None

    def __init__(self):
        self.path = os.path.join(servers.temporary_folder(), "receiver")
        self.host = "unix:" + self.path
        tests = os.path.join(servers.ROOT, "tests")
        self.process = subprocess.Popen([sys.executable, "-c", APART, tests, self.path], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        os.chmod(self.path, 0o777)

    def tell(self):
        """(counters, how many values each timer has, datagrams refused) so far."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.communicate()


class Slow(Receiver):
    """One whose name takes its time."""

    def __init__(self):
        super().__init__()
        self.host = "slow.test"


class Faults(ShimCase):
    def settled(self, clients):
        self.assertEqual(clients.errors, [])
        self.assertLess(clients.longest, LONGEST_WAIT)

    def exact(self, receiver, shim, n):
        self.assert_exact(receiver, shim, collections.Counter({Request("good", "GET", 200): n}))

    def slowly(self, receiver, **environment):
        shim = servers.Shim(receiver)
        aide = os.path.join(servers.BUILD, "real", "slow_resolver.so")
        shim.environment.update(environment, LD_PRELOAD=shim.environment["LD_PRELOAD"] + ":" + aide)
        return shim

    def stopped(self, make):
        """What found the queue full is counted, all else comes, and together it is all there was; but for
        datagrams that were given up, which are counted as such."""
        receiver = Apart()
        self.addCleanup(receiver.close)
        with make(servers.Shim(receiver, QUEUE_EVENTS=64, REQUEST_LOG=None)) as server:
            with Clients(server) as clients:
                clients.wait_for(50)
                receiver.process.send_signal(signal.SIGSTOP)
                clients.wait_for(3000)
                receiver.process.send_signal(signal.SIGCONT)
                clients.wait_for(50)
            self.settled(clients)
        counters, timers, refused = receiver.tell()
        self.assertEqual(refused, 0)
        dropped = counters.get("app.stats_hero.dropped", 0)
        given_up = counters.get("app.stats_hero.send_errors", 0)
        self.assertGreater(dropped, 0)
        missing = 2 * clients.answered - counters[Keys().all] - timers[Keys().all] - dropped
        lines = 1432 // len(Keys().all)
        self.assertIn(missing, range(0, given_up * lines + 1), f"{dropped} dropped, {given_up} given up")

    def named_slowly(self, make):
        """Requests wait for the receiver's address, and nobody else does."""
        with Slow() as receiver:
            shim = self.slowly(receiver)
            with make(shim) as server:
                with Clients(server) as clients:
                    clients.wait_for(500)
                self.settled(clients)
                self.assertEqual(receiver.datagrams, 0)
                self.wait_for_ends(receiver, clients.answered, timeout=60)
            self.exact(receiver, shim, clients.answered)

    def ends_amid_a_look_up(self, make):
        with Slow() as receiver, make(self.slowly(receiver, SLOW_RESOLVER_SECONDS="300")) as server:
            self.get(server, n=10)
            began = time.monotonic()
            server.stop()
            self.assertLess(time.monotonic() - began, LONGEST_WAIT)

    def without_buffers(self, make):
        """ENOBUFS from the kernel, each second time: tried again, and nothing is lost."""
        path = os.path.join(servers.temporary_folder(), "trace")
        trace = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", path, "-e", "trace=sendmmsg",
                 "-e", "inject=sendmmsg:error=ENOBUFS:when=1+2"]
        with Receiver() as receiver:
            shim = servers.Shim(receiver)
            with make(shim, runner=trace) as server:
                with Clients(server) as clients:
                    clients.wait_for(300)
                self.settled(clients)
                self.wait_for_ends(receiver, clients.answered)
            self.exact(receiver, shim, clients.answered)
        with open(path, encoding="ascii") as file:
            self.assertIn("(INJECTED)", file.read())

    def dies(self, make, number, shim):
        """A server that dies under load: its exit status, and how much it answered before. Of nginx it is
        the worker, unless it is told to end."""
        server = make(shim)
        server.good_exits = (0, -number)
        worker = make is servers.Nginx and number != signal.SIGTERM
        with server:
            with Clients(server) as clients:
                clients.wait_for(200)
                if worker:
                    [victim] = server.children()
                    os.kill(victim, number)
                    self.assertTrue(servers.poll(lambda: server.children() not in ([], [victim])))
                    status = re.findall(rf"worker process {victim} (exited .*)", server._read("error.log"))
                else:
                    server.signal(number)
                    status = server.process.wait(20)
                    servers.poll(lambda: len(clients.errors) == 4)
        self.assertEqual([error for error in clients.errors if not isinstance(error, DEATHS)], [])
        self.assertLess(clients.longest, LONGEST_WAIT)
        return status, clients.answered

    def death(self, make, number):
        """It is the same with the shim as without, and what was sent is whole, and no more than there was."""
        status, _ = self.dies(make, number, None)
        with Receiver() as receiver:
            within, answered = self.dies(make, number, servers.Shim(receiver))
            self.assertEqual(within, status)
            receiver.barrier()
            self.assertEqual(receiver.refused, [])
            started, ended = receiver.counter(Keys().all), receiver.timer_count(Keys().all)
            self.assertLessEqual(ended, started)
            self.assertLessEqual(started, answered + 4)
            if status == 0:  # an orderly end loses nothing
                self.assertGreaterEqual(ended, answered)


def each(name, method, *arguments):
    """One test for each server."""
    for make in SERVERS:
        def test(self, make=make):
            getattr(self, method)(make, *arguments)
        setattr(Faults, f"test_{name}_{make.__name__}", test)


each("receiver_stopped", "stopped")
each("name_takes_ten_seconds", "named_slowly")
each("end_amid_a_look_up", "ends_amid_a_look_up")
if not servers.SANITIZED:  # a sanitizer's runtime minds being traced
    each("no_buffers", "without_buffers")
for signum in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
    each(signum.name.lower(), "death", signum)
