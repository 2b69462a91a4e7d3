"""Functions that are timed in a library of a module of a module: Apache's mod_php, its sqlite3, and SQLite."""

import collections
import http.client
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import daemons
import judge
import servers
from case import Keys
from measure import shared
from receiver import Receiver

ROWS = (1, 2, 5, 10)
TIMES = 25


class ModPhp(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def ask(self, port):
        """On connections of their own, so that several of Apache's processes answer."""
        for i in range(TIMES):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            for rows in ROWS:
                connection.request("GET", f"/r{rows}", headers={"X-Request-Id": f"{i}-{rows}"})
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.read()), (200, f"{rows}\n".encode()))
            connection.close()

    def test_timers(self):
        shim = servers.Shim(self.receiver, TIMERS="sqlite3_step@libsqlite3.so.*=rdbms.step", UPSTREAM_PREFIXES="rdbms")
        shared(shim.log_path)
        script = daemons.apache_php(daemons.APPS + "/sqlite.php")
        n = TIMES * len(ROWS)
        with daemons.Apache(shim, mpm="prefork", more=script) as server:
            self.ask(server.port)
            judge.wait(self.receiver, n, shim.app)
        self.receiver.barrier()
        keys = Keys(shim.app)
        self.assertEqual(self.receiver.counter(keys.all), n)
        steps = collections.Counter()
        for line in shim.requests():
            rows = int(line["label"][1:])
            self.assertEqual(set(line["timers"]), {"rdbms.step"}, line)
            timer = line["timers"]["rdbms.step"]
            self.assertLessEqual(timer["time_us"], line["req_time_us"], line)
            steps[rows, timer["count"]] += 1
        # query() takes the first step, to know that there is one, and begins anew.
        self.assertEqual(steps, {(rows, rows + 2): TIMES for rows in ROWS})
        self.assertEqual(self.receiver.timer_count(f"{shim.app}.upstreamRequests.rdbms.step"), n)


if __name__ == "__main__":
    unittest.main()
