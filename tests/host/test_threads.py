"""Connections that go from thread to thread, threads that end amid a request, and limits."""

import os
import re

from hostcase import HostCase, Keys, requests, scenarios, servers


def numbers(word, out):
    return [int(number) for number in re.findall(word + r" (\d+)", out)]


class Owners(HostCase):
    """The request log names the thread that served."""

    def served_by(self, scenario, expected):
        lines, out = self.exact(expected, "threads", scenario)
        self.assertEqual(len(lines), sum(expected.values()))
        self.assertEqual({line["tid"] for line in lines}, set(numbers("tid", out)))
        self.assertNotIn(lines[0]["pid"], {line["tid"] for line in lines})

    def test_served_elsewhere(self):
        self.served_by("served_elsewhere", requests(("thread", 200, 6)))

    def test_answered_elsewhere(self):
        self.served_by("answered_elsewhere", requests(("thread", 200, 3)))


@scenarios("threads", {
    "many_threads": requests(*((f"t{n}", 200, 100) for n in range(8))),
    "thread_after_thread": requests(("thread", 200, 500)),
    "destructor_serves": requests(("thread", 200, 3), ("destructor", 200, 3)),
})
class Threads(HostCase):
    """Threads come and go."""


@scenarios("cancelled", {
    "by_itself": requests(("before", 200, 3)),
})
class Cancelled(HostCase):
    """A process's only thread."""


class Down(HostCase):
    """A request whose thread ended is no finished request: one start, no end, a line in the log."""

    def down(self, scenario):
        shim = self.shim(LOG_LEVEL="off")
        self.run_under(shim, "threads", scenario)
        self.receiver.barrier()
        expected = {
            Keys().all: 3,
            Keys().host: 3,
            Keys().kind("down", "GET"): 1,
            Keys().kind("other", "GET"): 2,
            Keys().status(200): 2,
            Keys().host_status(200): 2,
            "app.stats_hero.down": 1,
        }
        self.assertEqual(dict(self.receiver.counters), expected)
        self.assertEqual({key: len(values) for key, values in self.receiver.timers.items()},
                         {Keys().all: 2, Keys().host: 2, Keys().kind("other", "GET"): 2})
        self.assertEqual(self.receiver.refused, [])
        self.assertEqual(sorted((line["label"], line["outcome"], line["status"]) for line in shim.requests()),
                         [("down", "down", 0)] + [("other", "done", 200)] * 2)

    def test_return(self):
        self.down("down_by_return")

    def test_exit(self):
        self.down("down_by_exit")

    def test_cancel(self):
        self.down("down_by_cancel")

    def test_cancel_amid_read(self):
        self.down("cancelled_amid_read")

    def test_down_then_answered(self):
        self.down("down_then_answered")

    def test_it_is_told(self):
        """One warning names the request id."""
        shim = self.shim(LOG=os.path.join(servers.temporary_folder(), "log"))
        self.run_under(shim, "threads", "down_by_return")
        [down] = [line for line in shim.requests() if line["outcome"] == "down"]
        with open(shim.environment["STATS_HERO_LOG"], encoding="ascii") as file:
            [told] = file.read().splitlines()
        self.assertIn(down["request_id"], told)


class Limits(HostCase):
    """Where nothing of ours can be had the host goes on; what was not sent is not told wrong."""

    def test_no_thread_at_first(self):
        """What waited for the sender is sent once there is one."""
        shim = self.shim(LOG_LEVEL="off")
        out = self.run_under(shim, "threads", "no_thread_at_first")
        [served] = numbers("served", out)
        self.assert_exact(self.receiver, shim, requests(("limited", 200, served)))

    def test_no_thread(self):
        """It is told in one line."""
        log = os.path.join(servers.temporary_folder(), "log")
        self.run_under(self.shim(LOG=log), "threads", "no_thread")
        self.assert_silent()
        with open(log, encoding="ascii") as file:
            [told] = file.read().splitlines()
        self.assertIn("thread can't be started", told)

    def test_no_memory(self):
        self.run_under(self.shim(LOG_LEVEL="off"), "threads", "no_memory")
        self.assert_silent()

    def test_no_number(self):
        """Without a socket there is nothing to be heard."""
        self.run_under(self.shim(LOG_LEVEL="off"), "threads", "no_number")
        self.assert_silent()
