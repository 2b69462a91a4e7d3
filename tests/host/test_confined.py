"""Hosts in sandboxes, beside other preloaded libraries, and where memory ends."""

import glob
import os
import signal
import subprocess

from hostcase import HostCase, Keys, program, requests, run, scenarios, servers

# What others preload. A name that is not installed is skipped.
OTHERS = {
    "eatmydata": ("/usr/lib/*/libeatmydata.so", {}),
    "faketime": ("/usr/lib/*/faketime/libfaketime.so.1", {"FAKETIME": "+3d"}),
    "faketime_threads": ("/usr/lib/*/faketime/libfaketimeMT.so.1", {"FAKETIME": "+3d"}),
    "jemalloc": ("/usr/lib/*/libjemalloc.so.2", {}),
}


class Serving(HostCase):
    """Real servers."""

    def serves(self, shim, make=servers.Nginx, n=200, **options):
        with make(shim, **options) as server:
            self.assertEqual(self.get(server, n=n), [200] * n)
            super().wait_for_ends(self.receiver, n)
        self.assert_exact(self.receiver, shim, requests(("good", 200, n)))


class Sandboxed(Serving):
    """A filter that kills at the first unexpected call."""

    def setUp(self):
        super().setUp()
        if servers.SANITIZED:
            self.skipTest("a sanitizer's runtime makes calls of its own")

    def test_it_kills(self):
        """So that what comes after has a meaning."""
        script = "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)"
        done = subprocess.run([program("sandbox"), servers.PYTHON, "-c", script], check=False)
        self.assertEqual(done.returncode, -signal.SIGSYS)

    def test_nginx(self):
        with servers.Nginx(runner=[program("sandbox")]) as plain:
            self.assertEqual(self.get(plain, n=10), [200] * 10)
        self.serves(self.shim(), runner=[program("sandbox")])

    def test_python(self):
        self.serves(self.shim(), servers.PythonServer, runner=[program("sandbox")])


class Bound(Serving):
    def test_at_once(self):
        """LD_BIND_NOW: each symbol is looked up before anything runs."""
        shim = self.shim()
        shim.environment["LD_BIND_NOW"] = "1"
        self.serves(shim)
        self.setUp()
        shim = self.shim()
        shim.environment["LD_BIND_NOW"] = "1"
        self.exact(requests(("early", 200, 2)), "early", shim=shim)

    def test_static_pie(self):
        """Nothing of ours runs in it, and nothing of it changes."""
        folder = servers.temporary_folder()
        source, made = os.path.join(folder, "a.c"), os.path.join(folder, "a")
        with open(source, "w", encoding="ascii") as file:
            file.write("#include <stdio.h>\nint main(void) { return puts(\"alone\") < 0; }\n")
        run(["gcc", "-static-pie", "-o", made, source], servers.plain_environment())
        done = run([made], dict(servers.plain_environment(), **self.shim().environment))
        self.assertEqual((done.stdout, done.stderr), ("alone\n", ""))
        self.assert_silent()


class Company(Serving):
    """Beside others, ahead of them and behind."""

    def beside(self, name):
        pattern, variables = OTHERS[name]
        paths = glob.glob(pattern)
        if not paths or servers.SANITIZED:
            self.skipTest(f"there is no {pattern}, or a sanitizer that wants to be first")
        for order in ("{0}:{1}", "{1}:{0}"):
            for make in (servers.Nginx, servers.PythonServer):
                with self.subTest(order=order, server=make.__name__):
                    self.setUp()
                    shim = self.shim()
                    shim.environment.update(variables, LD_PRELOAD=order.format(
                        shim.environment["LD_PRELOAD"], paths[0]))
                    self.serves(shim, make, 50)


for other in OTHERS:
    setattr(Company, "test_" + other, lambda self, other=other: self.beside(other))


@scenarios("confined", {
    "narrow_by_prctl": requests(("free", 200, 3)),
    "narrow_by_number": requests(("free", 200, 3)),
    "wide_by_prctl": requests(("free", 200, 3), ("confined", 200, 5)),
    "wide_by_number": requests(("free", 200, 3), ("confined", 200, 5)),
})
class Confining(HostCase):
    """A filter that a server puts on itself: nothing is reported where a call of ours would kill it."""


@scenarios("scarce", {
    "allocations_fail": requests(("scarce", 200, 400)),
    "second_libc": requests(("scarce", 200, 4)),
})
class Scarce(HostCase):
    """What the shim needs while requests come does not come from the host's allocator."""

    def test_space_ends(self):
        """Address space that ends at each point: every request is answered; none is told wrong."""
        if servers.SANITIZED:
            self.skipTest("a sanitizer's runtime needs address space of its own")
        self.run_under(self.shim(LOG_LEVEL="off", REQUEST_LOG=None), "scarce", "space_ends")
        self.receiver.barrier()
        self.assertEqual(self.receiver.refused, [])
        self.assertLessEqual(self.receiver.timer_count(Keys().all), self.receiver.counter(Keys().all))
        self.assertLessEqual(self.receiver.counter(Keys().all), 200)
