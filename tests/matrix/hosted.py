"""Servers that run a program in a language of their own: those in apps/."""

import os
import signal

from daemons import APPS, certificate
from servers import PYTHON, Server


class Hosted(Server):
    """options: argv, in which PORT, FOLDER, KEY and CERTIFICATE stand for what they are; preset
    (environment variables); exits (those that are good besides 0); stop (a signal, to all of its
    processes, as a terminal's); ready (what it says once it is: some accept before)."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.good_exits = (0, *options.get("exits", ()))

    def argv(self):
        words = {"PORT": str(self.port), "FOLDER": self.folder}
        if any("KEY" in word for word in self.options["argv"]):
            words["KEY"], words["CERTIFICATE"] = certificate()
        argv = []
        for word in self.options["argv"]:
            for name, value in words.items():
                word = word.replace(name, value)
            argv.append(word)
        return argv

    def signal(self, number):
        if "stop" in self.options:
            os.killpg(self.pid(), self.options["stop"])
        else:
            super().signal(number)

    def announced_port(self):
        return self.port if self.options.get("ready", "") in self._read("stdout") else None

    def adapt(self, environment):
        environment.update(self.options.get("preset", {}))
        environment["PYTHONDONTWRITEBYTECODE"] = "1"


def app(name):
    return os.path.join(APPS, name)


def gunicorn(*options):
    return {"argv": [PYTHON, "-m", "gunicorn.app.wsgiapp", "--chdir", APPS, "-b", "127.0.0.1:PORT", "--log-level",
                     "error", *options, "wsgi_app:application"]}


def uwsgi(*options):
    return {"argv": ["uwsgi", "--plugins", "python3,http", "--master", "--die-on-term", "--need-app", "--disable-logging",
                     "--chdir", APPS, "--module", "wsgi_app", *options]}


def uvicorn(workers):
    return {"argv": [PYTHON, "-m", "uvicorn", "--app-dir", APPS, "--port", "PORT", "--workers", str(workers),
                     "--no-access-log", "--log-level", "error", "asgi_app:application"],
            "stop": signal.SIGINT, "exits": (-signal.SIGINT, 130)}


def aiohttp():
    return {"argv": [PYTHON, app("aiohttp_app.py"), "PORT"]}


def node(*options):
    return {"argv": ["node", app("node_app.js"), "PORT", *options]}


def puma(workers, threads):
    return {"argv": ["puma", "-q", "-w", str(workers), "-t", f"{threads}:{threads}", "-b", "tcp://127.0.0.1:PORT",
                     app("config.ru")], "exits": (-signal.SIGTERM, 143)}


def webrick():
    return {"argv": ["ruby", app("webrick_app.rb"), "PORT"]}


def php(workers=0):
    return {"argv": ["php", "-S", "127.0.0.1:PORT", app("router.php")], "stop": signal.SIGINT,
            "preset": {"PHP_CLI_SERVER_WORKERS": str(workers)} if workers else {},
            "exits": (-signal.SIGINT, 130)}


def perl():
    return {"argv": ["perl", app("daemon.pl"), "PORT"]}


def erlang():
    start = (f'{{ok, M}} = compile:file("{app("matrix_httpd")}", [{{outdir, "FOLDER"}}]), '
             'M:start(PORT, "FOLDER"), io:format("ready~n").')
    return {"argv": ["erl", "-noshell", "-noinput", "-pa", "FOLDER", "-eval", start],
            "exits": (-signal.SIGTERM,), "ready": "ready"}


def java(name, *arguments):
    """The JVM compiles the source itself; it ends with 143 at SIGTERM."""
    return {"argv": ["java", "-Xmx256m", "-Xshare:auto", app(name), "PORT", *arguments], "exits": (143,)}
