"""bench/overhead's figures are there, and it fails where counts are not exact."""

import collections
import json
import os
import subprocess
import sys
import tempfile
import unittest

import servers

sys.path[1:1] = [os.path.join(servers.ROOT, "bench"), os.path.join(servers.ROOT, "tests", "matrix")]

from cost import cases, exactness, interval


def overhead(*arguments):
    """(exit status, what overhead.json holds, standard error, the picture) of one short pair."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "overhead.json")
        done = subprocess.run(
            [servers.PYTHON, os.path.join(servers.ROOT, "bench", "overhead"), "--pairs", "1", "--rounds", "2",
             "--json", path, *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        with open(path, encoding="utf-8") as file, open(path.replace(".json", ".svg"), encoding="utf-8") as picture:
            return done.returncode, json.load(file), done.stderr, picture.read()


class Overhead(unittest.TestCase):
    def test_every_case(self):
        status, found, errors, picture = overhead()
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(list(dict.fromkeys(row["case"] for row in found["rows"])), [case.name for case in cases.CASES])
        for row in found["rows"]:
            with self.subTest(row["title"], setting=row["setting"]):
                self.figures_are_there(row)
        self.assertTrue(picture.rstrip().endswith("</svg>"))

    def figures_are_there(self, row):
        self.assertTrue(row["exact"])
        self.assertGreater(row["throughput"]["value"], 0)
        self.assertGreater(row["cpu_us"]["plain"], 0.1)
        self.assertGreater(row["latency"]["p99"]["us"], row["latency"]["p50"]["us"])
        http = not row["case"].startswith("redis")
        self.assertEqual(row["requests"] > 10, http)
        self.assertEqual(row["sent_per_request"]["bytes"] > 50, http and row["setting"] != "plain again")

    def test_a_shim_that_counts_nothing_is_not_exact(self):
        status, found, errors, _ = overhead("--cases", "nginx", "--set", "DISABLE=1")
        self.assertEqual(status, 1)
        self.assertEqual([row["exact"] for row in found["rows"]], [True, False, False])
        self.assertIn("counter app.application.allRequests: 0 for", errors)

    def test_a_bound_that_is_not_kept(self):
        status, _, errors, _ = overhead("--cases", "nginx", "--at-least", "0,100")
        self.assertEqual(status, 1)
        self.assertIn("each second: throughput ratio", errors)
        self.assertNotIn("every event", errors)


class Exactness(unittest.TestCase):
    def test_one_more_or_less(self):
        keys = [f"app.{level}.{rest}" for level in ("application", servers.HOST_NAME)
                for rest in ("allRequests", "byStatusCode.200")] + ["app.application.byRequestType.x.GET"]
        counters = collections.Counter(dict.fromkeys(keys, 5))
        timers = collections.Counter({key: 5 for key in keys if "Status" not in key})
        self.assertEqual(exactness.differences(counters.copy(), timers.copy(), 5), [])
        self.assertEqual(len(exactness.differences(counters.copy(), timers.copy(), 6)), 8)
        for key in keys:
            more = counters + collections.Counter([key])
            self.assertEqual(len(exactness.differences(more, timers.copy(), 5)), 1, key)
        other = counters + collections.Counter(["app.application.byStatusCode.499"])
        self.assertEqual(exactness.differences(other, timers.copy(), 5),
                         ["counter app.application.byStatusCode.499: 1 for 0"])


class Interval(unittest.TestCase):
    def test_by_order_statistics(self):
        self.assertEqual(interval.median(range(5)), (2, None, None))
        self.assertEqual(interval.median(range(6)), (2.5, 0, 5))
        self.assertEqual(interval.median(range(20)), (9.5, 5, 14))  # as tables of the sign test have it
        self.assertTrue(interval.median([1.0] * 6).within(0.01))
        self.assertFalse(interval.median([1.0] * 5).within(0.01))
        self.assertFalse(interval.median([0.9] + [1.0] * 5).within(0.01))
