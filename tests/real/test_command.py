"""The stats-hero command: exit statuses, signals, what it receives and shows, its documentation.

BUILD names the build folder (build). The shim is needed only where a test says so.
"""

import gzip
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
COMMAND = os.path.join(BUILD, "stats-hero")
SHIM = os.path.join(BUILD, "libstatshero.so")
SECONDS = 30  # after this a test is stuck, not slow

# A program of one request, as the shim would report it: to the receiver that `run` has set up.
REPORT = """
import os, socket
body = b"".join(line + b"\\n" for line in %r)
host = os.environ["STATS_HERO_ESTATSD_HOST"]
assert host.startswith("unix:@")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for _ in range(%d):
    s.sendto(b"1|%%d\\n" %% len(body) + body, "\\0" + host[6:])
"""

REQUEST = [
    b"app.application.allRequests:1|m",
    b"app.h.allRequests:1|m",
    b"app.application.byRequestType.users.GET:1|m",
    b"app.application.byStatusCode.503:1|m",
    b"app.h.byStatusCode.503:1|m",
    b"app.application.allRequests:1500|h",
    b"app.h.allRequests:1500|h",
    b"app.application.byRequestType.users.GET:1500|h",
    b"app.upstreamRequests.rdbms:1200|h",
]


def shp(lines):
    body = b"".join(line + b"\n" for line in lines)
    return b"1|%d\n" % len(body) + body


def mutated(chance, datagram):
    """`datagram` with one to four bytes changed, put in or taken out."""
    wrong = bytearray(datagram)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(wrong))
        byte = chance.choice(b"0123456789|:@.\n\r -+mhxX\0\x1f\x8b\xff")
        wrong[at:at + chance.randint(0, 1)] = bytes([byte]) * chance.randint(0, 1)
    return bytes(wrong)


