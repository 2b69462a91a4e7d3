"""What the tests of servers under the shim have in common: expectations told as lists of requests."""

import collections
import http.client
import os
import re
import unittest
import uuid

import servers
from receiver import Receiver

REPEAT = max(1, int(os.environ.get("REPEAT", "2")))
LEGAL_KEY = re.compile(r"[A-Za-z0-9_.-]+")
LOG_FIELDS = {
    "request_id": str, "app": str, "host": str, "pid": int, "tid": int, "label": str, "action": str,
    "status": int, "start_us": int, "req_time_us": int, "outcome": str, "timers": dict,
}

# One request that is to be reported.
Request = collections.namedtuple("Request", "label action status")


def label_of(target):
    """The label of a request target without ROUTES, by the rule in words: the first path segment;
    root for none; id for a number, a UUID or a long hex string; cleaned of what no key may hold."""
    path = re.split(r"[?#]", target)[0]
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        return "root"
    first = segments[0]
    if re.fullmatch(r"[0-9]+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}", first):
        return "id"
    return re.sub(r"[^A-Za-z0-9_-]", "_", first)


def requests_of(records):
    """What a server's own log says, as what is to be reported."""
    return collections.Counter(
        Request(label_of(record.path), record.method, record.status) for record in records
    )


class Keys:
    """The names of the metrics of an app."""

    def __init__(self, app="app", host=servers.HOST_NAME):
        self.app = app
        self.all = f"{app}.application.allRequests"
        self.host = f"{app}.{host}.allRequests"
        self._host_status = f"{app}.{host}.byStatusCode."

    def kind(self, label, action):
        return f"{self.app}.application.byRequestType.{label}.{action}"

    def status(self, status):
        return f"{self.app}.application.byStatusCode.{status}"

    def host_status(self, status):
        return self._host_status + str(status)


class ShimCase(unittest.TestCase):
    maxDiff = None
    longMessage = True

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(servers.SHIM):
            raise AssertionError(f"{servers.SHIM} is not built")

    def no_drops(self, receiver):
        """The kernel's own losses are no fault of the shim; without root the buffer is small."""
        dropped = receiver.dropped()
        if dropped and os.getuid() != 0:
            self.skipTest(f"the kernel dropped {dropped} datagrams: as root the receiver gets a larger buffer")
        self.assertEqual(dropped, 0, "datagrams dropped by the kernel before the receiver took them")

    def assert_clean(self, receiver, app="app"):
        """Nothing refused, no forged key, and the shim dropped nothing by its own account."""
        receiver.barrier()
        keys = receiver.keys  # digests what is pending, too
        self.assertEqual(receiver.refused[:3], [], "refused datagrams")
        for key in keys:
            self.assertRegex(key, rf"\A{re.escape(app)}\.[A-Za-z0-9_.-]+\Z")
            self.assertIn(key.split(".")[1], ("application", servers.HOST_NAME, "stats_hero", "upstreamRequests"))
        self.no_drops(receiver)
        for name in ("dropped", "send_errors", "down"):
            self.assertEqual(receiver.counter(f"{app}.stats_hero.{name}"), 0, name)

    def wait_for_ends(self, receiver, n, app="app", timeout=20):
        """Waits for `n` ends, if they come; what is there is judged later, in full."""
        receiver.wait_until(lambda: receiver.timer_count(Keys(app).all) >= n, timeout)

    def assert_metrics(self, receiver, expected, app="app", besides=()):
        """The receiver got exactly the metrics of the requests in the Counter `expected`, and counters
        that are named in `besides`, if any."""
        keys = Keys(app)
        total = sum(expected.values())
        statuses, kinds = collections.Counter(), collections.Counter()
        for request, times in expected.items():
            statuses[request.status] += times
            kinds[request.label, request.action] += times

        counters = collections.Counter({keys.all: total, keys.host: total})
        timers = collections.Counter({keys.all: total, keys.host: total})
        for (label, action), times in kinds.items():
            counters[keys.kind(label, action)] = times
            timers[keys.kind(label, action)] = times
        for status, times in statuses.items():
            counters[keys.status(status)] = times
            counters[keys.host_status(status)] = times
        found = {key: value for key, value in receiver.counters.items() if key not in besides}
        self.assertEqual(found, {k: v for k, v in counters.items() if v}, "counters")
        self.assertEqual(
            {key: len(values) for key, values in receiver.timers.items()},
            {k: v for k, v in timers.items() if v},
            "timer values",
        )

    def assert_log(self, shim, receiver, expected, outcomes=("done",)):
        """The request log tells the same requests, and times that agree with the timers."""
        lines = shim.requests()
        for line in lines:
            self.assertEqual(set(line), set(LOG_FIELDS), line)
            for field, kind in LOG_FIELDS.items():
                self.assertIs(type(line[field]), kind, line)
            self.assertEqual((line["app"], line["host"], line["timers"]), (shim.app, servers.HOST_NAME, {}))
            self.assertIn(line["outcome"], outcomes, line)
            self.assertGreater(line["start_us"], 1_600_000_000_000_000)
            self.assertGreaterEqual(line["req_time_us"], 0)
            self.assertGreater(min(line["pid"], line["tid"]), 0)
        found = collections.Counter(Request(line["label"], line["action"], line["status"]) for line in lines)
        self.assertEqual(found, +expected, "request log")
        made = [line["request_id"] for line in lines]
        self.assertEqual(len(made), len(set(made)), "request ids are not unique")
        milliseconds = sorted(line["req_time_us"] // 1000 for line in lines)
        self.assertEqual(receiver.timers.get(Keys(shim.app).all, []), milliseconds, "timers and log")
        return lines

    def assert_exact(self, receiver, shim, expected, outcomes=("done",)):
        """All of the above, once the server has ended or the last request is in."""
        self.wait_for_ends(receiver, sum(expected.values()), shim.app)
        self.assert_clean(receiver, shim.app)
        self.assert_metrics(receiver, expected, shim.app)
        return self.assert_log(shim, receiver, expected, outcomes)

    def get(self, server, path="/good/page.html", n=1, method="GET", request_id=None):
        """`n` requests one after the other on one connection; returns the statuses."""
        statuses = []
        if server.tls:
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30,
                                                     context=servers.trusting())
        else:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        try:
            for _ in range(n):
                headers = {"X-Request-Id": request_id} if request_id else {}
                connection.request(method, path, headers=headers)
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
        finally:
            connection.close()
        return statuses


def new_id():
    return uuid.uuid4().hex


__all__ = ["Keys", "REPEAT", "Receiver", "Request", "ShimCase", "label_of", "new_id", "requests_of", "servers"]
