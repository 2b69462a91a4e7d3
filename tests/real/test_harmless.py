"""Programs that are no servers, and clients, see no difference; off means off."""

import collections
import os
import re
import shutil
import statistics
import subprocess
import time
import unittest

from case import Keys, Receiver, ShimCase, servers


def outcome(argv, environment, **options):
    """(exit code, stdout, stderr) of a program; the process id that bash prints is left out."""
    done = subprocess.run(argv, env=environment, capture_output=True, timeout=120, check=False, **options)
    return done.returncode, done.stdout, re.sub(rb" +\d+ Killed", b" N Killed", done.stderr)


class Programs(ShimCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        # Without a request log: where one is wanted, a process opens it before it can drop its rights.
        self.shim = servers.Shim(self.receiver, REQUEST_LOG=None)
        self.folder = servers.temporary_folder()

        # The same variables on both sides, but for the preload itself.
        self.without = servers.plain_environment()
        self.without.update({k: v for k, v in self.shim.environment.items() if k != "LD_PRELOAD"})
        self.without.update({"LC_ALL": "C", "HOME": self.folder, "GIT_CONFIG_NOSYSTEM": "1"})
        self.within = dict(self.without, LD_PRELOAD=self.shim.environment["LD_PRELOAD"])

    def same(self, argv, **options):
        without = outcome(argv, self.without, **options)
        within = outcome(argv, self.within, **options)
        self.assertEqual(within, without, argv)
        return without

    def tearDown(self):
        """Nobody served a request, so nothing was sent, logged or said."""
        self.receiver.barrier()
        self.assertEqual((self.receiver.datagrams, self.receiver.raw), (0, []))

    def test_request_log_is_closed_on_exec(self):
        """A request log costs its file descriptor, out of the host's way, and no child inherits it."""
        within = dict(self.within, STATS_HERO_REQUEST_LOG=self.shim.log_path)
        script = "import os, subprocess, sys; print(os.listdir('/proc/self/fd'))"
        out = outcome([servers.PYTHON, "-I", "-c", script], within)[1]
        numbers = [int(number) for number in re.findall(rb"\d+", out)]
        self.assertEqual([number for number in numbers if 3 < number < 64], [])
        child = "import subprocess, os; del os.environ['LD_PRELOAD']; " \
            "subprocess.run(['ls', '/proc/self/fd'], close_fds=False)"
        self.assertEqual(outcome([servers.PYTHON, "-I", "-c", child], within)[1],
                         outcome([servers.PYTHON, "-I", "-c", child], self.within)[1])

    def test_true_and_false(self):
        self.assertEqual(self.same(["/bin/true"])[0], 0)
        self.assertEqual(self.same(["/bin/false"])[0], 1)

    def test_bash(self):
        script = r"""
            set -u; exec 5>&1; echo start >&5
            f() { local n=$1; (( n > 1 )) && echo $(( n * $(f $((n - 1))) )) || echo 1; }; f 8
            for i in 1 2 3; do echo $i | cat | tr 123 abc & wait; done
            while read -r line; do echo "got $line"; done < <(seq 3)
            trap 'echo trapped' USR1; kill -USR1 $$
            echo error >&2; exec 7</dev/null 7<&-; ls -l /proc/self/fd | wc -l
            ulimit -n; cat /nonexistent; printf '%s\n' "${!STATS_HERO_@}"
            ( exit 3 ); echo $?; bash -c 'kill -9 $$'; echo $?; exit 7
        """
        code, out, err = self.same(["bash", "-c", script])
        self.assertEqual(code, 7)
        self.assertIn(b"40320\na\nb\nc\ngot 1\n", out)
        self.assertIn(b"nonexistent", err)

    def test_bash_network(self):
        """/dev/tcp: a client's socket is no request."""
        with servers.Nginx() as server:
            script = (f"exec 3<>/dev/tcp/127.0.0.1/{server.port}; "
                      r"printf 'GET /missing HTTP/1.0\r\n\r\n' >&3; cat <&3 | grep -v ^Date")
            code, out, _ = self.same(["bash", "-c", script])
        self.assertEqual(code, 0)
        self.assertIn(b"404 Not Found", out)

    @unittest.skipIf(servers.SANITIZED, "curl hangs under the sanitizer itself, without the shim")
    def test_curl(self):
        with servers.Nginx() as server:
            code, out, _ = self.same(["curl", "-sS", server.url("/files/page.html"), server.url("/missing")])
        self.assertEqual(code, 0)
        self.assertIn(b"quick brown fox", out)

    def test_git_clone(self):
        source = os.path.join(self.folder, "source")
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main"]
        subprocess.run([*git, "init", "-q", source], check=True, env=self.without)
        for i in range(20):
            with open(os.path.join(source, f"file{i}"), "w", encoding="ascii") as file:
                file.write(f"{i}\n" * 1000)
        subprocess.run([*git, "-C", source, "add", "."], check=True, env=self.without)
        subprocess.run([*git, "-C", source, "commit", "-q", "-m", "all"], check=True, env=self.without)
        target = os.path.join(self.folder, "target")
        for protocol in ("", "file://"):
            results = []
            for environment in (self.without, self.within):
                shutil.rmtree(target, ignore_errors=True)
                results.append(outcome(["git", "clone", "--no-hardlinks", protocol + source, target], environment))
                self.assertEqual(sorted(os.listdir(target)), sorted(os.listdir(source)))
            self.assertEqual(results[1], results[0])
            self.assertEqual(results[0][0], 0)

    def test_apt_get(self):
        self.assertEqual(self.same(["apt-get", "--version"])[0], 0)

    def test_gcc(self):
        """A compiler with its children makes the same program, byte by byte, and the same warning."""
        with open(os.path.join(self.folder, "a.c"), "w", encoding="ascii") as file:
            file.write("#include <stdio.h>\nint main(void) { int unused; return puts(\"hello\") < 0; }\n")
        made = []
        for environment in (self.without, self.within):
            self.assertEqual(
                outcome(["gcc", "-Wall", "-O2", "-o", "a", "a.c"], environment, cwd=self.folder)[0], 0)
            with open(os.path.join(self.folder, "a"), "rb") as file:
                made.append(file.read())
        self.assertEqual(made[1], made[0])
        self.same(["gcc", "-Wall", "-c", "-o", "/dev/null", "a.c"], cwd=self.folder)
        self.same([os.path.join(self.folder, "a")])

    def test_env(self):
        def lines(environment):
            code, out, err = outcome(["env"], environment)
            self.assertEqual((code, err), (0, b""))
            return [line for line in out.splitlines() if not line.startswith(b"LD_PRELOAD=")]

        self.assertEqual(lines(self.within), lines(self.without))

    def test_python(self):
        """Forks, threads, pipes, socket pairs and every fd closed behind the shim's back."""
        script = r"""
import os, socket, subprocess, sys, threading
a, b = socket.socketpair()
a.sendall(b"GET / HTTP/1.1\r\n\r\n"); print(b.recv(100)); b.sendall(b"HTTP/1.1 200 OK\r\n\r\n"); print(a.recv(100))
print(os.listdir("/proc/self/fd"), threading.active_count(), len(os.listdir("/proc/self/task")))
t = [threading.Thread(target=print, args=(i,)) for i in range(3)]
[(x.start(), x.join()) for x in t]
print(subprocess.run(["sh", "-c", "echo child; exit 4"], capture_output=True, close_fds=True))
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    os.closerange(3, 4096); r, w = os.pipe(); print("fds", r, w); sys.stdout.flush(); os._exit(5)
print(os.waitpid(pid, 0)[1])
"""
        code, out, _ = self.same([servers.PYTHON, "-I", "-c", script])
        self.assertEqual(code, 0)
        self.assertIn(b"fds 3 4", out)

    @unittest.skipIf(servers.SANITIZED, "a sanitizer's runtime does as it likes")
    def test_true_makes_no_thread_and_no_socket(self):
        trace = os.path.join(self.folder, "trace")
        preload = self.within["LD_PRELOAD"]

        def calls(*options):
            done = outcome(["strace", "-f", "-o", trace, *options, "/bin/true"], self.without)
            self.assertEqual(done[0], 0, done)
            with open(trace, encoding="utf-8", errors="replace") as file:
                return re.findall(r"^\d+ +(\w+)\(", file.read(), re.M)

        within = calls("-E", "LD_PRELOAD=" + preload)
        without = calls()
        self.assertIn("execve", within)
        forbidden = {"socket", "connect", "bind", "clone", "clone3", "fork", "vfork", "sendto", "sendmsg",
                     "rt_sigaction", "rt_sigprocmask", "timer_create", "epoll_create1", "eventfd2"}
        self.assertEqual(forbidden & (set(within) - set(without)), set())
        # Loading a library costs about 10 calls; reading who and where we are a few more.
        self.assertLess(len(within) - len(without), 40, within)

    @unittest.skipIf(servers.SANITIZED, "a sanitizer's runtime takes its time")
    def test_true_is_no_millisecond_slower(self):
        def once(environment):
            start = time.perf_counter_ns()
            pid = os.posix_spawn("/bin/true", ["true"], environment)
            os.waitpid(pid, 0)
            return time.perf_counter_ns() - start

        pairs = [(once(self.without), once(self.within)) for _ in range(301)]
        slower = statistics.median(within - without for without, within in pairs)
        self.assertLess(slower, 1_000_000)


class Clients(ShimCase):
    """What a server's clients see when something is off."""

    PATHS = ("/", "/missing", "/nodes/page.html", "/empty", "/big/file.bin")

    def answers(self, server):
        found = []
        for path in self.PATHS:
            out = servers.run(["curl", "-sS", "-i", server.url(path)])
            found.append(re.sub(r"(?m)^Date: .*$", "", out))
        return found

    def same_answers(self, shim, receiver=None):
        with servers.Nginx() as plain, servers.Nginx(shim) as under:
            self.assertEqual(self.answers(under), self.answers(plain))
            self.assertEqual(servers.ab(under.url("/ab/page.html"), 3000, 10, keepalive=True), 3000)
            self.assertEqual(under._read("stderr"), plain._read("stderr"))
        if receiver:
            receiver.barrier()
            self.assertEqual(receiver.datagrams, 0)
            self.assertEqual(shim.requests(), [])

    def test_nobody_listens(self):
        class Nobody:
            host, port = "127.0.0.1", servers.free_port()

        self.same_answers(servers.Shim(Nobody))

    def test_receiver_cannot_be_resolved(self):
        class Nowhere:
            host, port = "no-such-host.invalid", 8125

        self.same_answers(servers.Shim(Nowhere, LOG=os.path.join(servers.temporary_folder(), "log")))

    def test_unix_socket_that_is_not_there(self):
        class Nowhere:
            host, port = "unix:" + servers.temporary_folder() + "/none", None

        self.same_answers(servers.Shim(Nowhere, LOG=os.path.join(servers.temporary_folder(), "log")))

    def test_disabled(self):
        with Receiver() as receiver:
            self.same_answers(servers.Shim(receiver, DISABLE=1), receiver)

    def test_excluded(self):
        with Receiver() as receiver:
            self.same_answers(servers.Shim(receiver, EXCLUDE="redis*,ngin?"), receiver)

    def test_not_included(self):
        with Receiver() as receiver:
            self.same_answers(servers.Shim(receiver, INCLUDE="apache*"), receiver)

    def test_included_by_glob(self):
        """The silence of the tests above is the settings' doing."""
        with Receiver() as receiver:
            shim = servers.Shim(receiver, INCLUDE="ng*", EXCLUDE="apache2", DISABLE=0)
            with servers.Nginx(shim) as server:
                self.get(server, n=10)
            receiver.barrier()
            self.assertEqual(receiver.counter(Keys().all), 10)
            self.assert_clean(receiver)

    def test_receiver_goes_and_comes_back(self):
        first = Receiver()
        shim = servers.Shim(first)
        with servers.Nginx(shim) as server:
            self.get(server, n=20)
            self.wait_for_ends(first, 20)
            self.assertEqual(first.counter(Keys().all), 20)
            port = first.port
            first.close()
            self.assertEqual(servers.ab(server.url("/ab/page.html"), 2000, keepalive=True), 2000)
            with Receiver(port=port) as second:
                # The sender may rest after errors; when it is back, nothing is lost any more.
                deadline = time.monotonic() + 20
                while not second.wait_until(lambda: second.timer_count(Keys().kind("back", "GET")), 0.2):
                    self.assertLess(time.monotonic(), deadline, "nothing comes after the receiver came back")
                    self.get(server, "/back")
                self.get(server, n=50)
                good = Keys().kind("good", "GET")
                self.assertTrue(second.wait_until(lambda: second.timer_count(good) >= 50))
                self.assertTrue(server.alive())
                server.stop()
                second.barrier()
                self.assertEqual(second.timer_count(good), 50)
                self.assertEqual(second.refused, [])

    def calls_of_sending(self, host, **options):
        """Names of the system calls of a sender that has gathered many parts, in their order."""
        if servers.SANITIZED:
            self.skipTest("a sanitizer's runtime minds being traced")
        path = os.path.join(servers.temporary_folder(), "trace")
        trace = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", path, "-e", "trace=sendmmsg,sched_yield"]
        with Receiver() as receiver:
            with host(servers.Shim(receiver, FLUSH_MS=1000), runner=trace, **options) as server:
                servers.ab(server.url("/ab/page.html"), 5000, keepalive=True)
                self.wait_for_ends(receiver, 4000)
            receiver.barrier()
            self.assertEqual(receiver.counter(Keys().all), len(server.records()))
            self.assert_clean(receiver)
        calls = collections.defaultdict(str)
        with open(path, encoding="ascii") as file:
            for thread, call in re.findall(r"^(\d+) +(\w+)\(", file.read(), re.MULTILINE):
                calls[thread] += call + " "
        return max(calls.values(), key=lambda each: each.count("sendmmsg"))  # Apache's own threads yield as well

    def test_who_wants_the_processor_goes_first(self):
        """Between two parts of what it has gathered the sender of a server with one thread gives way."""
        self.assertIn("sendmmsg sched_yield sendmmsg", self.calls_of_sending(servers.Nginx))

    def test_threads_that_take_turns_are_not_disturbed(self):
        calls = self.calls_of_sending(servers.Apache, one_child=True)
        self.assertIn("sendmmsg sendmmsg sendmmsg", calls)
        self.assertNotIn("sched_yield", calls)

    def test_a_library_between(self):
        """Who stands between the shim and libc is called as before."""
        between = os.path.join(servers.BUILD, "real", "between.so")
        with Receiver() as receiver:
            shim = servers.Shim(receiver)
            shim.environment["LD_PRELOAD"] += ":" + between
            with servers.Nginx(shim) as server:
                self.get(server, n=10)
                told = server._read("error.log")
            receiver.barrier()
            self.assertEqual(receiver.counter(Keys().all), 10)
            self.assert_clean(receiver)
        for name in ("recv", "writev", "sendfile64"):
            self.assertIn(f"between {name}\n", told)

    def test_receiver_on_a_unix_socket(self):
        path = os.path.join(servers.temporary_folder(), "socket")
        with Receiver(path=path) as receiver:
            os.chmod(path, 0o777)
            shim = servers.Shim(receiver, ESTATSD_PORT=None)
            with servers.Nginx(shim) as server:
                self.get(server, n=100)
                self.wait_for_ends(receiver, 100)
            receiver.barrier()
            self.assertEqual(receiver.counter(Keys().all), 100)
            self.assertEqual(receiver.timer_count(Keys().all), 100)
            self.assert_clean(receiver)

    def test_statsd(self):
        """The plain dialect: no header, `c` and `ms`; and larger datagrams when asked for."""
        with Receiver("statsd", most_bytes=8192) as receiver:
            shim = servers.Shim(receiver, PROTOCOL="statsd", DATAGRAM_BYTES=8192)
            with servers.Nginx(shim) as server:
                servers.ab(server.url("/ab/page.html"), 2000, keepalive=True)
            receiver.barrier()
            self.assertEqual(receiver.counter(Keys().all), 2000)
            self.assertEqual(receiver.timer_count(Keys().all), 2000)
            self.assert_clean(receiver)

    def test_a_value_that_cannot_be_used(self):
        """One warning names variable, value, and what is used instead; the host runs on."""
        with Receiver() as receiver:
            log = os.path.join(servers.temporary_folder(), "log")
            shim = servers.Shim(receiver, FLUSH_MS="soon", LOG=log)
            with servers.Nginx(shim) as server:
                self.get(server, n=5)
            receiver.barrier()
            self.assertEqual(receiver.counter(Keys().all), 5)
            with open(log, encoding="utf-8") as file:
                said = [line for line in file if "FLUSH_MS" in line]
            self.assertEqual(len(said), 1, said)
            self.assertIn("soon", said[0])
            self.assertIn("100", said[0])
