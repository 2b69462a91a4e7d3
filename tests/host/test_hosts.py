"""Hosts see no difference: their errno, their numbers, their threads, and what they do very early."""

import os
import platform
import shutil

from hostcase import HostCase, requests, run, program, scenarios, servers


class Plain(HostCase):
    """One thread and no number of ours where nothing is reported. (A request log has a number.)"""

    def silent(self, scenario, name="plain", **settings):
        shim = self.shim(REQUEST_LOG=None, **settings)
        if servers.SANITIZED:
            self.skipTest("a sanitizer's runtime has threads and numbers of its own")
        self.run_under(shim, name, scenario)
        self.assert_silent()

    def test_idle(self):
        self.silent("idle")

    def test_client(self):
        self.silent("client")

    def test_not_http(self):
        self.silent("not_http")

    def test_disabled(self):
        self.silent("serves", DISABLE=1)

    def test_excluded(self):
        self.silent("serves", EXCLUDE="nginx, pl?i*")

    def test_not_included(self):
        self.silent("serves", INCLUDE="nginx,apache*")


class Sends(HostCase):
    """The sender's thread is none that libc knows, but where a host's own function may come to run on it."""

    def sent_by(self, name):
        return self.exact(requests(("sends", 200, 1)), name)[1].strip()

    def test_bare(self):
        bare = platform.machine() == "x86_64" and not servers.SANITIZED
        self.assertEqual(self.sent_by("sends"), "bare" if bare else "libc's")

    def test_own_clock(self):
        self.assertEqual(self.sent_by("sends_own_clock"), "libc's")


@scenarios("errors", {
    "kept": requests(("kept", 200, 50)),
    "kept_by_processes": requests(("kept", 200, 5)),
    "set_by_failures": requests(("failed", 200, 2)),
})
class Errors(HostCase):
    """errno after every hooked call."""


class Early(HostCase):
    def test_early(self):
        """Calls before our constructor, and an allocator that makes calls while it starts."""
        self.exact(requests(("early", 200, 2)), "early")

    def test_preloaded_twice(self):
        """One library under two paths counts once; one path named twice is one library."""
        copy = os.path.join(servers.temporary_folder(), "copy.so")
        shutil.copy(servers.SHIM, copy)
        for second in (copy, servers.SHIM):
            with self.subTest(second=os.path.basename(second)):
                self.setUp()
                shim = self.shim()
                shim.environment["LD_PRELOAD"] += ":" + second
                self.exact(requests(("early", 200, 2)), "early", shim=shim)

    def test_without_the_shim(self):
        """The programs hold by themselves what they hold under it."""
        run([program("early")], servers.plain_environment())
        run([program("errors"), "kept"], servers.plain_environment())
        run([program("plain"), "client"], servers.plain_environment())
