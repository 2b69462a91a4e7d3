"""Servers as families of processes: forked workers, reloads under load, workers that are killed."""

import collections
import os
import signal
import threading
import unittest

from case import Keys, Receiver, Request, ShimCase, requests_of, servers


class Processes(ShimCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.shim = servers.Shim(self.receiver)

    def pids_in_log(self):
        return {line["pid"] for line in self.shim.requests()}

    def test_prefork_children_all_report(self):
        n = 400
        with servers.Apache(self.shim, mpm="prefork") as server:
            # Keep-alive connections, held open together, keep more than one child busy.
            connections = [server.connect() for _ in range(4)]
            try:
                for _ in range(n // 4):
                    for connection in connections:
                        connection.sendall(b"GET /good/page.html HTTP/1.1\r\nHost: x\r\n\r\n")
                    for connection in connections:
                        size = 0
                        while size < 612:
                            part = connection.recv(65536)
                            self.assertTrue(part)
                            size += len(part)
            finally:
                for connection in connections:
                    connection.close()
            self.wait_for_ends(self.receiver, n)
        self.assertEqual(sum(requests_of(server.records()).values()), n)
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("good", "GET", 200): n}))
        self.assertEqual(len(self.pids_in_log()), 4)

    def test_workers_all_report(self):
        with servers.Nginx(self.shim, workers=4) as server:
            self.assertTrue(servers.poll(lambda: len(server.children()) == 4))
            workers = set(server.children())
            servers.ab(server.url("/ab/page.html"), 4000, 16)
            self.wait_for_ends(self.receiver, 4000)
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("ab", "GET", 200): 4000}))
        self.assertLessEqual(self.pids_in_log(), workers)
        self.assertGreater(len(self.pids_in_log()), 1)

    def test_reload_under_load(self):
        """New workers at every SIGHUP, old ones that finish what they have: no request is lost."""
        n, reloads = 30_000, 4
        with servers.Nginx(self.shim, workers=2) as server:
            done = []
            load = threading.Thread(
                target=lambda: done.append(servers.ab(server.url("/ab/page.html"), n, 4)))
            load.start()
            seen = set(server.children())
            for i in range(reloads):
                target = n * (i + 1) // (reloads + 2)
                self.receiver.wait_until(lambda: self.receiver.counter(Keys().all) >= target, 30)
                before = set(server.children())
                server.signal(signal.SIGHUP)
                self.assertTrue(servers.poll(lambda: len(set(server.children()) - before) >= 2))
                seen |= set(server.children())
            load.join()
            self.assertEqual(done, [n], "ab saw failures")
            self.assertGreaterEqual(len(seen), 2 * (reloads + 1))
            self.wait_for_ends(self.receiver, n)
        self.assertEqual(requests_of(server.records()), {Request("ab", "GET", 200): n})
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("ab", "GET", 200): n}))
        self.assertGreater(len(self.pids_in_log()), 2)

    def test_new_binary_under_load(self):
        """SIGUSR2: the master starts a new one on its listening sockets, and is then told to end."""
        n, upgrades = 20_000, 2
        with servers.Nginx(self.shim, workers=2, daemon=True, keep_environment=True) as server:
            done = []
            load = threading.Thread(
                target=lambda: done.append(servers.ab(server.url("/ab/page.html"), n, 4)))
            load.start()
            for i in range(upgrades):
                target = n * (i + 1) // (upgrades + 2)
                self.receiver.wait_until(lambda: self.receiver.counter(Keys().all) >= target, 30)
                self.new_master(server)
            load.join()
            self.assertEqual(done, [n], "ab saw failures")
            self.wait_for_ends(self.receiver, n)
        self.assertEqual(requests_of(server.records()), {Request("ab", "GET", 200): n})
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("ab", "GET", 200): n}))
        self.assertGreaterEqual(len(self.pids_in_log()), upgrades + 1)

    def new_master(self, server):
        old = server.pid()
        os.kill(old, signal.SIGUSR2)
        self.assertTrue(servers.poll(lambda: self.master_after(server, old)), server.diagnostics())
        os.kill(old, signal.SIGQUIT)
        self.assertTrue(servers.process_ended(old, 20), server.diagnostics())

    @staticmethod
    def master_after(server, old):
        """The new master's workers are there; it writes its pid where the old one's was."""
        try:
            return server.pid() != old and len(server.children()) == 2
        except (FileNotFoundError, ValueError):
            return False

    def test_apache_reload_under_load(self):
        n = 10_000
        with servers.Apache(self.shim, mpm="event") as server:
            done = []
            load = threading.Thread(
                target=lambda: done.append(servers.ab(server.url("/ab/page.html"), n, 4)))
            load.start()
            for i in range(2):
                self.receiver.wait_until(lambda: self.receiver.counter(Keys().all) >= n * (i + 1) // 4, 30)
                before = set(server.children())
                server.signal(signal.SIGUSR1)
                self.assertTrue(servers.poll(lambda: set(server.children()) - before))
            load.join()
            self.assertEqual(done, [n], "ab saw failures")
            self.wait_for_ends(self.receiver, n)
        self.assertEqual(requests_of(server.records()), {Request("ab", "GET", 200): n})
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("ab", "GET", 200): n}))

    def test_worker_killed(self):
        """What was reported before stays, and the worker that takes its place counts on."""
        with servers.Nginx(self.shim, workers=1) as server:
            self.get(server, n=50)
            self.wait_for_ends(self.receiver, 50)
            self.assertTrue(servers.poll(lambda: len(server.children()) == 1))
            [worker] = server.children()
            os.kill(worker, signal.SIGKILL)
            self.assertTrue(servers.process_ended(worker, 10) or worker not in server.children())
            self.assertTrue(servers.poll(lambda: server.children() not in ([], [worker])))
            self.get(server, n=70)
            self.wait_for_ends(self.receiver, 120)
            self.assertTrue(server.alive())
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("good", "GET", 200): 120}))
        self.assertEqual(len(self.pids_in_log()), 2)

    def test_worker_killed_amid_a_request(self):
        """A request that no process can end any more is never reported as finished."""
        with servers.Nginx(self.shim, workers=1) as server:
            self.get(server, n=5)
            self.assertTrue(servers.poll(lambda: len(server.children()) == 1))
            [worker] = server.children()
            with server.connect() as connection:
                connection.sendall(b"GET /slow/file.txt HTTP/1.1\r\nHost: x\r\n\r\n")
                started = Keys().kind("slow", "GET")
                self.assertTrue(self.receiver.wait_until(lambda: self.receiver.counter(started) == 1))
                os.kill(worker, signal.SIGKILL)
                self.assertTrue(servers.poll(lambda: server.children() not in ([], [worker])))
            self.get(server, n=5)
            self.wait_for_ends(self.receiver, 10)
        self.assert_clean(self.receiver)
        self.assertEqual(self.receiver.counter(Keys().all), 11)
        self.assertEqual(self.receiver.timer_count(Keys().all), 10)
        self.assertNotIn("slow", {line["label"] for line in self.shim.requests()})

    def test_daemon(self):
        """nginx's default: the parent forks and exits; its children must still be heard."""
        with servers.Nginx(self.shim, workers=2, daemon=True) as server:
            self.assertEqual(server.process.wait(10), 0)
            servers.ab(server.url("/ab/page.html"), 3000)
            self.wait_for_ends(self.receiver, 3000)
            self.assertTrue(server.alive())
        self.assert_exact(self.receiver, self.shim, collections.Counter({Request("ab", "GET", 200): 3000}))
        self.assertNotIn(server.process.pid, self.pids_in_log())

    def test_orderly_end_loses_nothing(self):
        """What the queue holds when a server is told to end still goes out: no waiting for ends here."""
        for make in (servers.Nginx, servers.Apache, servers.PythonServer, servers.Node):
            with self.subTest(server=make.__name__), Receiver() as receiver:
                shim = servers.Shim(receiver, FLUSH_MS=60_000)
                with make(shim) as server:
                    self.get(server, n=200)
                receiver.barrier()
                self.assertEqual(receiver.counter(Keys().all), 200)
                self.assertEqual(receiver.timer_count(Keys().all), 200)
                self.assert_clean(receiver)

    @unittest.skipIf(servers.SANITIZED, "a sanitizer's runtime has a thread of its own")
    def test_threads(self):
        """No thread before the first request, then exactly one more per process that served one."""
        with servers.Nginx(self.shim, workers=1) as server:
            self.assertTrue(servers.poll(lambda: len(server.children()) == 1))
            [worker] = server.children()

            def threads(pid):
                names = []
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
                        names.append(file.read().strip())
                return sorted(names)

            self.assertEqual(threads(worker), ["nginx"])
            self.get(server, n=3)
            self.wait_for_ends(self.receiver, 3)
            self.assertEqual(threads(worker), ["nginx", "stats-hero"])
            self.assertEqual(threads(server.pid()), ["nginx"])
