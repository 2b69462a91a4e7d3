"""Functions of real programs as requests: as many as the program itself, or who asked it, says."""

import collections
import os
import re
import signal
import ssl
import subprocess

from case import Receiver, Request, ShimCase, servers
from postgres import Postgres

NO_PORT = 1  # as the only port whose connections are requests: none is


class Hooks(ShimCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def shim(self, hooks, **settings):
        """Calls alone are requests; diagnostics go to a file."""
        self.messages_path = os.path.join(servers.temporary_folder(), "messages")
        return servers.Shim(self.receiver, HOOKS=hooks, LISTEN_PORTS=NO_PORT, LOG=self.messages_path, **settings)

    def told(self):
        """What the shim had to say."""
        try:
            with open(self.messages_path, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def assert_reported(self, expected):
        """The counters are of exactly these requests."""
        kinds, statuses = collections.Counter(), collections.Counter()
        for request, times in expected.items():
            kinds[f"app.application.byRequestType.{request.label}.{request.action}"] += times
            statuses[f"app.application.byStatusCode.{request.status}"] += times
        counters = self.receiver.counters
        self.assertEqual({k: v for k, v in counters.items() if ".byRequestType." in k}, dict(kinds))
        self.assertEqual({k: v for k, v in counters.items() if ".application.byStatusCode." in k}, dict(statuses))

    def exact(self, shim, expected, outcomes=("done",)):
        """Metrics and request log tell exactly these requests, and nothing was refused; returns the log."""
        expected = +collections.Counter(expected)
        self.wait_for_ends(self.receiver, sum(expected.values()))
        self.assert_clean(self.receiver)
        self.assert_reported(expected)
        lines = shim.requests()
        found = collections.Counter(Request(line["label"], line["action"], line["status"]) for line in lines)
        self.assertEqual(found, expected, "request log")
        self.assertEqual({line["outcome"] for line in lines} - set(outcomes), set())
        self.assertEqual(self.told(), [])
        return lines

    @staticmethod
    def answers(server, asked):
        """What it answers to each path and curl options, with its head; its port and the date aside."""
        answers = []
        for path, *options in asked:
            answer = servers.run(["curl", "-sSi", *options, server.url(path)])
            answers.append(re.sub(r"(?m)^(Date|Allow): .*", r"\1", answer).replace(f":{server.port}/", ":PORT/"))
        return answers

    def run_under(self, shim, argv, good_exits=(0,), **options):
        """What a program says under the shim; without it it says the same."""
        said = []
        for environment in ({}, shim.environment):
            done = subprocess.run(argv, env={**servers.plain_environment(), **environment}, timeout=60, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
            self.assertIn(done.returncode, good_exits, done.stderr)
            said.append((done.returncode, done.stdout, done.stderr))
        self.assertEqual(said[1], said[0])
        return said[1][1]


class RedisHooks(Hooks):
    LOADS = (
        ("-t", "set,get,incr,lpush,ping_mbulk", "-n", "2000", "-c", "1"),
        ("-t", "set,get", "-n", "6000", "-c", "20", "-P", "16"),
        ("-t", "mset", "-n", "1000", "-c", "5"),
    )
    REFUSED = 3

    def ask(self, redis, *command):
        return servers.run(["redis-cli", "-p", str(redis.port), *command])

    def load(self, redis):
        """Returns what the server itself counted: the executions of each command."""
        for load in self.LOADS:
            servers.run(["redis-benchmark", "-q", "-p", str(redis.port), *load])
        self.assertIn("syntax error", self.ask(redis, "set", "too", "many", "words"))
        for refused in (("get",), ("incr", "too", "many"), ("nonsense",)):
            self.assertIn("ERR", self.ask(redis, *refused))
        counted = collections.Counter({"info": 1})  # the very one that says so
        for name, calls in re.findall(r"cmdstat_([^:|]+)[^:]*:calls=(\d+),", self.ask(redis, "info", "commandstats")):
            counted[name] += int(calls)
        return counted

    def test_as_many_commands_as_it_says(self):
        shim = self.shim("processCommand,label='command',ok=0")
        with servers.Redis(shim=shim) as redis:
            counted = self.load(redis)
        self.exact(shim, {Request("command", "call", 200): sum(counted.values()) + self.REFUSED})

    SESSION = (
        "ping", "set a 1", "get a", "get", "nonsense", "multi", "incr a", "lpush a x", "exec", "multi", "set",
        "exec", "watch a", "eval \"redis.call('set', 'b', 2); return redis.call('incr', 'b')\" 0",
        "eval \"return redis.pcall('lpush', 'b', 1)\" 0", "eval \"return redis.call('nonsense')\" 0",
        "blpop nothing 0.01", "object encoding a", "config get maxclients", "quit",
    )

    def test_answers(self):
        """Transactions, scripts and errors: every answer is as without the hooks."""
        shim = self.shim("processCommand,label='command'", TIMERS="call=redis.call")
        answers = []
        for under in (None, shim):
            with servers.Redis(shim=under) as redis, redis.connect() as connection:
                connection.sendall("".join(command + "\r\n" for command in self.SESSION).encode())
                with connection.makefile("rb") as answer:
                    answers.append(answer.read())
        self.assertEqual(answers[1], answers[0])
        self.exact(shim, {Request("command", "call", 200): len(self.SESSION)})

    def test_each_command_by_name(self):
        """Its slow log is asked after each command, and given the words of it: argv[0]->ptr."""
        shim = self.shim("slowlogPushEntryIfNeeded,label='command',action=arg1+0+8:str")
        with servers.Redis(shim=shim) as redis:
            counted = self.load(redis)
        found = collections.Counter()
        for line in shim.requests():
            found[line["action"].lower()] += 1
        self.assertEqual(found, counted)

    def test_execution_as_a_timer(self):
        shim = self.shim("processCommand,label='command'", TIMERS="call=redis.call")
        with servers.Redis(shim=shim) as redis:
            executed = sum(self.load(redis).values())
            stats = self.ask(redis, "info", "stats")
        self.assertEqual(int(re.search(r"total_commands_processed:(\d+)", stats)[1]), executed)
        lines = self.exact(shim, {Request("command", "call", 200): executed + 1 + self.REFUSED})
        self.assertEqual(sum("redis.call" in line["timers"] for line in lines), executed + 1)
        self.assertEqual({line["timers"]["redis.call"]["count"] for line in lines if line["timers"]}, {1})
        self.assertEqual(self.receiver.timer_count("app.upstreamRequests.redis.call"), executed + 1)


class NginxHooks(Hooks):
    ASKED = (["/missing"], ["/old"], ["/empty"], ["/broken"], ["/nodes/page.html"], ["/big/file.bin"],
             ["/post", "-dx=1"])

    def count(self, function):
        shim = self.shim(function + ",label='nginx'")
        with servers.Nginx(shim=shim, workers=2) as server:
            servers.ab(server.url("/ab/page.html"), 1000, concurrency=8)
            servers.ab(server.url("/abk/page.html"), 1000, concurrency=8, keepalive=True)
            answers = self.answers(server, self.ASKED)
        self.assertGreaterEqual(len(server.records()), 2007)
        with servers.Nginx(workers=2) as server_without:
            self.assertEqual(answers, self.answers(server_without, self.ASKED))
        self.exact(shim, {Request("nginx", "call", 200): len(server.records())})

    def test_process_request(self):
        self.count("ngx_http_process_request")

    def test_free_request(self):
        self.count("ngx_http_free_request")


class ApacheHooks(Hooks):
    ASKED = (["/missing"], ["/old"], ["/empty"], ["/gone"], ["/big/file.bin"], ["/nodes/page.html"],
             ["/nodes/page.html", "-I"], ["/nodes/page.html", "-XDELETE"], ["/nodes/page.html", "-XOPTIONS"])

    # Of request_rec, which is the same in all of 2.4.
    FACTS = ",label='apache',action=arg0+112:str,status=arg0+104:i32"

    def served(self, mpm, function):
        """Returns the shim, and the server's own log as requests. Some in it are Apache's own, to wake
        its processes when it stops; only the graceful way to stop waits for them."""
        shim = self.shim(function)
        server = servers.Apache(shim=shim, mpm=mpm)
        server.stop_signal = signal.SIGWINCH
        with server:
            servers.ab(server.url("/ab/page.html"), 1000, concurrency=8)
            servers.ab(server.url("/abk/page.html"), 1000, concurrency=8, keepalive=True)
            answers = self.answers(server, self.ASKED)
        records = server.records()
        # With keep-alive ab may say that 1000 are complete when Apache was asked for 998.
        self.assertGreaterEqual(len(records), 2000)
        with servers.Apache(mpm=mpm) as server_without:
            self.assertEqual(answers, self.answers(server_without, self.ASKED))
        return shim, collections.Counter(Request("apache", r.method, r.status) for r in records)

    def test_logged(self):
        for mpm in ("event", "prefork"):
            with self.subTest(mpm=mpm), Receiver() as self.receiver:
                self.exact(*self.served(mpm, "ap_run_log_transaction" + self.FACTS))

    def test_processed(self):
        for mpm, function in (("event", "ap_process_async_request"), ("prefork", "ap_process_request")):
            with self.subTest(mpm=mpm), Receiver() as self.receiver:
                shim, logged = self.served(mpm, function + ",label='apache'")
                self.exact(shim, {Request("apache", "call", 200): sum(logged.values())})


class SqliteHooks(Hooks):
    ROWS = 500
    SCRIPT = f"""
        with recursive n(i) as (select 1 union all select i + 1 from n where i < {ROWS}) select i, i * i from n;
        select 1;
        select 2 where 0;
        select abs(-9223372036854775808);
    """

    def test_a_step_for_each_row(self):
        """100: a row; 101: no more rows; 1: an error."""
        shim = self.shim("sqlite3_step@libsqlite3.so.0,label='step',status=ret")
        out = self.run_under(shim, ["sqlite3", ":memory:", self.SCRIPT], good_exits=(1,))
        self.assertEqual(len(out.splitlines()), self.ROWS + 1)
        self.exact(shim, {Request("step", "call", 100): self.ROWS + 1, Request("step", "call", 101): 3,
                          Request("step", "call", 1): 1})


class CurlHooks(Hooks):
    def test_a_transfer_each(self):
        shim = self.shim("curl_easy_perform@libcurl.so.4,label='transfer',ok=0")
        with servers.Nginx() as server:
            urls = [server.url("/nodes/page.html"), server.url("/missing"), "http://127.0.0.1:1/refused"] * 7
            self.run_under(shim, ["curl", "-s", *urls], good_exits=(7,))
        self.exact(shim, {Request("transfer", "call", 200): 14, Request("transfer", "call", 500): 7})


class Php(servers.Server):
    """PHP's own web server. Its exit status is its signal's."""

    stop_signal = signal.SIGINT
    good_exits = (0, 255, -signal.SIGINT)
    # Name, what it holds, whether it runs to its end.
    SCRIPTS = (
        ("plain", "echo 1;", 1),
        ("exit", "echo 2; exit(3);", 0),
        ("undefined", "nope();", 0),
        ("uncaught", "function f() { throw new Exception('x'); } f();", 0),
        ("memory", "ini_set('memory_limit', '2M'); $a = str_repeat('x', 1 << 26);", 0),
        ("late", "register_shutdown_function(function() { nope(); }); include 'plain.php';", 1),
    )

    def argv(self):
        for name, text, _ in self.SCRIPTS:
            with open(f"{self.folder}/{name}.php", "w", encoding="ascii") as file:
                file.write(f"<?php {text}\n")
        return ["php", "-n", "-d", "display_errors=0", "-S", f"127.0.0.1:{self.port}", "-t", self.folder]


class PhpHooks(Hooks):
    def answers(self, server):
        """What each script answers; ab's loads aside."""
        answers = []
        for name, _, _ in Php.SCRIPTS:
            servers.ab(server.url(f"/{name}.php"), 50, concurrency=2)
            answers.append(servers.run(["curl", "-sS", "-w", "%{http_code}", server.url(f"/{name}.php")]))
        return answers

    def test_scripts(self):
        """Scripts that are broken off leave php_execute_script by longjmp to its own frame."""
        with Php() as server:
            plain = self.answers(server)
        shim = self.shim("php_execute_script,label='script',status=ret")
        with Php(shim=shim) as server:
            self.assertEqual(self.answers(server), plain)
        expected = collections.Counter()
        for _, _, completes in Php.SCRIPTS:
            expected[Request("script", "call", completes)] += 51
        self.exact(shim, expected)


class NodeTls(servers.Server):
    """An https server whose answers are as long as they are asked to be, within a TLS record each."""

    SCRIPT = """
        const fs = require("fs"), https = require("https"), [folder] = process.argv.slice(2);
        const options = {key: fs.readFileSync(folder + "/key"), cert: fs.readFileSync(folder + "/certificate")};
        const server = https.createServer(options, (request, response) => {
            response.end("x".repeat(Number(request.url.slice(1))));
        });
        server.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
        process.on("SIGTERM", () => { server.close(); server.closeAllConnections(); });
    """

    def argv(self):
        script = os.path.join(self.folder, "server.js")
        with open(script, "w", encoding="ascii") as file:
            file.write(self.SCRIPT)
        servers.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x",
                     "-keyout", self.folder + "/key", "-out", self.folder + "/certificate"])
        return ["node", script, self.folder]

    def announced_port(self):
        match = re.search(r"listening (\d+)\n", self._read("stdout"))
        return int(match[1]) if match else None


class NodeHooks(Hooks):
    """Node brings an OpenSSL of its own, inside of its program, and calls it directly."""

    LENGTHS = (0, 1, 10, 100, 1000, 10000)

    def converse(self, server):
        """Asks on two connections; returns how many requests and answers had so many bytes."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sent, received = collections.Counter(), collections.Counter()
        for _ in range(2):
            with context.wrap_socket(server.connect()) as connection:
                for length in self.LENGTHS * 20:
                    request = f"GET /{length} HTTP/1.1\r\nHost: x\r\nX-Long: {'x' * length}\r\n\r\n".encode()
                    connection.sendall(request)
                    sent[len(request)] += 1
                    answer = b""
                    while len(answer.partition(b"\r\n\r\n")[2]) < length or b"\r\n\r\n" not in answer:
                        part = connection.recv(65536)
                        self.assertTrue(part, answer[:200])
                        answer += part
                    received[len(answer)] += 1
        return sent, received

    def calls(self, function):
        with NodeTls() as server:
            plain = self.converse(server)
        shim = self.shim(function + ",label='tls',status=ret")
        with NodeTls(shim=shim) as server:
            sent, received = self.converse(server)
        self.assertEqual((sent, received), plain)
        return shim, sent, received

    def test_a_write_for_each_answer(self):
        shim, _, received = self.calls("SSL_write")
        self.exact(shim, {Request("tls", "call", n): times for n, times in received.items()})

    def test_a_read_for_each_request(self):
        shim, sent, _ = self.calls("SSL_read")
        nothing = sum(line["status"] < 0 for line in shim.requests())  # there was to be read
        self.assertGreater(nothing, 0)
        lines = self.exact(shim, {Request("tls", "call", -1): nothing,
                                  **{Request("tls", "call", n): times for n, times in sent.items()}})
        self.assertEqual(len(lines), nothing + sum(sent.values()))


class PostgresHooks(Hooks):
    def test_statements(self):
        shim = self.shim("PortalRun,label='statement'", INCLUDE="postgres", TIMERS="standard_ExecutorRun=executor.run")
        with Postgres(shim=shim) as server:
            server.client("pgbench", "-i", "-q")
            before = server.statements()
            said = server.client("pgbench", "-n", "-c", "4", "-j", "2", "-t", "100")
            self.assertIn("actually processed: 400/400", said)
            self.assertGreaterEqual(server.statements() - before, 400 * 7)  # it looks at its tables, too
        lines = self.exact(shim, {Request("statement", "call", 200): server.statements()})
        # Five of a transaction's seven read or change rows.
        self.assertGreaterEqual(sum("executor.run" in line["timers"] for line in lines), 400 * 5)

    def test_statements_that_fail(self):
        """An error leaves by siglongjmp to the session's loop: those calls never return. What fails as
        it is understood was never run."""
        failing, nonsense, misspelt = "select 1 / (i - 2) from generate_series(1, 3) i", "select nonsense", "selekt 1"
        statements = (failing, "select 1", nonsense, misspelt, failing, failing, "select 2")
        shim = self.shim("PortalRun,label='run';pg_parse_query,label='parse',action=arg0:str", INCLUDE="postgres")
        with Postgres(shim=shim) as server:
            for _ in range(3):
                options = [option for statement in statements for option in ("-c", statement)]
                self.assertEqual(server.client("psql", "-Atq", *options).splitlines(), ["1", "2"])
        self.assertEqual(server.statements(), 3 * 6)
        expected = collections.Counter({Request("run", "call", 200): 3 * 2, Request("run", "call", 0): 3 * 3})
        for statement in statements:
            text = re.sub("[^A-Za-z0-9_-]", "_", statement)
            expected[Request("parse", text, 0 if statement == misspelt else 200)] += 3
        self.exact(shim, expected, ("done", "aborted"))
