"""What the tests of small programs under the shim have in common."""

import collections
import os
import subprocess

from case import Keys, Receiver, Request, ShimCase, servers

TIMEOUT = 60


def requests(*groups):
    """(label, status, n) each, all of them GET, as what is to be reported."""
    return collections.Counter({Request(label, "GET", status): n for label, status, n in groups})


def program(name):
    return os.path.join(servers.BUILD, "host", name)


def run(argv, environment, **options):
    """A program that ended with 0; AssertionError with what it said otherwise."""
    done = subprocess.run(argv, env=environment, timeout=TIMEOUT, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{argv} ends with {done.returncode}:\n{done.stderr}")
    return done


class HostCase(ShimCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def wait_for_ends(self, receiver, n, app="app", timeout=20):
        """The program has ended, and its children with it: what they had to send is on its way."""
        receiver.barrier()

    def shim(self, **settings):
        return servers.Shim(self.receiver, **settings)

    def run_under(self, shim, name, *arguments, **options):
        """Runs a host program and returns its standard output; it says nothing on standard error."""
        environment = dict(servers.plain_environment(), **shim.environment)
        done = run([program(name), *arguments], environment, **options)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def exact(self, expected, name, *arguments, outcomes=("done",), shim=None, **options):
        """The program runs, and exactly these requests are reported; returns their log and its output."""
        shim = shim or self.shim()
        out = self.run_under(shim, name, *arguments, **options)
        return self.assert_exact(self.receiver, shim, expected, outcomes), out

    def assert_silent(self):
        """Nothing was reported."""
        self.receiver.barrier()
        self.assertEqual((self.receiver.datagrams, self.receiver.raw), (0, []))


def scenarios(name, table, **options):
    """Decorates a HostCase: one test for each scenario of a program, with what it is to report."""

    def add(case):
        for scenario, expected in table.items():
            def test(self, scenario=scenario, expected=expected):
                self.exact(expected, name, scenario, **options)
            setattr(case, "test_" + scenario, test)
        return case

    return add


__all__ = ["HostCase", "Keys", "Request", "program", "requests", "run", "scenarios", "servers"]
