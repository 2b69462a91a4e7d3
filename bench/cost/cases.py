"""What is measured: a server, how it is run, and what asks it."""

import contextlib
import typing

import rows
import servers

from . import hosts, load, processors


class Case(typing.NamedTuple):
    name: str  # as it is chosen
    title: str
    host: type
    version: tuple  # the arguments of daemons.version_of
    options: dict = {}
    load: typing.Callable = load.wrk  # (port, connections) => argv
    connections: int = 32
    warm_s: float = 0.1  # until it is as fast as it gets
    behind: bool = False  # it is a proxy of an nginx
    batch: int = 1  # requests that are sent at a time

    def settings(self, others):
        """By name: the shim's, `others` too; None for a second plain server. Of what is not HTTP nothing
        is summed."""
        summed = {"each second": {**others, "AGGREGATE_MS": 1000}} if self.host.requests else {}
        return {"plain again": None, "every event": {**others, "AGGREGATE_MS": 0}, **summed}

    @contextlib.contextmanager
    def back(self):
        """What runs behind the servers of a pair; None if nothing does."""
        if not self.behind:
            yield None
            return
        with hosts.Nginx(runner=processors.on(processors.BACK)) as back:
            yield back

    def server(self, shim, back):
        behind = {"back": back.port} if back else {}
        return self.host(shim, runner=processors.on(processors.SERVER), **self.options, **behind)


REDIS = ["redis-server", "--version"], r"v=([\d.]+)"

CASES = [
    Case("nginx", "nginx, sendfile", hosts.Nginx, rows.NGINX),
    Case("nginx-copy", "nginx, sendfile off", hosts.Nginx, rows.NGINX, {"sendfile": False}),
    Case("nginx-proxy", "nginx before nginx", hosts.Nginx, rows.NGINX, behind=True),
    Case("apache", "Apache event", hosts.Apache, rows.APACHE),
    Case("haproxy", "HAProxy before nginx", hosts.Haproxy, rows.HAPROXY, behind=True),
    Case("node", "Node http", hosts.Node, rows.NODE, warm_s=1),
    Case("python", "Python http.server", hosts.Python, rows.PYTHON, connections=8),
    Case("redis", "redis", hosts.Redis, REDIS, load=load.redis_benchmark(1)),
    Case("redis-16", "redis, 16 at a time", hosts.Redis, REDIS, {"pipeline": 16}, load.redis_benchmark(16), batch=16),
]


def chosen(names, connections=None):
    """The cases of that comma-separated list, all for an empty one, with that many connections if it is
    said how many; ValueError names what there is."""
    wanted = list(filter(None, names.split(",")))
    known = {case.name: case for case in CASES}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"no case {', '.join(unknown)}; there are {', '.join(known)}")
    return [case._replace(connections=connections or case.connections) for case in CASES
            if case.name in wanted or not wanted]
