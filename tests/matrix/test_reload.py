"""Servers that begin anew, most of them under load, as gunicorn, uWSGI and php-fpm do each in its way: what their old
processes served is counted, and what their new ones serve."""

import concurrent.futures
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import daemons
import hosted
import judge
import load
import servers
from case import Keys
from measure import shared
from receiver import Receiver

RELOADS = 3
TAKES = load.FEATURES - {"pipeline", "chunked", "alive", "nap"}  # signals cut naps short


class Reloads(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.shim = servers.Shim(self.receiver)
        shared(self.shim.log_path)

    def reload(self, server, number):
        """Returns once there are new workers and the old ones have ended. A server that is still at its
        last start may miss a signal: it gets another one."""
        before = set(server.children())

        def anew():
            return set(server.children()) and not before & set(server.children())

        for _ in range(3):
            server.signal(number)
            if servers.poll(anew, 10):
                return
        self.fail(server.diagnostics())

    def under_load(self, port, server, number, rounds):
        """The load goes on while the server is told by the signal `number`, again and again."""
        n = sum(len(batch) for hand in load.plan(TAKES, rounds) for batch in hand)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answers = pool.submit(load.run, port, TAKES, rounds)
            for i in range(RELOADS):
                target = n * (i + 1) // (RELOADS + 2)
                self.receiver.wait_until(lambda: self.receiver.counter(Keys().all) >= target, 60)
                self.reload(server, number)
            return answers.result()

    def between_loads(self, options):
        """gunicorn's master kills old workers that are slow to end, and uWSGI's resets connections that
        come meanwhile: so nothing is under way, nor waits to be sent, when they are told."""
        answers = []
        with hosted.Hosted(self.shim, **options) as server:
            for i in range(RELOADS + 1):
                if i > 0:
                    self.reload(server, signal.SIGHUP)
                answers += load.run(server.port, TAKES, 8)
                judge.wait(self.receiver, len(answers), self.shim.app)
        judge.Judge().judge(self.receiver, self.shim, answers)
        pids = {line["pid"] for line in self.shim.requests()}
        self.assertGreaterEqual(len(pids), RELOADS + 1, pids)

    def gunicorn(self, *options):
        """Its master tells an old worker to end, and tells it again before it has: one that Python has
        given the signal's default action back by then ends on the spot."""
        with hosted.Hosted(self.shim, **hosted.gunicorn("-w", "2", *options)) as server:
            answers = self.under_load(server.port, server, signal.SIGHUP, 72)
            judge.wait(self.receiver, len(answers), self.shim.app)
        judge.Judge().judge(self.receiver, self.shim, answers)

    def test_gunicorn(self):
        self.gunicorn()

    def test_gunicorn_threads(self):
        self.gunicorn("-k", "gthread", "--threads", "3")

    def test_uwsgi(self):
        """Its master runs itself anew, in the same process."""
        self.between_loads(hosted.uwsgi("-p", "2", "--http-socket", "127.0.0.1:PORT"))

    def test_php_fpm(self):
        """Its master runs itself anew as well; the requests are nginx's to count."""
        with daemons.PhpFpm(self.shim) as fpm, servers.Nginx(self.shim, **daemons.nginx_fastcgi(fpm.path)) as front:
            answers = self.under_load(front.port, fpm, signal.SIGUSR2, 72)
            judge.wait(self.receiver, len(answers), self.shim.app)
        judge.Judge().judge(self.receiver, self.shim, answers)


if __name__ == "__main__":
    unittest.main()
