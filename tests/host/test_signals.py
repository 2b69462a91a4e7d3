"""Signal handlers that do I/O while requests are served."""

import re

from hostcase import HostCase, requests, scenarios


@scenarios("signals", {
    "answered_by_handler": requests(("handler", 200, 10)),
    "interrupted_read": requests(("interrupted", 200, 5)),
    "delivered_to_host": requests(("mask", 200, 101)),
})
class Signals(HostCase):
    def under_load(self, scenario):
        """A thousand signals a second: each request is told, and errno is the host's."""
        shim = self.shim()
        out = self.run_under(shim, "signals", scenario)
        served = int(re.fullmatch(r"served (\d+)\n", out)[1])
        self.assertGreater(served, 1000)
        self.assert_exact(self.receiver, shim, requests(("load", 200, served)))

    def test_restarted(self):
        self.under_load("restarted")

    def test_interrupted(self):
        self.under_load("interrupted")

    def test_profiled(self):
        self.under_load("profiled")

    def test_ended_by_handler(self):
        """A handler that gives the default action back and raises its signal: nothing is sent before."""
        self.exact(requests(("ended", 200, 10)), "signals", "ended_by_handler", shim=self.shim(FLUSH_MS=60000))
