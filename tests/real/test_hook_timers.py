"""Timed functions of real programs and libraries: each request tells exactly the calls made for it."""

import collections
import json
import os

from case import Receiver, ShimCase, servers
from postgres import Postgres

UPSTREAM = "app.upstreamRequests."


class Application(servers.PythonServer):
    """tests/real/upstream_server.py. options: postgres, web (servers)."""

    def argv(self):
        postgres, web = self.options["postgres"], self.options["web"]
        script = os.path.join(servers.ROOT, "tests", "real", "upstream_server.py")
        return [servers.PYTHON, "-u", script, postgres.folder, str(postgres.port), web.url("/nodes/page.html")]


class Timers(ShimCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.messages_path = os.path.join(servers.temporary_folder(), "messages")

    def shim(self, timers, **settings):
        return servers.Shim(self.receiver, TIMERS=timers, TIME_UNIT="us", LOG=self.messages_path, **settings)

    def assert_timers(self, shim, label, n, counts):
        """`n` requests of the label each have these counts."""
        self.wait_for_ends(self.receiver, n)
        lines = [line for line in shim.requests() if line["label"] == label]
        self.assertEqual(len(lines), n)
        timed_us = sum(timer["time_us"] for line in lines for timer in line["timers"].values())
        self.assertLess(timed_us, sum(line["req_time_us"] for line in lines))
        self.assertGreater(timed_us, 0)
        for line in lines:
            found = {name: timer["count"] for name, timer in line["timers"].items()}
            self.assertEqual(found, counts, line)

    def assert_upstreams(self, n, names):
        """Each name came with `n` requests, and their summed time with them."""
        self.assert_clean(self.receiver)
        found = {key[len(UPSTREAM):]: len(times) for key, times in self.receiver.timers.items()
                 if key.startswith(UPSTREAM)}
        prefixes = collections.Counter({name.split(".")[0]: n for name in names})
        self.assertEqual(found, {**prefixes, **{name: n for name in names}})
        self.assertFalse(os.path.exists(self.messages_path), "the shim has something to say")


class StandardTimers(Timers):
    """TIMERS=default: client libraries in an application that serves requests in threads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres, cls.web = Postgres(), servers.Nginx()
        for server in (cls.postgres, cls.web):
            server.__enter__()
            cls.addClassCleanup(server.__exit__, None, None, None)

    def served(self, path, n=100):
        """Returns the shim, and what each of `n` requests was answered; it is answered so without it."""
        answers = []
        for shim in (None, self.shim("default")):
            with Application(shim=shim, postgres=self.postgres, web=self.web) as server:
                answers.append(json.loads(servers.run(["curl", "-sS", server.url(path)])))
                servers.ab(server.url(path), n - 1, concurrency=4)
        self.assertEqual(answers[1], answers[0])
        return shim, answers[1]

    def test_sqlite(self):
        for rows in (0, 1, 30):
            with self.subTest(rows=rows), Receiver() as self.receiver:
                shim, answer = self.served(f"/sqlite/{rows}")
                self.assertEqual(answer, list(range(rows)))
                self.assert_timers(shim, "sqlite", 100,
                                   {"sqlite.open": 1, "sqlite.prepare": 3, "sqlite.step": 2 * rows + 2})
                self.assert_upstreams(100, ["sqlite.open", "sqlite.prepare", "sqlite.step"])

    def test_postgres(self):
        before = self.postgres.statements()
        shim, answer = self.served("/postgres/7")
        self.assertEqual(answer, [*range(7), "22012"])
        statements = (self.postgres.statements() - before) / 200
        self.assert_timers(shim, "postgres", 100, {"rdbms.connect": 1, "rdbms.exec": statements})
        self.assert_upstreams(100, ["rdbms.connect", "rdbms.exec"])

    def test_curl(self):
        shim, answer = self.served("/curl/5")
        self.assertEqual(answer, [612] * 5)
        self.assert_timers(shim, "curl", 100, {"http.perform": 5})
        self.assert_upstreams(100, ["http.perform"])


class NamedTimers(Timers):
    def test_nginx(self):
        """One connection: the request that its only thread is serving is certain."""
        shim = self.shim("ngx_http_process_request=web.process")
        with servers.Nginx(shim=shim) as server:
            servers.ab(server.url("/ab/page.html"), 1000, concurrency=1, keepalive=True)
        self.assert_timers(shim, "ab", 1000, {"web.process": 1})
        self.assert_upstreams(1000, ["web.process"])

    def test_a_function_that_the_shim_stands_before(self):
        """What nginx sends goes through libc's function, though it has one thread."""
        shim = self.shim("writev@libc.so.6=libc.writev")
        with servers.Nginx(shim=shim) as server:
            servers.ab(server.url("/ab/page.html"), 1000, concurrency=1, keepalive=True)
        self.assert_timers(shim, "ab", 1000, {"libc.writev": 1})

    def test_apache_threads(self):
        shim = self.shim("ap_run_handler=web.handler")
        with servers.Apache(shim=shim, mpm="event") as server:
            servers.ab(server.url("/abk/page.html"), 1000, concurrency=4, keepalive=True)
        self.assert_timers(shim, "abk", 1000, {"web.handler": 1})
        self.assert_upstreams(1000, ["web.handler"])
