"""Real servers on free ports of the loopback, with the shim or without, as context managers.

    with Nginx(shim=Shim(receiver), workers=2) as server:
        server.url("/index.html")
    server.records()    # what the server's own access log says, after it was stopped

Each runs as the current user in a temporary folder of its own, is entered once it accepts, and is
left once it ended; what it wrote on stderr is in the message when something goes wrong.
"""

import atexit
import collections
import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
SHIM = os.path.join(BUILD, "libstatshero.so")
SANITIZED = "address" in os.path.basename(BUILD)
HOST_NAME = "test-host"

os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

# The distribution's Python as the server, even where another one runs the tests.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

# One request as a server's own log tells it. `seconds` is None where the log has no clock.
Record = collections.namedtuple("Record", "id status method path seconds")


def _preload():
    """What LD_PRELOAD holds; a sanitized shim wants the sanitizers' runtime ahead of it."""
    libraries = [SHIM]
    if SANITIZED:
        for name in ("libubsan.so", "libasan.so"):
            path = subprocess.check_output(["gcc", "-print-file-name=" + name], text=True).strip()
            libraries.insert(0, os.path.realpath(path))
    return ":".join(libraries)


class Shim:
    """The environment that puts a program under the shim, reporting to `receiver`."""

    def __init__(self, receiver, app="app", **settings):
        """`settings` are STATS_HERO_ variables without the prefix; None takes one away."""
        self.app = app
        self.folder = temporary_folder()
        self.log_path = os.path.join(self.folder, "requests.json")
        self.messages_path = os.path.join(self.folder, "messages")
        variables = {
            "ESTATSD_HOST": receiver.host,
            "ESTATSD_PORT": receiver.port,
            "MY_APP": app,
            "MY_HOST": HOST_NAME,
            "REQUEST_LOG": self.log_path,
            **settings,
        }
        self.environment = {
            "STATS_HERO_" + name: str(value) for name, value in variables.items() if value is not None
        }
        if SANITIZED:
            self.environment["ASAN_OPTIONS"] = (
                "detect_leaks=0:verify_asan_link_order=0:abort_on_error=1:allocator_may_return_null=1"
            )
            self.environment["UBSAN_OPTIONS"] = "print_stacktrace=1:abort_on_error=1"
        self.environment["LD_PRELOAD"] = _preload()

    def requests(self):
        """The request log as a list of dicts; ValueError names a line that is no JSON object."""
        try:
            with open(self.log_path, "rb") as log:
                content = log.read()
        except FileNotFoundError:
            return []
        if content and not content.endswith(b"\n"):
            raise ValueError("the last line of the request log is not ended")
        found = []
        for line in content.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise ValueError(f"request log: {line[:300]!r}: {error}") from None
        return found


def plain_environment():
    """The environment without any trace of the shim."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "LD_PRELOAD" and not name.startswith("STATS_HERO_")
    }


def temporary_folder():
    """A folder that goes away when the tests end; open to the users that servers change to."""
    folder = tempfile.mkdtemp(prefix="stats-hero-test-")
    os.chmod(folder, 0o777)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


_site = None


def site():
    """The documents that all servers serve: made once, so that dates and sizes agree."""
    global _site
    if _site is None:
        _site = temporary_folder()
        os.chmod(_site, 0o755)
        fox = b"The quick brown fox jumps over the lazy dog.\n"
        page = (b"<html>" + fox * 20)[:612]
        files = {"index.html": page, "slow/file.txt": fox * 8000, "big/file.bin": fox * 400_000}
        for name in ("ab", "abk", "wrk", "nodes", "good", "files"):
            files[name + "/page.html"] = page
        for name, content in files.items():
            path = os.path.join(_site, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
            os.utime(path, (1_600_000_000, 1_600_000_000))
    return _site


_certificate = None


def certificate():
    """A certificate that nobody vouches for, and its key: the paths of both."""
    global _certificate
    if _certificate is None:
        folder = temporary_folder()
        os.chmod(folder, 0o755)
        _certificate = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-out", _certificate[0], "-keyout", _certificate[1]])
        os.chmod(_certificate[1], 0o644)  # of no use to anybody
    return _certificate


def trusting():
    """A client's context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def process_ended(pid, timeout):
    """Waits for the end of any process, child or not; false after `timeout` seconds."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], timeout)[0])
    finally:
        os.close(fd)


def poll(predicate, timeout=15):
    """For conditions that nobody tells us about: looks again and again, until the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        result = predicate()
        if result or time.monotonic() > deadline:
            return result
        time.sleep(0.005)


