"""one_nginx: an nginx of one worker that serves one file of 612 bytes, with the shim or without."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))

from servers import BUILD, ROOT, SHIM, certificate, free_port, plain_environment, trusting  # noqa: E402, F401

CONFIG = """
worker_processes 1; daemon off; master_process {master}; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile {sendfile}; keepalive_requests 100000000;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    server {{ listen 127.0.0.1:{port}{tls}; root {dir}; }}
}}
"""

TLS = " ssl; ssl_certificate {}; ssl_certificate_key {}"


def temporary_folder():
    """A context: a folder that servers' users may look into."""
    folder = tempfile.TemporaryDirectory(prefix="stats-hero-bench-", ignore_cleanup_errors=True)
    os.chmod(folder.name, 0o755)
    return folder


def bound_sink():
    """A datagram socket that nobody reads: the kernel takes what is sent to it, and throws it away."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    return sink


def shim_environment(sink, **settings):
    """What puts a program under the shim, reporting to the sink; `settings` are STATS_HERO_ variables
    without the prefix."""
    settings = {"ESTATSD_PORT": sink.getsockname()[1], **settings}
    return {"LD_PRELOAD": SHIM, **{"STATS_HERO_" + name: str(value) for name, value in settings.items()}}


class OneNginx:
    """Entered once it answers, left once it has ended; in a folder of its own below `folder`. `environment`
    joins the plain one; `wrapper` is a command that runs it; without a master the process is the worker."""

    def __init__(self, folder, environment, sendfile="on", tls=False, master=True, wrapper=()):
        self.folder, self.port = tempfile.mkdtemp(dir=folder), free_port()
        os.chmod(self.folder, 0o755)  # workers change to another user
        with open(os.path.join(self.folder, "index.html"), "w", encoding="ascii") as file:
            file.write("x" * 612)
        self.config = os.path.join(self.folder, "nginx.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(dir=self.folder, port=self.port, sendfile=sendfile,
                                     master="on" if master else "off", tls=TLS.format(*certificate()) if tls else ""))
        self.environment = {**plain_environment(), **environment}
        self.wrapper, self.process = wrapper, None
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/index.html"

    def __enter__(self):
        self.process = subprocess.Popen([*self.wrapper, "nginx", "-c", self.config], env=self.environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=5, context=trusting()).read()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def worker(self):
        """The pid of the worker."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as children:
            return int(children.read().split()[0])

    def __exit__(self, *_):
        while self.process.poll() is None:
            # nginx without a master can miss a signal that comes right before it waits for events.
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                pass
