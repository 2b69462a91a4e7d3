"""Other libraries that are preloaded before and after ours: counts stay exact, and theirs still works."""

import glob
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import hosted
import judge
import load
import servers
from measure import shared
from receiver import Receiver

TAKES = load.FEATURES - {"nap"}
LIBRARIES = {
    "libeatmydata": "libeatmydata.so.1",
    "libfaketime": "faketime/libfaketimeMT.so.1",
    "jemalloc": "libjemalloc.so.2",
}


class Preloads(unittest.TestCase):
    def exact(self, make, library, ours_first, **environment):
        """The server has both libraries and its requests are counted."""
        [path] = glob.glob(f"/usr/lib/*/{LIBRARIES[library]}")
        with Receiver() as receiver:
            shim = servers.Shim(receiver)
            shared(shim.log_path)
            order = [shim.environment["LD_PRELOAD"], path]
            shim.environment["LD_PRELOAD"] = ":".join(order if ours_first else reversed(order))
            shim.environment.update(environment)
            with make(shim) as server:
                with open(f"/proc/{server.pid()}/maps", encoding="ascii") as maps:
                    self.assertIn(os.path.realpath(path), maps.read())
                answers = load.run(server.port, TAKES, 8)
                judge.wait(receiver, len(answers), shim.app)
            judge.Judge().judge(receiver, shim, answers)

    def both_orders(self, library, **environment):
        makers = {
            "nginx": lambda shim: servers.Nginx(shim, workers=2),
            "node": lambda shim: hosted.Hosted(shim, **hosted.node("http")),
        }
        for name, make in makers.items():
            for ours_first in (True, False):
                with self.subTest(server=name, ours_first=ours_first):
                    self.exact(make, library, ours_first, **environment)

    def test_libeatmydata(self):
        self.both_orders("libeatmydata")

    def test_libfaketime(self):
        self.both_orders("libfaketime", FAKETIME="+2d", FAKETIME_DISABLE_SHM="1")

    def test_jemalloc(self):
        self.both_orders("jemalloc")


if __name__ == "__main__":
    unittest.main()
