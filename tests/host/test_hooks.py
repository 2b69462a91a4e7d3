"""Calls of named functions as requests and timers: the programs go on as they would without."""

import collections
import os
import re
import signal
import subprocess
import unittest

from hostcase import HostCase, Keys, program, run, servers

HOOKS = ("serve,status=ret;serve_text,id=arg0:str,label=arg1:str,action=arg2:str;descend;serve_tail")
TIMERS = ("query=rdbms.query;query_all=rdbms.all;lookup=cache.get;ping=ping;pong=pong;tail_first=t1;"
          "tail_second=t2;tail_third=t3;jump_out=jump;in_handler=handler;call_within=within")

LIBCS_OWN = unittest.skipIf(servers.SANITIZED, "a sanitizer's runtime stands in for libc's functions")


def calls(label="serve", status=200, n=1, outcome="done", **timers):
    """`n` requests with so many calls in each timer; in small letters `__` is a point."""
    named = tuple(sorted((name.replace("__", ".") if name.islower() else name, count)
                         for name, count in timers.items()))
    return collections.Counter({(label, status, outcome, named): n})


def queries(each, **options):
    """Requests with so many queries and lookups."""
    return calls(rdbms__query=each, cache__get=each, **options)


def told(lines):
    """The request log's lines as `calls` tells them."""
    return collections.Counter(
        (line["label"], line["status"], line["outcome"],
         tuple(sorted((name, timer["count"]) for name, timer in line["timers"].items())))
        for line in lines)


class HooksCase(HostCase):
    def hooked(self, scenario, name="hooked", hooks=HOOKS, timers=TIMERS, like_plain=True, **settings):
        """What the program says is what it says without the shim. Its request log, and its output."""
        shim = self.shim(HOOKS=hooks, TIMERS=timers, INCLUDE="hooked*", QUEUE_EVENTS=1000000, **settings)
        arguments = [scenario, program("plugin.so")]
        out = self.run_under(shim, name, *arguments)
        if like_plain:
            self.assertEqual(out, run([program(name), *arguments], servers.plain_environment()).stdout)
        self.receiver.barrier()
        self.assertEqual(self.receiver.refused, [])
        return shim.requests(), out

    def exactly(self, expected, scenario, **options):
        lines, _ = self.hooked(scenario, **options)
        self.assertEqual(told(lines), expected)
        ends = collections.Counter(line["status"] for line in lines if line["outcome"] != "down")
        for status, n in ends.items():
            self.assertEqual(self.receiver.counter(Keys().status(status)), n)
        self.assertEqual(self.receiver.counter(Keys().all), len(lines))
        downs = sum(line["outcome"] == "down" for line in lines)
        self.assertEqual(self.receiver.counter("app.stats_hero.down"), downs)
        return lines

    def warned(self, n=None, name="hooked", scenario="plain", **settings):
        """The diagnostics of a run, line by line."""
        path = os.path.join(servers.temporary_folder(), "log")
        self.run_under(self.shim(LOG=path, **settings), name, scenario, program("plugin.so"))
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        if n is not None:
            self.assertEqual(len(lines), n, lines)
        return lines


def exact(table, **options):
    """Decorates a HooksCase: a test for each scenario, with the requests that it makes."""

    def add(case):
        for scenario, expected in table.items():
            def test(self, scenario=scenario, expected=expected):
                self.exactly(expected, scenario, **options)
            setattr(case, "test_" + scenario, test)
        return case

    return add


def total(*groups):
    return sum(groups, collections.Counter())


@exact({
    "plain": total(calls(), *(queries(n) for n in range(1, 10))),
    "statuses": total(calls(status=404), calls(status=500), calls()),
    "outside": queries(1),
    "nested": queries(3, serve=1),
    "services": calls(rdbms__all=1),
    "recursion": calls("descend", n=3, descend=1),
    "mutual": calls(n=2, ping=1, pong=1),
    "tail_calls": calls("serve_tail", n=1000, t1=1, t2=1, t3=1),
    "in_destructors": queries(2, n=200),
    "programs": calls(n=20, rdbms__query=3),
    "eight_threads": queries(30, n=400),
    "short_threads": queries(2, n=2000),
    "handlers_serve": queries(2, n=100),
    "handlers_within": calls(n=100, rdbms__query=4, cache__get=2, serve=1),
})
class Calls(HooksCase):
    """Calls that return to where they were made."""

    def test_texts(self):
        lines = self.exactly(total(calls("shop"), calls("invalid"), calls("shop____cart")), "texts")
        self.assertEqual([line["request_id"] for line in lines][:2], ["id-1", "id-2"])
        self.assertEqual([line["action"] for line in lines], ["buy", "buy", "call"])

    def test_fixed(self):
        """A program that can't be moved in memory."""
        self.exactly(queries(30, n=400), "eight_threads", name="hooked_fixed")