class ServerError(AssertionError):
    pass


class Server:
    """One server process (and its children). Subclasses give argv and say how to stop it. Options of
    those that can do it: tls (False)."""

    stop_signal = signal.SIGTERM
    stop_timeout = 20
    good_exits = (0,)

    def __init__(self, shim=None, runner=None, **options):
        self.shim = shim
        self.runner = list(runner or [])  # a command that runs the server, as strace would
        self.options = options
        self.tls = options.get("tls", False)
        self.folder = temporary_folder()
        self.port = None
        self.process = None
        self.stderr_path = os.path.join(self.folder, "stderr")
        self.stdout_path = os.path.join(self.folder, "stdout")

    # What differs from server to server.
    def argv(self):
        raise NotImplementedError

    def adapt(self, environment):
        """Changes the environment that the server is to have."""

    def announced_port(self):
        """The port that the server chose itself, once known; the default: the one we gave it."""
        return self.port

    def records(self):
        raise NotImplementedError

    def diagnostics(self):
        texts = []
        for name in ("stderr", "error.log"):
            try:
                with open(os.path.join(self.folder, name), errors="replace") as file:
                    texts.append(file.read()[-4000:])
            except FileNotFoundError:
                pass
        return f"{type(self).__name__} {self.options}: " + "\n".join(texts)

    # What does not.
    def __enter__(self):
        for attempt in range(5):  # somebody else may take the free port before the server does
            self.port = free_port()
            try:
                self._start()
                return self
            except ServerError as error:
                self.kill()
                if attempt == 4 or "in use" not in str(error):
                    raise
        raise AssertionError("unreachable")

    def _start(self):
        environment = plain_environment()
        if self.shim:
            environment.update(self.shim.environment)
        self.adapt(environment)
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen(
                self.runner + self.argv(),
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=environment, cwd=self.folder, start_new_session=True,
                # Background jobs of a shell have SIGINT ignored; servers are to hear it.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        if not poll(self._accepts, 30):
            raise ServerError("does not accept connections: " + self.diagnostics())

    def _accepts(self):
        if self.process.poll() not in (None, 0):
            raise ServerError(f"ended with {self.process.returncode}: " + self.diagnostics())
        port = self.announced_port()
        if not port:
            return False
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as probe:
                if probe.getsockname() == probe.getpeername():
                    return False  # nobody listens yet: the kernel chose the port for the probe itself
        except OSError:
            return False
        self.port = port
        return True

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except Exception:
            self.kill()
            if kind is None:
                raise

    def pid(self):
        return self.process.pid

    def children(self):
        with open(f"/proc/{self.pid()}/task/{self.pid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def signal(self, number):
        os.kill(self.pid(), number)

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """Ends the server in its own orderly way and waits for it."""
        if self.process.poll() is None:
            self.signal(self.stop_signal)
        try:
            code = self.process.wait(self.stop_timeout)
        except subprocess.TimeoutExpired:
            raise ServerError("does not end: " + self.diagnostics()) from None
        if code not in self.good_exits:
            raise ServerError(f"ended with {code}: " + self.diagnostics())

    def kill(self):
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()

    def url(self, path="/"):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}{path}"

    def connect(self, timeout=20):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return trusting().wrap_socket(connection) if self.tls else connection

    def _read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()


class Nginx(Server):
    """options: workers (1), sendfile (True), daemon (False), true_clock (False): its log's times are
    true, see tests/real/nginx_clock.c; upstream: the port that /upstream goes to; http2 (False); listen
    (what follows `listen` after the address), locations (in place of the usual ones); keep_environment
    (False): for the binary that SIGUSR2 starts, to which nginx gives no other variables than it is told to."""

    LOCATIONS = """
                    location = /old { return 301 /index.html; }
                    location = /empty { return 204; }
                    location = /hangup { return 444; }
                    location = /broken { return 500; }
                    location /post { return 200 "posted\\n"; }
                    location /slow/ { limit_rate 256k; limit_rate_after 4k; }
"""

    stop_signal = signal.SIGQUIT

    def adapt(self, environment):
        if self.options.get("true_clock"):
            preloads = [environment.get("LD_PRELOAD"), os.path.join(BUILD, "real", "nginx_clock.so")]
            environment["LD_PRELOAD"] = ":".join(filter(None, preloads))

    def argv(self):
        on = {True: "on", False: "off"}
        folder = self.folder
        user = f"user {pwd.getpwuid(0).pw_name};" if os.getuid() == 0 else ""
        tls = "ssl" + (" http2" if self.options.get("http2") else "") if self.tls else ""
        files = "ssl_certificate {}; ssl_certificate_key {};".format(*certificate()) if self.tls else ""
        upstream = self.options.get("upstream")
        proxy = f"location /upstream {{ proxy_pass http://127.0.0.1:{upstream}; }}" if upstream else ""
        temp = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        kept = self.shim.environment if self.shim and self.options.get("keep_environment") else ()
        config = f"""
            {user}
            {"".join(f"env {name};" for name in kept)}
            daemon {on[self.options.get("daemon", False)]};
            worker_processes {self.options.get("workers", 1)};
            worker_shutdown_timeout 10s;
            pid {folder}/nginx.pid;
            error_log {folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{
                {temp}
                types {{ text/html html; text/plain txt; }}
                log_format own '$http_x_request_id $status $request_method $request_time $request_uri';
                access_log {folder}/access.log own;
                sendfile {on[self.options.get("sendfile", True)]};
                keepalive_requests 10000;
                client_max_body_size 0;
                client_header_timeout 5s;
                client_body_timeout 5s;
                absolute_redirect off;
                server {{
                    listen 127.0.0.1:{self.port} {tls} backlog=511{self.options.get("listen", "")};
                    {files}
                    {proxy}
                    root {site()};
                    {self.options.get("locations", self.LOCATIONS)}
                    location /dav/ {{ root {folder}; dav_methods PUT; create_full_put_path on; }}
                }}
            }}
            """
        self.config_path = os.path.join(folder, "nginx.conf")
        with open(self.config_path, "w", encoding="ascii") as file:
            file.write(config)
        # By its path: what it starts at SIGUSR2 is what it was started as.
        return [shutil.which("nginx") or "nginx", "-p", folder, "-c", self.config_path, "-e", folder + "/error.log"]

    def pid(self):
        """The master's, which with `daemon on` is not our child."""
        if self.options.get("daemon"):
            return int(self._read("nginx.pid"))
        return self.process.pid

    def alive(self):
        return not process_ended(self.pid(), 0)

    def stop(self):
        if self.options.get("daemon"):
            pid = self.pid()
            self.signal(self.stop_signal)
            if not process_ended(pid, self.stop_timeout):
                raise ServerError("does not end: " + self.diagnostics())
            self.process.wait()
        else:
            super().stop()

    def records(self):
        found = []
        for line in self._read("access.log").splitlines():
            match = re.fullmatch(r"(\S+) (\d{3}) (\S+) (\d+\.\d{3}) (.*)", line)
            if match:
                found.append(Record(match[1], int(match[2]), match[3], match[5], float(match[4])))
        return found


class Apache(Server):
    """options: mpm ("event" or "prefork"); one_child: of event, one process alone serves."""

    modules = "/usr/lib/apache2/modules"

    def argv(self):
        folder = self.folder
        mpm = self.options.get("mpm", "event")
        load = "\n".join(
            f"LoadModule {name}_module {self.modules}/mod_{name}.so"
            for name in (f"mpm_{mpm}", "authz_core", "dir", "mime", "alias", "env", "ratelimit",
                         *(["ssl"] if self.tls else []))
        )
        tls = "SSLEngine on\nSSLCertificateFile {}\nSSLCertificateKeyFile {}\n".format(*certificate()) if self.tls else ""
        user = ""
        if os.getuid() == 0:  # its children do not run as root
            owner = pwd.getpwnam("www-data" if _has_user("www-data") else "nobody")
            user = f"User #{owner.pw_uid}\nGroup #{owner.pw_gid}\n"
        size = {
            "event": "ThreadsPerChild 8\nAsyncRequestWorkerFactor 50\n" +
            ("ServerLimit 1\nStartServers 1\nMaxRequestWorkers 8\n" if self.options.get("one_child") else
             "StartServers 2\nMinSpareThreads 8\nMaxSpareThreads 24\nMaxRequestWorkers 24\n"),
            "prefork": "StartServers 4\nMinSpareServers 2\nMaxSpareServers 6\nMaxRequestWorkers 16\n",
        }[mpm]
        config = f"""
{load}
{user}{size}{tls}
ServerName localhost
ServerSignature Off
Listen 127.0.0.1:{self.port} {"https" if self.tls else "http"}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder} default
ErrorLog {folder}/error.log
LogFormat "%{{X-Request-Id}}i %>s %D %r" own
CustomLog {folder}/access.log own
TypesConfig /dev/null
AddType text/html .html
AddType text/plain .txt
DocumentRoot {site()}
DirectoryIndex index.html
KeepAlive On
KeepAliveTimeout 30
MaxKeepAliveRequests 0
Timeout 5
EnableSendfile {"On" if mpm == "event" else "Off"}
Redirect 301 /old /index.html
Redirect 204 /empty
Redirect 410 /gone
<Directory />
    Require all granted
</Directory>
<Location /slow>
    SetOutputFilter RATE_LIMIT
    SetEnv rate-limit 1024
</Location>
"""
        path = os.path.join(folder, "apache.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(config)
        return ["apache2", "-d", folder, "-f", path, "-D", "FOREGROUND"]

    def records(self):
        found = []
        for line in self._read("access.log").splitlines():
            match = re.fullmatch(r"(\S+) (\d{3}) (\d+) (\S+) (\S+)(?: HTTP/1\.[01])?", line)
            if match:
                found.append(Record(match[1], int(match[2]), match[4], match[5], int(match[3]) / 1e6))
        return found


def _has_user(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False


class PythonServer(Server):
    """python3 -m http.server, a thread for each connection. options: version (as its --protocol)."""

    stop_signal = signal.SIGINT

    def argv(self):
        if self.tls:
            return [PYTHON, "-u", os.path.join(ROOT, "tests", "real", "tls_threads.py"), site(), *certificate()]
        version = self.options.get("version")
        return [PYTHON, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", site(),
                *(["--protocol", version] if version else [])]

    @staticmethod
    def speaks(version):
        """Python 3.11 and later can be told the protocol's version."""
        return version is None or "--protocol" in run([PYTHON, "-m", "http.server", "--help"])

    def announced_port(self):
        match = re.search(r"Serving HTTP on \S+ port (\d+)", self._read("stdout"))
        return int(match[1]) if match else None

    def records(self):
        found = []
        for match in re.finditer(r'"([A-Z]+) (\S+) HTTP/1\.[01]" (\d{3}) -', self._read("stderr")):
            found.append(Record("-", int(match[3]), match[1], match[2], None))
        return found


class Node(Server):
    """tests/real/node_server.js."""

    def argv(self):
        script = os.path.join(ROOT, "tests", "real", "node_server.js")
        return ["node", script, os.path.join(self.folder, "records"), *(certificate() if self.tls else ())]

    def announced_port(self):
        match = re.search(r"listening (\d+)\n", self._read("stdout"))
        return int(match[1]) if match else None

    def records(self):
        found = []
        for line in self._read("records").splitlines():
            id_, status, method, seconds, path = line.split(" ", 4)
            found.append(Record(id_, int(status), method, path, float(seconds)))
        return found


class AsyncPython(Server):
    """tests/real/tls_asyncio.py: TLS through memory BIOs."""

    def __init__(self, shim=None, **options):
        super().__init__(shim, tls=True, **options)

    def argv(self):
        script = os.path.join(ROOT, "tests", "real", "tls_asyncio.py")
        return [PYTHON, script, os.path.join(self.folder, "records"), *certificate()]

    def announced_port(self):
        match = re.search(r"listening (\d+)\n", self._read("stdout"))
        return int(match[1]) if match else None

    def records(self):
        found = []
        for line in self._read("records").splitlines():
            id_, status, method, path = line.split(" ", 3)
            found.append(Record(id_, int(status), method, path, None))
        return found


class OpensslServer(Server):
    """openssl s_server as a web server, which answers each request with a file, and closes."""

    good_exits = (-signal.SIGTERM,)

    def __init__(self, shim=None, **options):
        super().__init__(shim, tls=True, **options)

    def argv(self):
        return ["env", "-C", site(), "openssl", "s_server", "-quiet", "-WWW", "-accept", str(self.port),
                "-cert", certificate()[0], "-key", certificate()[1]]


class GnutlsServer(Server):
    """gnutls-serv as a web server, which answers each request with a page about its session."""

    good_exits = (1, -signal.SIGTERM)

    def __init__(self, shim=None, **options):
        super().__init__(shim, tls=True, **options)

    def argv(self):
        return ["gnutls-serv", "--http", "--quiet", "--port", str(self.port),
                "--x509certfile", certificate()[0], "--x509keyfile", certificate()[1]]


class Redis(Server):
    """redis-server, on a port and on a Unix socket (`path`)."""

    def argv(self):
        self.path = os.path.join(self.folder, "redis.sock")
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                "--unixsocket", self.path, "--save", "", "--appendonly", "no",
                "--dir", self.folder, "--daemonize", "no"]

    def diagnostics(self):
        return super().diagnostics() + self._read("stdout")[-2000:]


def run(argv, timeout=120, **options):
    """A finished client program; AssertionError with its output unless it exits with 0."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout,
                          env=plain_environment(), errors="replace", **options)
    if done.returncode != 0:
        raise AssertionError(f"{argv} exits with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def ab(url, n, concurrency=4, keepalive=False, extra=()):
    """ApacheBench; returns how many requests it completed, all of them answered."""
    out = run(["ab", "-q", "-n", str(n), "-c", str(concurrency), *(["-k"] if keepalive else []), *extra, url])
    complete = int(re.search(r"Complete requests:\s+(\d+)", out)[1])
    broken = re.search(r"\(Connect: (\d+), Receive: (\d+), Length: \d+, Exceptions: (\d+)\)", out)
    if broken and any(int(n) for n in broken.groups()):
        raise AssertionError("ab: " + out)
    return complete


WRK_IDS = """
-- A request id of its own for each request.
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
local sent = 0
function request()
    sent = sent + 1
    return wrk.format(nil, nil, {["X-Request-Id"] = "%s-" .. number .. "-" .. sent})
end
"""


def wrk(url, seconds=1, connections=4, threads=1, prefix="wrk"):
    """wrk with a request id of its own on each request; returns the number that it got answers to."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK_IDS.replace("%s", prefix))
        script.flush()
        out = run(["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "-s", script.name, url])
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    if errors and any(int(n) for n in errors.groups()):
        raise AssertionError("wrk: " + out)
    return int(re.search(r"(\d+) requests in", out)[1])


def curl(url, *options):
    """One request; returns the final status code as curl saw it."""
    out = run(["curl", "-ksS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "30", *options, url])
    return int(out)
