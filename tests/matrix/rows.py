"""The matrix: one row for each server and way to run it."""

import contextlib
import typing

import daemons
import hosted
import load
import servers
from daemons import version_of

ALL = frozenset(load.FEATURES)
STATIC = ALL - {"nap"}


class Row(typing.NamedTuple):
    server: str
    how: str
    version: tuple  # the arguments of version_of
    start: typing.Callable  # (shim) => context manager of a Server, or of whatever has its port
    takes: frozenset = STATIC
    tls: bool = False
    rounds: int = load.ROUNDS
    settings: dict = {}  # of the shim
    behind: bool = False  # a second one behind it is counted as well, by a receiver of its own


def of(cls, **options):
    return lambda shim: cls(shim, **options)


def lazily(cls, make):
    """For options that cost something to make."""
    return lambda shim: cls(shim, **make())


def hosting(options):
    return of(hosted.Hosted, **options)


def before_node(cls):
    """A proxy under the shim before a Node that is not: it reads bodies to their end, as these two
    want it of what is behind them."""

    @contextlib.contextmanager
    def start(shim):
        with hosted.Hosted(**hosted.node("http")) as behind, cls(shim, port=behind.port) as front:
            yield front

    return start


@contextlib.contextmanager
def php_fpm(shim):
    """nginx and php-fpm, both under the shim, of which nginx alone speaks HTTP."""
    with daemons.PhpFpm(shim) as fpm, servers.Nginx(shim, **daemons.nginx_fastcgi(fpm.path)) as front:
        yield front


def before_nginx(cls, options=lambda port: {"port": port}):
    """A proxy under the shim before an nginx; that one is under `back`, if it is not None."""

    @contextlib.contextmanager
    def start(shim, back=None):
        with servers.Nginx(back, workers=2) as behind, cls(shim, **options(behind.port)) as front:
            yield front

    return start


NGINX = ["nginx", "-v"], r"nginx/([\d.]+)"
APACHE = ["apache2", "-v"], r"Apache/([\d.]+)"
PYTHON = [servers.PYTHON, "-V"], r"Python ([\d.]+)"
NODE = ["node", "--version"], r"v([\d.]+)"
JAVA = ["java", "-version"], r'version "([\d.]+)'
RUBY = ["ruby", "--version"], r"ruby ([\d.]+)"
PHP = ["php", "--version"], r"PHP ([\d.]+)"
GUNICORN = [servers.PYTHON, "-m", "gunicorn.app.wsgiapp", "--version"], r"version ([\d.]+)"
UWSGI = ["uwsgi", "--version"], r"([\d.]+)"
HAPROXY = ["haproxy", "-v"], r"version ([\d.]+)"
LIGHTTPD = ["lighttpd", "-v"], r"lighttpd/([\d.]+)"
H2O = ["h2o", "-v"], r"version ([\d.]+)"
ERLANG = (["erl", "-noshell", "-eval", 'io:format("OTP ~s", [erlang:system_info(otp_release)]), halt().'],
          r"OTP (\d+)")