@exact({
    "jumps_over_timers": calls(jump=100000),
    "jumps_over_requests": total(calls(status=0, n=40000, outcome="aborted", jump=1), queries(1)),
    "deeper_after_jump": total(calls(n=10, jump=1, within=1), calls(n=10, rdbms__query=5)),
    "coroutines": total(calls(rdbms__query=404, within=50), calls(rdbms__query=101, within=50)),
    "moved": total(queries(1, n=20), calls(n=20)),
    "moved_timer": total(calls(n=5, within=3), calls()),
    "backtraces": calls(),
    "exits": total(queries(2), calls(status=0, outcome="down")),
})
class Ways(HooksCase):
    """Calls that return elsewhere, later, or never."""

    def test_forks(self):
        """What the child returns from was the parent's; its own calls count."""
        lines = self.exactly(total(queries(1, n=2), calls(rdbms__query=2)), "forks")
        self.assertEqual(len({line["pid"] for line in lines}), 2)


@exact({name: total(queries(2), calls(status=0, outcome="down"))
        for name in ("down_by_exit", "down_by_cancel", "down_by_raw_exit")}, LOG_LEVEL="off")
class Down(HooksCase):
    """A thread that ends within a hooked call takes its request with it."""

    def test_async_cancels(self):
        """Wherever they find the threads."""
        lines, _ = self.hooked("async_cancels", LOG_LEVEL="off")
        self.assertEqual(collections.Counter(line["outcome"] for line in lines), {"done": 1, "down": 200})
        self.assertEqual(self.receiver.counter("app.stats_hero.down"), 200)

    def test_left_asleep(self):
        """A call asleep on a stack of its own returns when its thread has ended."""
        lines, _ = self.hooked("left_asleep", LOG_LEVEL="off")
        self.assertEqual(sorted(line["outcome"] for line in lines), ["done", "down"])


CPP = {
    "name": "hooked_cpp",
    "hooks": "serve,status=ret",
    "timers": "Shop::find=db.find;Shop::check;fail(int)=fail",
}
SEARCHED = calls(db__find=2, Shop__check=2, fail=1)


def aborted(**options):
    return calls(status=0, outcome="aborted", **options)


@exact({
    "caught_inside": calls(db__find=1000, Shop__check=1000, fail=500),
    "caught_outside": total(aborted(n=1000, fail=1), SEARCHED),
    "thrown_again": total(aborted(n=50, Shop__check=1, fail=1), *(calls(status=n, Shop__check=1) for n in range(1, 100, 2))),
    "thrown_in_destructors": total(aborted(n=100, db__find=2, Shop__check=2, fail=2), SEARCHED),
    "thrown_elsewhere": total(calls(fail=1), aborted(), SEARCHED),
    "thread_ends": total(calls(status=0, outcome="down"), calls(db__find=1, Shop__check=1, fail=1)),
    "eight_threads": aborted(n=400, Shop__check=1, fail=1),
}, LOG_LEVEL="off", **CPP)
class Exceptions(HooksCase):
    """Exceptions pass hooked calls; a request that one leaves is aborted."""

    def ends_alike(self, scenario):
        """By the same signal, with the same message."""
        shim = self.shim(HOOKS=CPP["hooks"], TIMERS=CPP["timers"])
        plain, hooked = (
            subprocess.run([program("hooked_cpp"), scenario], env=environment, capture_output=True, timeout=60,
                           check=False)
            for environment in (servers.plain_environment(),
                                dict(servers.plain_environment(), **shim.environment)))
        self.assertEqual(plain.returncode, -signal.SIGABRT)
        self.assertEqual((hooked.returncode, hooked.stdout, hooked.stderr),
                         (plain.returncode, plain.stdout, plain.stderr))

    def test_uncaught(self):
        self.ends_alike("uncaught")

    def test_never_throws(self):
        self.ends_alike("never_throws")


