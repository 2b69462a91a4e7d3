"""Processes that change their user after they have served, and what else one with a single thread may expect."""

import os
import unittest

from hostcase import HostCase, requests, scenarios, servers

AROUND = requests(("before", 200, 3), ("after", 200, 3))
FUNCTIONS = ("setuid", "setgid", "seteuid", "setegid", "setreuid", "setregid", "setresuid",
             "setresgid", "setgroups", "initgroups", "by_number")


@unittest.skipUnless(os.geteuid() == 0, "only root may become somebody else")
@scenarios("user", {name: AROUND for name in (*FUNCTIONS, "dropped", "in_vfork_child")})
class Changes(HostCase):
    """The sender becomes who the process becomes, and nothing is lost."""

    def test_while_serving(self):
        shim = self.shim()
        self.run_under(shim, "user", "while_serving")
        self.receiver.barrier()
        self.assert_exact(self.receiver, shim, requests(("thread", 200, len(shim.requests()))))


@unittest.skipIf(servers.SANITIZED, "a sanitizer has to know every thread")
@scenarios("user", {"stays_single": requests(("before", 200, 3)),
                    "last_thread_ends": requests(("before", 200, 3))})
class Single(HostCase):
    """libc does not know the sender's thread."""
