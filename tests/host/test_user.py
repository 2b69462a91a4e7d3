"""Processes that change their user after they have served, and what else one with a single thread may expect."""

import os
import socket
import subprocess
import threading
import unittest

from case import Receiver
from hostcase import TIMEOUT, HostCase, program, requests, scenarios, servers

AROUND = requests(("before", 200, 3), ("after", 200, 3))
FUNCTIONS = ("setuid", "setgid", "seteuid", "setegid", "setreuid", "setregid", "setresuid",
             "setresgid", "setgroups", "initgroups")


class FullReceiver(Receiver):
    """One that nothing more fits into, until it is let go."""

    def __init__(self):
        self._go = threading.Event()
        super().__init__(path=os.path.join(servers.temporary_folder(), "receiver"))
        os.chmod(os.path.dirname(self.path), 0o755)
        os.chmod(self.path, 0o777)
        while self._fill() > 0:
            pass

    def _fill(self):
        """By one socket, which has a limit of its own. How many datagrams that took."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for n in range(1 << 20):
                try:
                    sender.sendto(self._mark, self.path)
                except BlockingIOError:
                    return n

    def _receive(self):
        self._go.wait()
        super()._receive()

    def let_go(self):
        self._go.set()


class Conversation(HostCase):
    """Something happens in the middle of the program."""

    def conversation(self, scenario, in_between, expected, **settings):
        shim = self.shim(**settings)
        environment = dict(servers.plain_environment(), **shim.environment)
        with subprocess.Popen([program("user"), scenario], env=environment, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            said = process.stdout.readline()
            in_between()
            _, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual((said, errors, process.returncode), ("ready\n", "", 0))
        self.assert_exact(self.receiver, shim, expected)


@unittest.skipUnless(os.geteuid() == 0, "only root may become somebody else")
@scenarios("user", {name: AROUND for name in (*FUNCTIONS, "dropped", "in_vfork_child", "keeps_capabilities",
                                              "first_of_its_namespace", "other_namespaces",
                                              "other_namespaces_by_number")})
@scenarios("user", {"racing": requests(("racing", 200, 6))})
class Changes(HostCase):
    """The sender becomes who the process becomes, and nothing is lost."""

    def any_number(self, scenario, label):
        shim = self.shim()
        self.run_under(shim, "user", scenario)
        self.receiver.barrier()
        self.assert_exact(self.receiver, shim, requests((label, 200, len(shim.requests()))))

    def test_while_serving(self):
        self.any_number("while_serving", "thread")

    def test_in_handler(self):
        self.any_number("in_handler", "handler")

    @unittest.skipIf(servers.SANITIZED, "a sanitizer's sender is one of libc's threads, and stays")
    def test_limited(self):
        self.exact(AROUND, "user", "limited", shim=self.shim(LOG_LEVEL="off"))


@unittest.skipUnless(os.geteuid() == 0, "only root may become somebody else")
class Stuck(Conversation):
    """The sender waits for a receiver that takes nothing: it is replaced all the same, and what it had stays."""

    def setUp(self):
        self.receiver = FullReceiver()
        self.addCleanup(self.receiver.close)
        self.addCleanup(self.receiver.let_go)

    def test_stuck(self):
        self.conversation("stuck", self.receiver.let_go, AROUND)

    def test_stays_dumpable(self):
        self.conversation("stays_dumpable", self.receiver.let_go, AROUND)


@unittest.skipUnless(os.geteuid() == 0, "only root may become somebody else")
class Silence(Conversation):
    def arrives(self):
        self.assertTrue(self.receiver.wait_until(lambda: self.receiver.counter("app.application.byStatusCode.200") == 100))

    def test_pairs(self):
        """What waited while threads were replaced is sent in its time, though nothing comes any more."""
        self.conversation("pairs", self.arrives, requests(("pair", 200, 100)))


@scenarios("user", {"thread_exits": AROUND, "first_thread_exits": AROUND,
                    "last_thread_exits": requests(("before", 200, 3))})
class Ends(HostCase):
    """Threads that end by number: with the last of the host's the process ends."""


@unittest.skipIf(servers.SANITIZED, "a sanitizer has to know every thread")
@scenarios("user", {"stays_single": requests(("before", 200, 3)),
                    "last_thread_ends": requests(("before", 200, 3))})
class Single(HostCase):
    """libc does not know the sender's thread."""

    def test_beside_a_library_that_libc_makes_variables_for(self):
        shim = self.shim()
        shim.environment["LD_PRELOAD"] += ":" + os.path.join(servers.BUILD, "real", "tls_variables.so")
        self.exact(requests(("before", 200, 3)), "user", "serves", shim=shim)