def environment(**more):
    """Ours without what would reach a program through it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("STATS_HERO_")}
    kept.pop("LD_PRELOAD", None)
    kept.setdefault("ASAN_OPTIONS", "verify_asan_link_order=0")  # for builds with SAN=address
    kept.update(more)
    return kept


def call(*arguments, command=COMMAND, **more):
    return subprocess.run([command, *arguments], capture_output=True, text=True, timeout=SECONDS,
                          env=environment(**more))


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, content, mode=0o755):
        with open(self.path(name), "wb") as file:
            file.write(content)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def start(self, *arguments, env=None, **more):
        process = subprocess.Popen([COMMAND, *arguments], stderr=subprocess.PIPE, text=True,
                                   env=env or environment(), **more)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()


class Run(Scratch):
    def test_exit_status_is_the_programs(self):
        for status in (0, 3, 124, 200):
            self.assertEqual(call("run", "--", "sh", "-c", f"exit {status}").returncode, status)

    def test_program_ended_by_a_signal(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            result = call("run", "--", "sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(result.returncode, 128 + number)

    def test_the_programs_output_and_arguments_are_its_own(self):
        result = call("run", "--", "printf", "%s|", "a b", "--json", "")
        self.assertEqual(result.stdout, "a b|--json||")

    def test_options_end_at_the_program(self):
        self.assertEqual(call("run", "printf", "--", "--live").stdout, "--live")

    def test_not_found(self):
        for name in ("no-such-program-anywhere", "/no/such/program", "", "/etc/passwd/x"):
            result = call("run", "--", name)
            self.assertEqual(result.returncode, 127, result.stderr)
            self.assertIn("not found", result.stderr)

    def test_not_executable(self):
        plain = self.file("plain", b"hello", 0o644)
        for name in (plain, self.folder):
            result = call("run", "--", name)
            self.assertEqual(result.returncode, 126, result.stderr)
            self.assertIn("not an executable", result.stderr)
        result = call("run", "--", "plain", PATH=self.folder)
        self.assertEqual(result.returncode, 126)

    @unittest.skipIf(os.geteuid() == 0, "root may search every folder")
    def test_folders_that_can_not_be_searched(self):
        os.mkdir(self.path("closed"))
        self.file("closed/program", b"#!/bin/sh\n")
        os.chmod(self.path("closed"), 0)
        self.addCleanup(os.chmod, self.path("closed"), 0o700)
        self.assertEqual(call("run", "--", "program", PATH=self.path("closed")).returncode, 127)
        self.assertEqual(call("run", "--", self.path("closed/program")).returncode, 126)

    def test_path_goes_past_what_is_not_executable(self):
        self.file("sh", b"hello", 0o644)
        result = call("run", "--", "sh", "-c", "exit 4", PATH=self.folder + ":" + os.environ["PATH"])
        self.assertEqual(result.returncode, 4)

    def test_scripts(self):
        script = self.file("script", b"#!/bin/sh\nexit 5\n")
        self.assertEqual(call("run", "--", script).returncode, 5)
        bare = self.file("bare", b"exit 5\n")
        result = call("run", "--", bare)
        self.assertEqual(result.returncode, 126)
        self.assertIn("#!", result.stderr)
        orphan = self.file("orphan", b"#!/no/such/interpreter\n")
        result = call("run", "--", orphan)
        self.assertEqual(result.returncode, 126)
        self.assertIn("interpreter", result.stderr)

    def elf(self, name, **changes):
        """A copy of this Python's ELF header, changed, without program headers."""
        with open(sys.executable, "rb") as file:
            header = bytearray(file.read(64))
        header[56:58] = b"\0\0"
        for at, value in changes.items():
            header[int(at[1:])] = value
        return self.file(name, bytes(header) + bytes(64))

    def test_static_programs_are_refused(self):
        result = call("run", "--", self.elf("static"))
        self.assertEqual(result.returncode, 126)
        self.assertIn("statically linked", result.stderr)

    def test_other_machines_are_refused(self):
        for name, changes in (("class", {"b4": 9}), ("machine", {"b18": 0xf7})):
            result = call("run", "--", self.elf(name, **changes))
            self.assertEqual(result.returncode, 126)
            self.assertIn("another kind of processor", result.stderr)

    def test_a_script_is_judged_by_its_interpreter(self):
        script = self.file("script", b"#!" + self.elf("static").encode() + b"\n")
        result = call("run", "--", script)
        self.assertEqual(result.returncode, 126)
        self.assertIn("statically linked", result.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "giving a file away needs root")
    def test_setuid_and_setgid_programs_are_refused(self):
        for name, mode in (("user", 0o4755), ("group", 0o2755)):
            program = shutil.copy("/bin/true", self.path(name))
            os.chown(program, 65534, 65534)
            os.chmod(program, mode)
            result = call("run", "--", program)
            self.assertEqual(result.returncode, 126, name)
            self.assertIn("setuid", result.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "giving a file away needs root")
    def test_setuid_to_ourselves_changes_nothing(self):
        program = shutil.copy("/bin/true", self.path("own"))
        os.chmod(program, 0o4755)
        self.assertEqual(call("run", "--", program).returncode, 0)

    def test_without_the_shim(self):
        lonely = shutil.copy(COMMAND, self.path("stats-hero"))
        result = call("run", "--", "true", command=lonely)
        self.assertEqual(result.returncode, 125)
        self.assertIn("libstatshero.so", result.stderr)

    def test_the_shim_is_found_in_lib(self):
        os.makedirs(self.path("bin"))
        os.makedirs(self.path("lib"))
        command = shutil.copy(COMMAND, self.path("bin/stats-hero"))
        shim = shutil.copy(SHIM, self.path("lib/libstatshero.so"))
        result = call("run", "--", "sh", "-c", "echo $LD_PRELOAD", command=command)
        self.assertEqual(result.stdout.strip(), os.path.realpath(shim))

    def test_the_shim_is_put_before_other_preloads(self):
        other = shutil.copy(SHIM, self.path("other.so"))
        result = call("run", "--", "sh", "-c", "echo $LD_PRELOAD", LD_PRELOAD=other)
        self.assertEqual(result.stdout.strip(), os.path.realpath(SHIM) + ":" + other)

    def test_a_folder_that_ld_preload_can_not_name(self):
        os.makedirs(self.path("a b"))
        command = shutil.copy(COMMAND, self.path("a b/stats-hero"))
        shutil.copy(SHIM, self.path("a b/libstatshero.so"))
        result = call("run", "--", "true", command=command)
        self.assertEqual(result.returncode, 125)
        self.assertIn("blank", result.stderr)

    def test_bad_options(self):
        cases = (["--nothing", "--", "true"], ["--json"], ["--live=1", "--", "true"], ["-x"], [], ["--"],
                 ["--protocol", "udp", "--", "true"], ["--to", "host:0", "--", "true"],
                 ["--to", "host:x", "--", "true"], ["--to", "unix:x", "--", "true"],
                 ["--to", "h:1", "--json", "-", "--", "true"], ["--to", "", "--", "true"],
                 ["--json", "/no/such/folder/x", "--", "true"])
        for arguments in cases:
            result = call("run", *arguments)
            self.assertEqual(result.returncode, 125, arguments)
            self.assertTrue(result.stderr.startswith("stats-hero run: "), result.stderr)

    def variables(self, *options, **more):
        result = call("run", *options, "--", "env", **more)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = (line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
        return {k[11:]: v for k, v in lines if k.startswith("STATS_HERO_")}

    def test_variables_of_options(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        log = os.path.relpath(os.path.join(folder.name, "x.log"))
        got = self.variables("--app", "shop", "--protocol", "dogstatsd", "--log", log)
        self.assertEqual(got["MY_APP"], "shop")
        self.assertEqual(got["PROTOCOL"], "dogstatsd")
        self.assertEqual(got["REQUEST_LOG"], os.path.join(os.getcwd(), log))
        self.assertTrue(got["ESTATSD_HOST"].startswith("unix:@"))
        self.assertEqual(got["TIME_UNIT"], "us")

    def test_variables_of_the_user_stand(self):
        self.assertEqual(self.variables(STATS_HERO_TIME_UNIT="ms")["TIME_UNIT"], "ms")
        self.assertEqual(self.variables(STATS_HERO_MY_APP="mine")["MY_APP"], "mine")

    def test_variables_of_a_receiver(self):
        cases = (("metrics.example:99", "metrics.example", "99"), ("10.0.0.1", "10.0.0.1", "8125"),
                 ("[::1]:99", "::1", "99"), ("[::1]", "::1", "8125"), ("::1", "::1", "8125"),
                 ("unix:/run/x", "unix:/run/x", "8125"), ("unix:@x", "unix:@x", "8125"))
        for to, host, port in cases:
            got = self.variables("--to", to)
            self.assertEqual((got["ESTATSD_HOST"], got["ESTATSD_PORT"]), (host, port))
            self.assertNotIn("TIME_UNIT", got)

    def report(self, lines, times=1, options=(), **more):
        program = REPORT % (lines, times)
        return call("run", *options, "--", sys.executable, "-c", program, **more)

    def test_it_is_its_own_receiver(self):
        result = self.report(REQUEST, 2000, ["--json", self.path("out.json")])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("2,000 requests", result.stderr)
        self.assertRegex(result.stderr, r"2,000 +2,000 +1.50 ms.* users GET")
        with open(self.path("out.json")) as file:
            got = json.load(file)
        self.assertEqual(got["frames"], {"received": 2000, "refused": 0, "lost": 0})
        self.assertEqual(got["requests"]["total"], 2000)
        self.assertEqual(got["requests"]["by_status"], {"503": 2000})
        self.assertEqual(got["timers"]["app.application.allRequests"]["max"], 1500)
        self.assertEqual(got["requests"]["by_type"][0]["errors"], 2000)
        self.assertEqual(got["requests"]["upstreams"],
                         [{"name": "rdbms", "count": 2000, "time_us": 2400000}])
        self.assertFalse(os.path.exists(self.path("out.json.tmp")))

    def test_milliseconds_of_the_user(self):
        result = self.report(REQUEST, 1, ["--json", "-"], STATS_HERO_TIME_UNIT="ms")
        self.assertEqual(json.loads(result.stdout)["requests"]["by_type"][0]["max_us"], 1500000)

    def test_says_what_the_shim_dropped(self):
        result = self.report([b"app.stats_hero.dropped:7|m"])
        self.assertIn("7 events were dropped", result.stderr)

    def test_json_into_what_is_no_file(self):
        result = self.report(REQUEST, 1, ["--json", "/dev/stdout"])
        self.assertEqual(json.loads(result.stdout)["requests"]["total"], 1)

    def test_no_summary_where_the_receiver_is_another(self):
        self.assertEqual(call("run", "--to", "127.0.0.1:9", "--", "true").stderr, "")

    def test_json_is_written_when_the_program_fails(self):
        result = call("run", "--json", "-", "--", "sh", "-c", "exit 9")
        self.assertEqual(result.returncode, 9)
        self.assertEqual(json.loads(result.stdout)["requests"]["total"], 0)

    def test_signals_are_passed_on(self):
        program = """
import signal, sys
def told(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        sys.exit(7)
for name in sys.argv[1:]:
    signal.signal(signal.Signals[name], told)
print("ready", flush=True)
while True:
    signal.pause()
"""
        names = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTERM"]
        process = self.start("run", "--", sys.executable, "-c", program, *names,
                             stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        for name in names:
            process.send_signal(signal.Signals[name])
            self.assertEqual(process.stdout.readline(), name + "\n")
        self.assertEqual(process.wait(SECONDS), 7)

    def test_the_program_starts_with_the_signals_as_they_were(self):
        fields = ("SigBlk", "SigIgn")
        words = {line.split(":")[0]: line.split()[1]
                 for line in call("run", "--", "cat", "/proc/self/status").stdout.splitlines()
                 if line.startswith(fields)}
        plain = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True)
        for line in plain.stdout.splitlines():
            if line.startswith(fields):
                self.assertEqual(words[line.split(":")[0]], line.split()[1])

    def test_the_program_gets_no_extra_descriptors(self):
        plain = subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True)
        result = call("run", "--", "ls", "/proc/self/fd")
        self.assertEqual(result.stdout, plain.stdout)

    def test_a_signal_ignored_before_reaches_the_program_still_ignored(self):
        result = subprocess.run(["sh", "-c", f"trap '' HUP; exec {COMMAND} run -- sh -c 'kill -HUP $$'"],
                                capture_output=True, timeout=SECONDS, env=environment())
        self.assertEqual(result.returncode, 0)

    def test_ctrl_c_reaches_the_program_once(self):
        program = """
import os, signal
seen = []
for number in (signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: seen.append(number))
print("ready", flush=True)
while not seen:
    signal.pause()
# What was to be passed on before this one has been passed on when it comes back.
os.kill(os.getppid(), signal.SIGUSR1)
while signal.SIGUSR1 not in seen:
    signal.pause()
print("times", seen.count(signal.SIGINT), flush=True)
"""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(COMMAND, [COMMAND, "run", "--", sys.executable, "-c", program], environment())
        self.addCleanup(os.close, terminal)
        seen = self.read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        seen = self.read_until(terminal, b"requests")
        self.assertIn(b"times 1", seen)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)

    def test_ctrl_z_stops_and_goes_on(self):
        pid, terminal = pty.fork()
        if pid == 0:
            # A shell of jobs would do this: a group of its own, in the foreground.
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                os.tcsetpgrp(0, os.getpid())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                os.execve(COMMAND, [COMMAND, "run", "--", "sh", "-c", "echo ready; read x; exit 6"],
                          environment())
            _, status = os.waitpid(child, os.WUNTRACED)
            os.write(1, b"stopped\n" if os.WIFSTOPPED(status) else b"ended\n")
            os.killpg(child, signal.SIGCONT)
            _, status = os.waitpid(child, 0)
            os.write(1, b"status %d\n" % os.waitstatus_to_exitcode(status))
            os._exit(0)
        self.addCleanup(os.close, terminal)
        self.read_until(terminal, b"ready")
        os.write(terminal, b"\x1a")
        self.read_until(terminal, b"stopped")
        os.write(terminal, b"\n")
        self.assertIn(b"status 6", self.read_until(terminal, b"status 6"))
        os.waitpid(pid, 0)

    def read_until(self, fd, word):
        seen = b""
        while word not in seen:
            ready, _, _ = select.select([fd], [], [], SECONDS)
            self.assertTrue(ready, seen)
            try:
                part = os.read(fd, 4096)
            except OSError:  # how a terminal says that its other side is gone
                part = b""
            self.assertTrue(part, seen)
            seen += part
        return seen

    DAEMON = """
import os, signal, sys
def ended(number, frame):
    os.write(end, b"ended")
    os._exit(0)
end = int(sys.argv[1])
signal.signal(signal.SIGTERM, ended)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(end, b"%d\\n" % os.getpid())
        while True:
            signal.pause()
    os._exit(0)
os.wait()
"""

    def daemon(self, status):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        program = self.DAEMON + f"sys.exit({status})\n"
        process = self.start("run", "--", sys.executable, "-c", program, str(write), pass_fds=[write])
        os.close(write)
        return process, read

    def test_daemons_are_waited_for(self):
        process, read = self.daemon(0)
        self.read_until(read, b"\n")
        self.assertIn("background", process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        self.read_until(read, b"ended")
        self.assertEqual(process.wait(SECONDS), 0)
        self.assertIn("0 requests", process.stderr.read())

    def test_ctrl_c_twice_ends_the_waiting(self):
        pid, terminal = pty.fork()
        if pid == 0:
            script = "trap '' INT; cat /dev/tty >/dev/null & echo daemon $!"
            os.execve(COMMAND, [COMMAND, "run", "--", "sh", "-c", script], environment())
        self.addCleanup(os.close, terminal)
        seen = self.read_until(terminal, b"in the background")
        daemon = int(re.search(rb"daemon (\d+)", seen)[1])
        os.write(terminal, b"\x03")
        self.read_until(terminal, b"again")
        os.write(terminal, b"\x03")
        self.read_until(terminal, b"0 requests")
        os.kill(daemon, signal.SIGKILL)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)

    def test_nobody_reads_standard_error(self):
        read, write = os.pipe()
        os.close(read)
        result = subprocess.run([COMMAND, "run", "--", "sh", "-c", "exit 5"], stderr=write,
                                timeout=SECONDS, env=environment())
        os.close(write)
        self.assertEqual(result.returncode, 5)

    def test_daemons_of_a_failed_program_are_not_waited_for(self):
        process, read = self.daemon(3)
        daemon = int(self.read_until(read, b"\n"))
        self.assertEqual(process.wait(SECONDS), 3)
        os.kill(daemon, signal.SIGTERM)
        self.read_until(read, b"ended")

    def test_live_without_a_terminal_is_the_table_at_the_end(self):
        result = self.report(REQUEST, 1, ["--live"])
        self.assertIn("1 request in", result.stderr)
        self.assertNotIn("\033", result.stderr)


