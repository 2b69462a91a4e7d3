"""Families of processes, programs that follow one another, and how they end: nothing is lost or told twice."""

import collections
import re

from hostcase import HostCase, requests, scenarios


@scenarios("processes", {
    "request_stays_with_parent": requests(("parent", 200, 4)),
    "vfork_close": requests(("vfork", 200, 3)),
    "vfork_close_range": requests(("vfork", 200, 3)),
    "vfork_closefrom": requests(("vfork", 200, 3)),
    "vfork_exit": requests(("vfork", 200, 3)),
    "spawn": requests(("spawn", 200, 3)),
    "system_and_popen": requests(("shell", 200, 1)),
    "raw_child": requests(("raw", 200, 3)),
})
class Children(HostCase):
    """Children that serve nothing."""


class Families(HostCase):
    def told_apart(self, scenario, expected, per_process):
        """Each process that serves tells its own: `per_process` are their numbers of requests."""
        lines, out = self.exact(expected, "processes", scenario)
        pids = {int(pid) for pid in re.findall(r"pid (\d+)", out)}
        told = collections.Counter(line["pid"] for line in lines)
        self.assertEqual(set(told), pids)
        self.assertEqual(sorted(told.values()), sorted(per_process))

    def test_child_serves(self):
        self.told_apart("child_serves", requests(("child", 200, 15)), [3] * 5)

    def test_both_serve(self):
        self.told_apart("both_serve", requests(("parent", 200, 80), ("child", 200, 60)), [80, 20, 20, 20])

    def test_child_goes_on(self):
        self.told_apart("child_goes_on", requests(("parent", 200, 1), ("child", 200, 2)), [1, 2])

    def test_children_accept(self):
        self.told_apart("children_accept", requests(("prefork", 200, 18)), [6] * 3)

    def test_grandchild_serves(self):
        self.told_apart("grandchild_serves", requests(("grandchild", 200, 4)), [4])

    def test_becomes_daemon(self):
        self.told_apart("becomes_daemon", requests(("before", 200, 3), ("after", 200, 3)), [3, 3])


class Unhurried(HostCase):
    """Nothing is due for a minute when the process ends, or becomes another program."""

    def shim(self, **settings):
        return super().shim(FLUSH_MS=60_000, **settings)


class Successors(Unhurried):
    def test_failing_exec(self):
        self.exact(requests(("before", 200, 3), ("after", 200, 3)), "processes", "failing_exec")


def add_successor(name):
    def test(self):
        expected = requests(("first", 200, 3), ("second", 200, 2))
        lines, out = self.exact(expected, "processes", "by_" + name)
        [pid, again] = re.findall(r"pid (\d+)", out)
        self.assertEqual(pid, again)
        self.assertEqual({line["pid"] for line in lines}, {int(pid)})

    setattr(Successors, "test_" + name, test)


for function in ("execve", "execv", "execvp", "execvpe", "fexecve", "execl", "execlp", "execle"):
    add_successor(function)

LAST = requests(("last", 200, 3))


@scenarios("processes", {
    "by_return": LAST,
    "by_exit": LAST,
    "by__exit": LAST,
    "by__Exit": LAST,
    "by_quick_exit": LAST,
    "by_syscall": LAST,
    "from_exit_handler": LAST + requests(("atexit", 200, 2)),
})
class Ends(Unhurried):
    """A process ends right after its last answer."""
