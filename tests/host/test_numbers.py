"""High fd numbers, and hosts that close the numbers of others."""

import re

from hostcase import HostCase, requests, scenarios


class High(HostCase):
    """Past every table of 1,024: 100,000 and more where the system allows it."""

    def high(self, scenario):
        out = self.exact(requests(("high", 200, 10)), "numbers", scenario)[1]
        self.assertGreater(int(re.fullmatch(r"highest (\d+)\n", out)[1]), 3000)

    def test_copied(self):
        self.high("copied_high")

    def test_copied_past_a_million(self):
        shim = self.shim()
        if self.run_under(shim, "numbers", "copied_past_a_million"):
            self.skipTest("RLIMIT_NOFILE can't be raised to as many here")
        self.assert_exact(self.receiver, shim, requests(("high", 200, 10)))

    def test_accepted(self):
        self.high("accepted_high")


CLOSED = requests(("closed", 200, 300))


@scenarios("numbers", {
    "close_loop": CLOSED,
    "close_range_all": CLOSED,
    "close_from": CLOSED,
    "syscall_loop": CLOSED,
})
class Closed(HostCase):
    """Our socket and log are closed by the host again and again, and their numbers become its own:
    nothing is written there, and nothing is lost."""

    def shim(self, **settings):
        return super().shim(FLUSH_MS=60_000, **settings)