class Listen(Scratch):
    def listen(self, *options):
        process = self.start("listen", "--json", self.path("out.json"), *options)
        line = process.stderr.readline()
        self.assertTrue(line.startswith("listening on "), line)
        return process, line[len("listening on "):].strip()

    def udp(self, address, *datagrams):
        host, port = address.rsplit(":", 1)
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            for datagram in datagrams:
                s.sendto(datagram, (host.strip("[]"), int(port)))

    def finish(self, process, number=signal.SIGTERM):
        # What a socket holds is read before a signal ends the receiver: no waiting.
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, errors)
        with open(self.path("out.json")) as file:
            return json.load(file), errors

    def test_shp(self):
        process, address = self.listen("--port", "0", "--unit", "us")
        self.assertRegex(address, r"^127\.0\.0\.1:[1-9][0-9]*$")
        self.udp(address, *[shp(REQUEST)] * 10)
        got, errors = self.finish(process)
        self.assertEqual(got["frames"], {"received": 10, "refused": 0, "lost": 0})
        self.assertEqual(got["counters"]["app.application.allRequests"], 10)
        self.assertEqual(got["timers"]["app.application.allRequests"],
                         {"unit": "us", "count": 10, "mean": 1500, "p50": 1500, "p90": 1500,
                          "p99": 1500, "max": 1500})
        one = got["requests"]["by_type"][0]
        self.assertEqual((one["label"], one["action"], one["count"], one["errors"]),
                         ("users", "GET", 10, 10))
        self.assertIn("10 requests", errors)

    def test_milliseconds(self):
        process, address = self.listen("--port", "0")
        self.udp(address, shp([b"t:5|h"]))
        self.assertEqual(self.finish(process)[0]["timers"]["t"]["max"], 5000)

    def test_statsd_and_dogstatsd(self):
        process, address = self.listen("--port", "0")
        self.udp(address, b"c:1|c\nc:2|c|@0.5\nt:1.5|ms\n", b"t:1:2:3|ms|#a:b\nq:1|g\n")
        got, _ = self.finish(process, signal.SIGINT)
        self.assertEqual(got["counters"], {"c": 5})
        self.assertEqual(got["timers"]["t"]["count"], 4)
        self.assertAlmostEqual(got["timers"]["t"]["p50"], 1500, delta=1500 / 128)
        self.assertEqual(got["lines"], {"received": 5, "refused": 0, "ignored": 1})

    def test_gzip(self):
        process, address = self.listen("--port", "0")
        packed = gzip.compress(b"a:2|m\n")
        self.udp(address, b"1|%d\n" % len(packed) + packed)
        self.assertEqual(self.finish(process)[0]["counters"], {"a": 2})

    def test_bad_input_is_counted_and_survived(self):
        process, address = self.listen("--port", "0")
        self.udp(address, b"1|5\na:1|m\n", b"1|x\n", b"1|", b"1|6\n\x1f\x8bxxxx", b"", b"\0" * 1000,
                 bytes(range(256)) * 250, b"a:b:c\n", shp([b"a:1.0|m", b"a:1|c", b"a:1|m|@1", b"ok:1|m"]))
        got, errors = self.finish(process)
        self.assertEqual(got["frames"]["received"], 9)
        self.assertEqual(got["frames"]["refused"], 4)
        self.assertEqual(got["counters"], {"ok": 1})
        counts = {refusal["reason"]: refusal["count"] for refusal in got["refusals"]}
        for reason in ("length_differs", "length", "header", "gzip", "value", "type", "rate"):
            self.assertGreaterEqual(counts[reason], 1, reason)
        self.assertEqual(sum(counts.values()), 4 + got["lines"]["refused"])
        for refusal in got["refusals"]:
            self.assertIn("refused: " + refusal["meaning"], errors)
        self.assertIn({"reason": "length", "of": "datagram", "count": 1,
                       "meaning": "the header's length is not an integer",
                       "example": "1|x\n", "example_bytes": 4}, got["refusals"])
        self.assertIn('    "1|x\\u000a"\n', errors)

    def test_what_comes_after_bad_input_is_taken(self):
        frames = [shp(REQUEST), shp([b"a:1|m", b"b:2|h"]), b"c:1|c\nd:2.5|ms|@0.5|#t:u\n"]
        packed = gzip.compress(shp(REQUEST))
        frames.append(b"1|%d\n" % len(packed) + packed)
        chance = random.Random(1)
        process, address = self.listen("--port", "0")
        sent = 0
        for _ in range(100):
            wrong = [mutated(chance, chance.choice(frames)) for _ in range(20)]
            self.udp(address, *wrong, shp([b"good:1|m"]))
            sent += 21
            time.sleep(0.002)
        got, _ = self.finish(process)
        frames = got["frames"]
        self.assertEqual(frames["received"] + frames["lost"], sent)
        self.assertGreater(frames["refused"], 0)
        self.assertGreaterEqual(got["counters"]["good"], 100 - frames["lost"])

    def test_gzip_bombs_cost_no_memory(self):
        bomb = gzip.compress(b"\n" * 60000000)
        twice = gzip.compress(bomb)
        process, address = self.listen("--port", "0")
        for _ in range(20):
            self.udp(address, *[b"1|%d\n" % len(body) + body for body in (bomb, twice)])
            time.sleep(0.01)
        with open("/proc/%d/status" % process.pid) as status:
            most = int(re.search(r"VmHWM:\s*(\d+) kB", status.read()).group(1))
        got, _ = self.finish(process)
        self.assertLess(most, 40000)
        self.assertEqual(got["frames"]["received"] + got["frames"]["lost"], 40)
        self.assertEqual([(one["reason"], one["count"]) for one in got["refusals"]],
                         [("too_large", got["frames"]["received"])])

    def test_what_the_kernel_drops_is_counted(self):
        process, address = self.listen("--port", "0")
        datagram = b"a:1|c" + b"\n" * 1400
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        self.udp(address, *[datagram] * 200000)
        process.send_signal(signal.SIGCONT)
        frames = self.finish(process)[0]["frames"]
        self.assertGreater(frames["lost"], 0)
        self.assertEqual(frames["lost"] + frames["received"], 200000)

    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                s.bind(("::1", 0))
        except OSError:
            self.skipTest("no IPv6 here")
        process, address = self.listen("--port", "0", "--host", "::1")
        self.udp(address, b"a:1|c")
        self.assertEqual(self.finish(process)[0]["counters"], {"a": 1})

    def test_unix_sockets(self):
        path = self.path("socket")
        for _ in range(2):
            process, address = self.listen("--host", "unix:" + path)
            self.assertEqual(address, "unix:" + path)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.sendto(b"a:1|c", path)
                s.sendto(b"x" * 70000, path)
            got, _ = self.finish(process)
            self.assertEqual(got["counters"], {"a": 1})
            self.assertEqual([(one["reason"], one["count"]) for one in got["refusals"]],
                             [("truncated", 1)])
            self.assertFalse(os.path.exists(path))

    def test_an_abandoned_socket_file_is_replaced_and_no_other(self):
        path = self.path("socket")
        first, _ = self.listen("--host", "unix:" + path)
        result = call("listen", "--host", "unix:" + path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("in use", result.stderr)
        first.kill()
        first.wait(SECONDS)
        second, _ = self.listen("--host", "unix:" + path)
        self.finish(second)
        self.file("plain", b"kept")
        result = call("listen", "--host", "unix:" + self.path("plain"))
        self.assertEqual(result.returncode, 1)
        self.assertTrue(os.path.exists(self.path("plain")))

    def test_a_port_in_use(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            result = call("listen", "--port", str(s.getsockname()[1]))
        self.assertEqual(result.returncode, 1)
        self.assertIn("in use", result.stderr)

    def test_bad_options(self):
        cases = (["--port", "x"], ["--port", "65536"], ["--port", "-1"], ["--unit", "s"], ["extra"],
                 ["--nothing"], ["--json"], ["--live=yes"])
        for arguments in cases:
            result = call("listen", *arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertTrue(result.stderr.startswith("stats-hero listen: "), result.stderr)

    def test_an_unwritable_json_file_is_said_at_once(self):
        result = call("listen", "--port", "0", "--json", "/no/such/folder/x")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/no/such/folder/x", result.stderr)

    def test_live_on_a_terminal_redraws(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(COMMAND, [COMMAND, "listen", "--port", "0", "--live"], environment())
        self.addCleanup(os.close, terminal)
        seen = b""
        while seen.count(b"\033[H\033[J") < 2:
            ready, _, _ = select.select([terminal], [], [], SECONDS)
            self.assertTrue(ready, seen)
            seen += os.read(terminal, 4096)
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)


class Documentation(unittest.TestCase):
    def test_usage_without_a_command(self):
        for arguments in ([], ["nothing"]):
            result = call(*arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn("Usage: stats-hero", result.stderr)

    def test_version(self):
        self.assertRegex(call("--version").stdout, r"^stats-hero \d+\.\d+\.\d+\n$")

    def test_the_manual_has_every_command_option_and_variable(self):
        manual = call("--man").stdout.replace("\\-", "-")
        commands = re.findall(r"^  (\w+) ", call("--help").stdout, re.M)
        self.assertGreaterEqual(set(commands), {"run", "listen"})
        for command in commands:
            self.assertIn(f".SS \"stats-hero {command}\"", manual)
            options = re.findall(r"^  (--[\w-]+)", call(command, "--help").stdout, re.M)
            self.assertIn("--help", options)
            for option in set(options) - {"--help"}:
                self.assertIn(f"\\fB{option}\\fR", manual)
        variables = re.findall(r"`(STATS_HERO_\w+)`", call("--variables").stdout)
        self.assertIn("STATS_HERO_ESTATSD_HOST", variables)
        for variable in variables:
            self.assertIn(f"\\fB{variable}\\fR", manual)
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "EXIT STATUS", "EXAMPLES"):
            self.assertIn(f"\n.SH {section}\n", manual)

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "needs man-db and groff")
    def test_the_manual_is_good_roff(self):
        with tempfile.NamedTemporaryFile("w", suffix=".1") as page:
            page.write(call("--man").stdout)
            page.flush()
            result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", page.name],
                                    capture_output=True, text=True, timeout=SECONDS,
                                    env=environment(MANWIDTH="80"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("listen", result.stdout)

    def test_a_full_disk_is_said(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([COMMAND, "--man"], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 1)


if __name__ == "__main__":
    unittest.main()