@exact({
    "within": calls("http", n=10, handle=1, query=2),
    "around": total(calls("handle", n=10, query=2), calls("http")),
    "two_at_once": total(calls("one", query=1), calls("one"), calls("other")),
}, name="hooked_http", hooks="handle,status=ret", timers="query")
class Http(HooksCase):
    """Hooked calls where requests are seen on connections."""

    @LIBCS_OWN
    def test_not_ours(self):
        """What we call of libc for a request is no part of it."""
        self.exactly(total(calls("one", query=1), calls("one"), calls("other")), "two_at_once", name="hooked_http",
                     hooks=None, timers="query;clock_gettime@libc.so.6;pthread_setspecific@libc.so.6")


FUNCTIONS = ("integers", "doubles", "long_double", "complex", "two", "two_doubles", "mixed", "large", "red_zone",
             "aligned", "wide", "keeps")


class Greenlets(HooksCase):
    """Parts of the stack are copied away, with calls in them that have not returned, and back."""

    TIMERS = "PyObject_*=object.any;_PyObject_*=inner.any;PyNumber_*=number.any;PyErr_*=error.any"
    PYTHON = "/usr/bin/python3"

    def result(self, environment):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "greenlets.py")
        done = subprocess.run([self.PYTHON, script], env=environment, capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stdout

    def calls_of(self, function):
        shim = self.shim(HOOKS=function, TIMERS=self.TIMERS, LOG_LEVEL="off", QUEUE_EVENTS=1000000)
        plain = servers.plain_environment()
        self.assertEqual(self.result(dict(plain, **shim.environment)), self.result(plain))
        self.assertNotEqual(self.result(plain)[1], "")
        return shim.requests()

    def test_within_one_request(self):
        """The timed calls of all greenlets are in it; it ends with the process."""
        self.assertEqual([line["outcome"] for line in self.calls_of("Py_BytesMain")], ["down"])

    def test_requests(self):
        """None is given up because another greenlet stands in its place on the stack."""
        lines = self.calls_of("_PyFunction_Vectorcall,label='call'")
        self.assertNotEqual(lines, [])
        self.assertEqual({line["outcome"] for line in lines}, {"done"})


class Registers(HooksCase):
    """What functions get and give arrives, and what they leave alone stays, on each way in and out."""

    def called(self, **options):
        lines, _ = self.hooked("", name="hooked_registers", **options)
        return told(lines)

    def test_timers(self):
        [(label, *_, timers)] = found = self.called(hooks="serve", timers="f_*")
        self.assertEqual((label, found.total()), ("serve", 50))
        self.assertLessEqual({("f_" + name, 1) for name in FUNCTIONS} | {("f_variadic", 2)}, set(timers))

    def test_timers_of_one_service(self):
        self.assertEqual(self.called(hooks="serve", timers="call_*=f.all;f_*=f.each").total(), 50)

    def test_requests(self):
        found = self.called(hooks="f_*", timers="")
        self.assertLessEqual({"f_" + name: 100 for name in FUNCTIONS}.items(),
                             {label: n for (label, *_), n in found.items()}.items())

    def test_requests_within_requests(self):
        self.assertEqual(self.called(hooks="serve;f_*", timers="")["f_keeps", 200, "done", ()], 50)


class Libraries(HooksCase):
    """Functions of libraries, which come and go; of libc, which we call too."""

    def library(self, scenario, expected, timers, hooks="serve", **options):
        self.exactly(expected, scenario, name="hooked_library", hooks=hooks, timers=timers, **options)

    def test_comes_and_goes(self):
        """Its constructor's calls count, too."""
        self.library("plugins", total(*(calls(query=n + 1) for n in range(20))), "plugin_query@plugin.so=query")

    def test_chosen_late(self):
        """What a function of a library is chosen by can't be asked before the library is ready."""
        [line] = self.warned(name="hooked_library", scenario="plugins", TIMERS="plugin_chosen@*plugin*")
        self.assertIn("plugin_chosen of ", line)
        self.assertIn("is not hooked", line)

    @LIBCS_OWN
    def test_chosen(self):
        """Libc chooses its string functions at start; the loader calls them, too."""
        self.library("chosen", calls(strchr=200), "strchr@libc.so.6")

    @LIBCS_OWN
    def test_allocations(self):
        self.library("allocations", calls(n=10, malloc=1000, free=1000), "malloc@libc.so.6;free@libc.so.6")

    @LIBCS_OWN
    def test_allocations_as_requests(self):
        """Ours are none."""
        self.library("allocations_alone", calls("malloc", n=100), "", hooks="malloc@libc.so.6")

    @LIBCS_OWN
    def test_returns_twice(self):
        """Such a function can't be hooked; what it returns over can."""
        timers = "go_back;strchr@libc.so.6"
        self.library("returns_twice", calls(n=99, go_back=1, strchr=40), timers)
        lines = self.warned(name="hooked_library", scenario="returns_twice",
                            TIMERS=timers + ";vfork@libc.so.6;*setjmp@libc.so.6")
        self.assertIn("vfork of ", lines[0])
        self.assertEqual({line.endswith("it returns more than once") for line in lines}, {True})

    def test_looks_at_caller(self):
        [line] = self.warned(name="hooked_library", scenario="looks_at_caller", TIMERS="dlsym@libc.so.6")
        self.assertIn("depends on where it is called from", line)


class Signals(HooksCase):
    """A thousand signals a second."""

    def under_load(self, scenario):
        """Each of the program's own calls counts; a handler's may."""
        lines, out = self.hooked(scenario, like_plain=False)
        served = int(re.fullmatch(r"served (\d+)\n", out)[1])
        self.assertEqual(len(lines), served)
        for line in lines:
            timers = line["timers"]
            self.assertEqual((line["status"], line["outcome"], timers["cache.get"]["count"]), (200, "done", 1000))
            self.assertGreaterEqual(timers["rdbms.query"]["count"], 1000)
            self.assertLessEqual(set(timers), {"rdbms.query", "cache.get", "handler"})

    def test_calling(self):
        self.under_load("under_signals")

    def test_calling_on_another_stack(self):
        self.under_load("under_signals_elsewhere")

    def test_jumping(self):
        """Out of whatever was interrupted: the host goes on."""
        self.hooked("jumps_from_handlers", like_plain=False, LOG_LEVEL="off")

    def test_looking_back(self):
        self.under_load("backtraces_under_signals")


class Settings(HooksCase):
    def test_not_mapped_without(self):
        for timers in (None, "query"):
            with self.subTest(timers=timers):
                out = self.run_under(self.shim(TIMERS=timers, REQUEST_LOG=None), "hooked", "maps")
                self.assertEqual(out, "mapped\n" if timers else "not mapped\n")

    def test_unknown_name(self):
        """Told with the nearest names."""
        [line] = self.warned(1, HOOKS="serv;query")
        self.assertIn("serv: there is no such function; the nearest: serve", line)

    def test_refused(self):
        [line] = self.warned(1, HOOKS="serve", TIMERS="too_short")
        self.assertIn("too_short of ", line)
        self.assertIn("is not hooked: it is too short", line)

    def test_wrong_entries(self):
        """Each is told; the others stand."""
        lines = self.warned(3, HOOKS="serve;query,flavour=arg0;lookup,id=arg9:str", TIMERS="descend=")
        self.assertIn("HOOKS", lines[0])
        self.assertIn("TIMERS", lines[2])

    def test_library_missing(self):
        """One warning, and the host goes on."""
        folder = servers.temporary_folder()
        shim = self.shim(HOOKS="serve", LOG=os.path.join(folder, "log"))
        copy = os.path.join(folder, "libstatshero.so")
        with open(servers.SHIM, "rb") as source, open(copy, "wb") as target:
            target.write(source.read())
        shim.environment["LD_PRELOAD"] = shim.environment["LD_PRELOAD"].replace(servers.SHIM, copy)
        self.run_under(shim, "hooked", "plain")
        with open(os.path.join(folder, "log"), encoding="utf-8") as file:
            [line] = file.read().splitlines()
        self.assertIn("no function is hooked", line)
        self.assert_silent()

    def test_no_thread_at_first(self):
        """Before the first request there is one thread, and no number of ours."""
        if servers.SANITIZED:
            self.skipTest("a sanitizer's runtime has threads and numbers of its own")
        environment = dict(servers.plain_environment(),
                           **self.shim(HOOKS=HOOKS, TIMERS=TIMERS, REQUEST_LOG=None).environment)
        found = subprocess.run([program("hooked"), "idle"], env=environment, capture_output=True,
                               text=True, timeout=60, check=True)
        self.assertEqual((found.stdout, found.stderr), ("1 0 1 2\n", ""))
