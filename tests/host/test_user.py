"""Processes that change their user after they have served, and what else one with a single thread may expect."""

import os
import unittest

from hostcase import HostCase, requests, scenarios, servers

AROUND = requests(("before", 200, 3), ("after", 200, 3))
FUNCTIONS = ("setuid", "setgid", "seteuid", "setegid", "setreuid", "setregid", "setresuid",
             "setresgid", "setgroups", "initgroups")


@unittest.skipUnless(os.geteuid() == 0, "only root may become somebody else")
@scenarios("user", {name: AROUND for name in (*FUNCTIONS, "dropped", "limited", "in_vfork_child")})
class Changes(HostCase):
    """The sender becomes who the process becomes, and nothing is lost."""

    def any_number(self, scenario, label):
        shim = self.shim()
        self.run_under(shim, "user", scenario)
        self.receiver.barrier()
        self.assert_exact(self.receiver, shim, requests((label, 200, len(shim.requests()))))

    def test_while_serving(self):
        self.any_number("while_serving", "thread")

    def test_in_handler(self):
        self.any_number("in_handler", "handler")


@unittest.skipIf(servers.SANITIZED, "a sanitizer has to know every thread")
@scenarios("user", {"stays_single": requests(("before", 200, 3)),
                    "last_thread_ends": requests(("before", 200, 3))})
class Single(HostCase):
    """libc does not know the sender's thread."""

    def test_beside_a_library_that_libc_makes_variables_for(self):
        shim = self.shim()
        shim.environment["LD_PRELOAD"] += ":" + os.path.join(servers.BUILD, "real", "tls_variables.so")
        self.exact(requests(("before", 200, 3)), "user", "serves", shim=shim)