ROWS = [
    Row("nginx", "1 worker, sendfile", NGINX, of(servers.Nginx, workers=1)),
    Row("nginx", "4 workers, sendfile off", NGINX, of(servers.Nginx, workers=4, sendfile=False)),
    Row("nginx", "TLS", NGINX, lazily(servers.Nginx, daemons.nginx_tls), tls=True),
    Row("nginx", "proxy to a second nginx", NGINX, before_nginx(servers.Nginx, daemons.nginx_proxy), behind=True),
    Row("nginx", "FastCGI to php-fpm", NGINX, php_fpm, ALL),
    Row("Apache", "event", APACHE, of(daemons.Apache, mpm="event")),
    Row("Apache", "worker", APACHE, of(daemons.Apache, mpm="worker")),
    Row("Apache", "prefork", APACHE, of(daemons.Apache, mpm="prefork")),
    Row("Apache", "mod_ssl", APACHE, lazily(daemons.Apache, lambda: {"mpm": "event", "more": daemons.apache_tls()}),
        tls=True),
    Row("Apache", "mod_wsgi, embedded", APACHE, of(daemons.Apache, mpm="event", more=daemons.apache_wsgi()), ALL),
    Row("Apache", "mod_wsgi, daemon processes", APACHE,
        of(daemons.Apache, mpm="event", more=daemons.apache_wsgi(daemon=True)), ALL),
    Row("Apache", "mod_php", APACHE,
        of(daemons.Apache, mpm="prefork", more=daemons.apache_php(daemons.APPS + "/router.php")), ALL),
    Row("lighttpd", "sendfile", LIGHTTPD, of(daemons.Lighttpd)),
    Row("lighttpd", "writev", LIGHTTPD, of(daemons.Lighttpd, backend="writev")),
    Row("HAProxy", "4 threads, before nginx", HAPROXY, before_nginx(daemons.Haproxy), behind=True),
    Row("HAProxy", "TLS", HAPROXY,
        before_nginx(daemons.Haproxy, lambda port: {"port": port, "tls": True}), tls=True),
    Row("h2o", "4 threads", H2O, of(daemons.H2o, threads=4)),
    Row("Varnish", "before Node", (["varnishd", "-V"], r"varnish-([\d.]+)"), before_node(daemons.Varnish)),
    Row("Squid", "before Node", (["squid", "-v"], r"Version ([\d.]+)"), before_node(daemons.Squid), ALL),
    Row("BusyBox httpd", "a process for each connection", (["busybox"], r"v([\d.]+)"), of(daemons.Busybox),
        STATIC - {"post", "chunked", "pipeline"}),
    Row("Python http.server", "a thread for each connection", PYTHON, of(servers.PythonServer),
        STATIC - {"post", "chunked", "pipeline"}),
    Row("gunicorn", "3 sync workers", GUNICORN, hosting(hosted.gunicorn("-w", "3")), ALL - {"pipeline"}),
    Row("gunicorn", "2 gthread workers of 4 threads", GUNICORN,
        hosting(hosted.gunicorn("-w", "2", "-k", "gthread", "--threads", "4")), ALL - {"pipeline"}),
    Row("uWSGI", "3 processes", UWSGI, hosting(hosted.uwsgi("-p", "3", "--http-socket", "127.0.0.1:PORT")),
        ALL - {"pipeline", "chunked", "alive"}),
    Row("uWSGI", "HTTP router, 2 processes of 2 threads", UWSGI,
        hosting(hosted.uwsgi("-p", "2", "--threads", "2", "--http", "127.0.0.1:PORT", "--http-keepalive")),
        ALL - {"pipeline", "chunked"}),
    Row("uvicorn", "2 workers", ([servers.PYTHON, "-m", "uvicorn", "--version"], r"uvicorn ([\d.]+)"),
        hosting(hosted.uvicorn(2)), ALL),
    Row("aiohttp", "asyncio", ([servers.PYTHON, "-c", "import aiohttp; print(aiohttp.__version__)"], r"([\d.]+)"),
        hosting(hosted.aiohttp()), ALL),
    Row("Node", "http", NODE, hosting(hosted.node("http")), ALL),
    Row("Node", "https, HOOKS=default", NODE, hosting(hosted.node("https", "KEY", "CERTIFICATE")), ALL, tls=True,
        settings={"HOOKS": "default"}),
    Row("Node", "cluster of 2", NODE, hosting(hosted.node("cluster", "2")), ALL),
    Row("Java", "com.sun.net.httpserver", JAVA, hosting(hosted.java("HttpServerApp.java")), ALL, rounds=12),
    Row("Java", "NIO, transferTo", JAVA, lambda shim: hosted.Hosted(
        shim, **hosted.java("NioApp.java", servers.site() + "/good/page.html")),
        STATIC - {"post", "chunked"}, rounds=12),
    Row("Ruby Puma", "cluster of 2, 3 threads each", (["puma", "--version"], r"version ([\d.]+)"),
        hosting(hosted.puma(2, 3)), ALL - {"pipeline"}),  # it closes amid them when it is busy
    Row("Ruby WEBrick", "a thread for each connection", RUBY, hosting(hosted.webrick()), ALL,
        rounds=12),
    Row("PHP", "built-in server", PHP, hosting(hosted.php()), ALL - {"pipeline"}),
    Row("PHP", "built-in server, 3 workers", PHP, hosting(hosted.php(3)), ALL - {"pipeline"}),
    Row("Perl HTTP::Daemon", "a process for each connection",
        (["perl", "-MHTTP::Daemon", "-e", "print $HTTP::Daemon::VERSION"], r"([\d.]+)"), hosting(hosted.perl()),
        ALL - {"pipeline", "chunked"}, rounds=12),
    Row("Erlang inets httpd", "BEAM's scheduler threads", ERLANG, hosting(hosted.erlang()),
        ALL),
]
