"""Servers that somebody else accepts, or listens, for: inetd, systemd, and socket activation's own tool."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import daemons
import hosted
import judge
import load
import servers
from measure import shared
from receiver import Receiver
from servers import Server, site

ROUNDS = 8
INETD = load.FEATURES - {"alive", "pipeline", "chunked", "post", "nap"}  # what a Busybox httpd takes
ACTIVATE = shutil.which("systemd-socket-activate")


def busybox(folder):
    config = daemons.write(folder, "httpd.conf", "A:*\n")
    return ["busybox", "httpd", "-i", "-h", site(), "-c", config]


class Inetd:
    """Accepts, and starts a server for each connection, with it as standard input, output and error."""

    def __init__(self, shim):
        self.environment = dict(servers.plain_environment(), **shim.environment)
        self.argv = busybox(servers.temporary_folder())
        self.children = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.children.append(subprocess.Popen(self.argv, env=self.environment, stdin=connection,
                                                      stdout=connection, stderr=connection))

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for child in self.children:
            child.wait(30)


class Activated(Server):
    """systemd-socket-activate, which is not under the shim, starts what is."""

    good_exits = (0, -signal.SIGTERM)

    def argv(self):
        variables = [word for pair in self.options["under"].environment.items() for word in ("-E", "=".join(pair))]
        return [ACTIVATE, "-l", f"127.0.0.1:{self.port}", *variables, *self.options["argv"]]


class Handed(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.shim = servers.Shim(self.receiver)
        shared(self.shim.log_path)

    def counts(self, server, takes):
        with server:
            answers = load.run(server.port, takes, ROUNDS)
            judge.wait(self.receiver, len(answers), self.shim.app)
        self.assertEqual({answer.status for answer in answers} >= {200, 404}, True)
        judge.Judge().judge(self.receiver, self.shim, answers)

    def test_inetd(self):
        self.counts(Inetd(self.shim), INETD)

    @unittest.skipUnless(ACTIVATE, "systemd-socket-activate is not installed")
    def test_systemd_accepts(self):
        argv = ["-a", "--inetd", *busybox(servers.temporary_folder())]
        self.counts(Activated(under=self.shim, argv=argv), INETD)

    @unittest.skipUnless(ACTIVATE, "systemd-socket-activate is not installed")
    def test_systemd_listens(self):
        argv = [word for word in hosted.gunicorn("-w", "2")["argv"] if word not in ("-b", "127.0.0.1:PORT")]
        self.counts(Activated(under=self.shim, argv=argv), load.FEATURES - {"pipeline", "chunked", "alive"})


if __name__ == "__main__":
    unittest.main()
