"""What bench/callgrind.py makes of callgrind's files."""

import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))

import callgrind  # noqa: E402
from callgrind import Function  # noqa: E402

# A server's function calls one of the shim's, which has another source's code in it, and a compiler's, in a
# part that the compiler cut off as well; numbers stand for names that were told.
COUNTED = """\
positions: line
events: Ir
summary: 166

ob=(1) /usr/sbin/server
fl=(1) ???
fn=(1) serve
0 10
cob=(2) /build/libshim.so
cfi=(2) lib/flow/flow.c
cfn=(2) flow_read
calls=3 17
0 150
0 6

ob=(2)
fl=(2)
fn=(2)
17 60
fi=(3) lib/base/bytes.h
+3 30
fe=(2)
-2 10
fi=(4) /usr/lib/gcc/include/emmintrin.h
7 10
fe=(2)
* 10

fl=(3)
fn=(3) flow_read.part.0.lto_priv.1
4 30

totals: 166
"""


class CallgrindCase(unittest.TestCase):
    def test_costs_belong_to_a_function_and_a_source(self):
        costs = callgrind.self_costs(COUNTED.splitlines())
        self.assertEqual(costs, {
            Function("server", "serve", "???"): 16,
            Function("libshim.so", "flow_read", "lib/flow/flow.c"): 90,
            Function("libshim.so", "flow_read", "lib/base/bytes.h"): 60,
        })
        self.assertEqual(sum(costs.values()), 166)

    def test_what_a_request_costs_is_the_difference(self):
        one, other, new = (Function("o", name, "f") for name in ("one", "other", "new"))
        few, many = callgrind.collections.Counter({one: 50, other: 7}), callgrind.collections.Counter(
            {one: 250, other: 7, new: 100})
        self.assertEqual(callgrind.per_request(few, many, 100), {one: 2, new: 1})

    def test_floors_are_folders(self):
        for path, floor in (("/a/lib/flow/flow.c", "flow"), ("lib/base/bytes.h", "base"), ("/a/shim/read.c", "shim"),
                            ("/usr/lib/x86_64-linux-gnu/crt.c", "others"), ("???", "others"),
                            ("/a/ashim/read.c", "others")):
            self.assertEqual(callgrind.floor_of(path), floor, path)


if __name__ == "__main__":
    unittest.main()
