"""The servers that are measured, each with one process (or thread) that serves, no access log, and a
count of the requests that it has served, the one that asks included."""

import http.client
import os
import re
import signal
import socket

import servers
from daemons import write
from servers import Server, site

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = "/index.html"  # 612 bytes
HOUR = 3600  # longer than anything here waits


def of_root(line):
    """A line of the configuration that only those want whom root starts."""
    return line if os.getuid() == 0 else ""


class HttpHost(Server):
    """Tells its count on a connection of its own that stays open."""

    requests = True  # what it serves is to be counted by the shim
    counts_at, pattern = "/count", r"(\d+)"
    besides = 0  # how many requests it leaves out of its count

    def _start(self):
        super()._start()
        self._asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._asking.request("GET", PAGE)
        answer = self._asking.getresponse()
        if answer.status != 200 or len(answer.read()) != 612:
            raise servers.ServerError(f"{PAGE} is answered with {answer.status}: {self.diagnostics()}")

    def exchange(self):
        """(a request, the length of its answer), as they pass a connection."""
        asked = f"GET {PAGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        with self.connect() as connection:
            connection.sendall(asked)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            body = len(answer.read())
        head = f"HTTP/1.1 200 {answer.reason}\r\n\r\n" + "".join(f"{k}: {v}\r\n" for k, v in answer.getheaders())
        return asked, len(head) + body

    def count(self):
        self._asking.request("GET", self.counts_at)
        text = self._asking.getresponse().read().decode()
        return int(re.search(self.pattern, text, re.DOTALL)[1]) + self.besides


class Nginx(HttpHost):
    """options: sendfile (True), back (the port of what it is a proxy of)."""

    stop_signal = signal.SIGQUIT
    pattern = r"requests\s+\d+ \d+ (\d+)"

    def argv(self):
        back = self.options.get("back")
        upstream = f"upstream back {{ server 127.0.0.1:{back}; keepalive 300; }}" if back else ""
        proxy = ('location / { proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }'
                 if back else "")
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = write(self.folder, "nginx.conf", f"""
            {of_root("user root;")}
            daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 4096; }}
            http {{
                {temporary}
                access_log off; sendfile {"on" if self.options.get("sendfile", True) else "off"};
                keepalive_requests 1000000000; keepalive_timeout {HOUR}s;
                {upstream}
                server {{
                    listen 127.0.0.1:{self.port} backlog=1024;
                    root {site()};
                    location = /count {{ stub_status; }}
                    {proxy}
                }}
            }}
            """)
        return ["nginx", "-p", self.folder, "-c", config, "-e", self.folder + "/error.log"]


class Apache(HttpHost):
    """The event MPM, with more threads than there are connections: without one that is idle it closes
    those that wait."""

    counts_at, pattern = "/count?auto", r"Total Accesses: (\d+)"
    besides = 1

    def argv(self):
        modules = "\n".join(f"LoadModule {name}_module {servers.Apache.modules}/mod_{name}.so"
                            for name in ("mpm_event", "authz_core", "status"))
        config = write(self.folder, "apache.conf", f"""
            {modules}
            {of_root("User www-data")}
            ServerName localhost
            Listen 127.0.0.1:{self.port}
            PidFile {self.folder}/pid
            DefaultRuntimeDir {self.folder}
            Mutex file:{self.folder} default
            ErrorLog {self.folder}/error.log
            DocumentRoot {site()}
            StartServers 1
            ServerLimit 1
            ThreadsPerChild 64
            MaxRequestWorkers 64
            AsyncRequestWorkerFactor 64
            KeepAliveTimeout {HOUR}
            MaxKeepAliveRequests 0
            EnableSendfile On
            ExtendedStatus On
            <Location /count>
                SetHandler server-status
            </Location>
            """)
        return ["apache2", "-d", self.folder, "-f", config, "-D", "FOREGROUND"]


class Haproxy(HttpHost):
    """One thread. options: back (the port of what is behind it)."""

    stop_signal = signal.SIGUSR1
    good_exits = (0, 143)
    besides = 1  # it numbers requests from 0

    def argv(self):
        config = write(self.folder, "haproxy.cfg", f"""
            global
                nbthread 1
            defaults
                mode http
                timeout connect 10s
                timeout client {HOUR}s
                timeout server {HOUR}s
            frontend front
                bind 127.0.0.1:{self.port}
                http-request return status 200 content-type text/plain lf-string %rt if {{ path /count }}
                default_backend back
            backend back
                server one 127.0.0.1:{self.options["back"]}
            """.replace("            ", ""))
        return ["haproxy", "-db", "-f", config]


class Script(HttpHost):
    """A program of this folder that serves on the port it is given."""

    interpreter = script = None

    def argv(self):
        return [self.interpreter, os.path.join(HERE, self.script), str(self.port), site()]


class Node(Script):
    interpreter, script = "node", "node_host.js"
    good_exits = (-signal.SIGTERM,)


class Python(Script):
    interpreter, script = servers.PYTHON, "python_host.py"
    good_exits = (-signal.SIGTERM,)


class Redis(servers.Redis):
    """options: pipeline (1): commands that are sent at a time."""

    requests = False

    def _start(self):
        super()._start()
        self._asking = socket.create_connection(("127.0.0.1", self.port), 30)
        self._asking.sendall(b"SET key:__rand_int__ xxx\r\n")  # what redis-benchmark is going to get
        self._asking.recv(65536)

    def exchange(self):
        pipeline = self.options.get("pipeline", 1)
        return b"*2\r\n$3\r\nGET\r\n$16\r\nkey:__rand_int__\r\n" * pipeline, len(b"$3\r\nxxx\r\n") * pipeline

    def count(self):
        self._asking.sendall(b"INFO stats\r\n")
        text = self._asking.recv(65536)
        return int(re.search(rb"total_commands_processed:(\d+)", text)[1])
