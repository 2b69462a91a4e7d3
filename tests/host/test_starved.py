"""A machine so busy that the sender's thread does not run: who ends the process sends what waits."""

import platform
import unittest

from hostcase import HostCase, requests

FIVE = requests(("starved", 200, 5))


@unittest.skipUnless(platform.machine() == "x86_64", "the sender's thread is waited for on other processors")
class Starved(HostCase):
    def ends(self, scenario, expected=FIVE):
        """Nothing is sent before: the flush time is longer than the program's life."""
        self.exact(expected, "starved", scenario, shim=self.shim(FLUSH_MS=60000))

    def test_exit(self):
        self.ends("ends")

    def test_exit_without_handlers(self):
        self.ends("ends_at_once")

    def test_exec(self):
        self.ends("becomes_another")

    def test_exec_that_fails(self):
        self.ends("becomes_no_other", requests(("starved", 200, 5), ("later", 200, 5)))

    def test_exit_in_a_handler_on_a_small_stack(self):
        self.ends("ends_in_a_handler")
