"""The environment, as a host's start sees it: which programs and ports, where messages go, bad values."""

import os
import re
import socket

from hostcase import HostCase, program, requests, run, servers

# Variable, a value that can't be used, what the line says of what is accepted and of what is used.
BAD = (
    ("ESTATSD_HOST", "", "host name", "127.0.0.1"),
    ("ESTATSD_PORT", "0", "65535", "8125"),
    ("ESTATSD_PORT", "70000", "65535", "8125"),
    ("ESTATSD_PORT", "http", "65535", "8125"),
    ("PROTOCOL", "graphite", "statsd", "estatsd"),
    ("UDP_SOCKET_POOL_SIZE", "-1", "64", "1"),
    ("MY_APP", "", "128 characters", "program"),
    ("MY_HOST", "x" * 200, "128 characters", "host"),
    ("REQUEST_ID_HEADER", "X Request Id", "header", "X-Request-Id"),
    ("MAX_LABELS", "many", "10000", "200"),
    ("LISTEN_PORTS", "80,http", "port", "all"),
    ("TIME_UNIT", "s", "ms or us", "ms"),
    ("AGGREGATE_MS", "1.5", "0 to", "0"),
    ("FLUSH_MS", "0", "1 to", "100"),
    ("DATAGRAM_BYTES", "65508", "65507", "1432"),
    ("QUEUE_EVENTS", "0x100", "16", "65536"),
    ("LOG_LEVEL", "loud", "debug", "warn"),
    ("DISABLE", "yes", "0 or 1", "0"),
)


class Settings(HostCase):
    def told(self, shim, name="early"):
        """Runs a program, which ends well, and returns what was said on standard error."""
        environment = dict(servers.plain_environment(), **shim.environment)
        return run([program(name)], environment).stderr.splitlines()

    def test_bad_values(self):
        """One line each: variable, value, what is accepted, what is used instead. The host runs on."""
        for variable, value, accepted, used in BAD:
            with self.subTest(variable=variable, value=value):
                shim = self.shim(**{variable: value})
                [line] = self.told(shim)
                match = re.fullmatch(r"stats-hero\[\d+\]: warn: STATS_HERO_(\w+)='(.*)' can't be used: "
                                     r"accepted is (.+); used instead: (.+)", line)
                self.assertEqual(match[1], variable)
                self.assertEqual(match[2], value)
                self.assertIn(accepted, match[3])
                self.assertIn(used, match[4])

    def test_bad_values_together(self):
        """Each has its line, in the order of nothing in particular; requests are counted all the same."""
        shim = self.shim(MAX_LABELS="0", TIME_UNIT="", FLUSH_MS="soon")
        lines = self.told(shim)
        self.assertEqual(sorted(re.findall(r"STATS_HERO_(\w+)", "\n".join(lines))),
                         ["FLUSH_MS", "MAX_LABELS", "TIME_UNIT"])
        self.assert_exact(self.receiver, shim, requests(("early", 200, 2)))

    def test_messages_to_a_file(self):
        path = os.path.join(servers.temporary_folder(), "messages")
        self.assertEqual(self.told(self.shim(LOG=path, FLUSH_MS="soon")), [])
        with open(path, encoding="ascii") as file:
            [line] = file.read().splitlines()
        self.assertIn("STATS_HERO_FLUSH_MS='soon'", line)

    def test_messages_off(self):
        self.assertEqual(self.told(self.shim(LOG_LEVEL="off", FLUSH_MS="soon")), [])
        self.assertEqual(self.told(self.shim(LOG_LEVEL="error", FLUSH_MS="soon")), [])

    def test_messages_to_nowhere(self):
        self.assertEqual(self.told(self.shim(LOG="/nonexistent/messages", FLUSH_MS="soon")), [])

    def test_included(self):
        for globs in ("early", "nginx,e*y", " earl? ", "*"):
            with self.subTest(globs=globs):
                self.setUp()
                self.exact(requests(("early", 200, 2)), "early", shim=self.shim(INCLUDE=globs, EXCLUDE="x*"))

    def test_exclude_stands_above_include(self):
        shim = self.shim(INCLUDE="early", EXCLUDE="ear*", FLUSH_MS="soon")
        self.assertEqual(self.told(shim), [])
        self.assert_silent()
        self.assertEqual(shim.requests(), [])

    def test_disabled_says_nothing(self):
        self.assertEqual(self.told(self.shim(DISABLE=1, FLUSH_MS="soon")), [])
        self.assert_silent()


class Ports(HostCase):
    """LISTEN_PORTS: the sockets come from outside, so that their ports are known before."""

    def setUp(self):
        super().setUp()
        self.sockets = [socket.create_server(address, family=family) for address, family in (
            (("127.0.0.1", 0), socket.AF_INET), (("127.0.0.1", 0), socket.AF_INET))]
        for each in self.sockets:
            self.addCleanup(each.close)
        self.ports = [each.getsockname()[1] for each in self.sockets]

    def counted(self, ports, *groups):
        fds = [each.fileno() for each in self.sockets]
        self.exact(requests(*groups), "inherited", *map(str, fds), shim=self.shim(LISTEN_PORTS=ports),
                   pass_fds=fds)

    def test_one(self):
        self.counted(self.ports[1], ("p2", 200, 2))

    def test_both(self):
        self.counted(f"{self.ports[0]}, {self.ports[1]}", ("p1", 200, 2), ("p2", 200, 2))

    def test_neither(self):
        self.counted("1", *())

    def test_all(self):
        self.counted(None, ("p1", 200, 2), ("p2", 200, 2))
