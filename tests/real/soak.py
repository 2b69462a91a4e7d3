#!/usr/bin/python3
"""nginx under load for a long time, reloaded every few seconds: nothing grows, and the totals are exact.

    tests/real/soak.py [--seconds 1800] [--reload-every 3] [--rate 200]

A second nginx without the shim, and without load, is reloaded at the same times: what its master grows
by is nginx's own. Prints what it measured at each tenth of the time; exits with 1 if the shim's master
grew by more, or the workers of the end hold more than those of the beginning, or a total is wrong.
"""

import argparse
import collections
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from case import Keys, Receiver, requests_of, servers

# Memory comes in pages, and malloc gives it back late: this much is no growth.
SLACK_KB = 256

Sample = collections.namedtuple("Sample", "master_kb master_fds worker_kb worker_fds")


def anonymous_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("RssAnon")), 0)


def numbers(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sample(server):
    """What a server holds now; its newest worker, as older ones may be on their way out."""
    worker = max(server.children())
    return Sample(anonymous_kb(server.pid()), numbers(server.pid()), anonymous_kb(worker), numbers(worker))


def reload(server):
    """Returns once new workers are there, and as many as there shall be."""
    before = set(server.children())
    server.signal(signal.SIGHUP)
    if not servers.poll(lambda: set(server.children()) - before, 60):
        raise AssertionError("no new worker after a reload")


class Load(threading.Thread):
    """Requests at an even pace, each on a connection of its own; keeps what went wrong."""

    PATHS = ("/good/page.html", "/missing", "/empty", "/files/page.html")

    def __init__(self, server, rate):
        super().__init__(daemon=True)
        self.server, self.rate = server, rate
        self.ending = threading.Event()
        self.done, self.errors = 0, []

    def request(self, path):
        with self.server.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while part := connection.recv(65536):
                answer += part
        if not answer.startswith(b"HTTP/1.1 "):
            raise OSError(f"{path}: answered {answer[:100]!r}")

    def run(self):
        began = time.monotonic()
        while not self.ending.wait(max(0, began + self.done / self.rate - time.monotonic())):
            try:
                self.request(self.PATHS[self.done % len(self.PATHS)])
            except OSError as error:
                self.errors.append(repr(error))
            self.done += 1


def middle(values):
    return sorted(values)[len(values) // 2]


def grown(samples, field):
    """By how much a field's median of the last quarter stands above that of the second quarter: what the
    beginning takes is no growth."""
    values = [getattr(each, field) for each in samples]
    quarter = max(1, len(values) // 4)
    return middle(values[-quarter:]) - middle(values[quarter:2 * quarter] or values[:quarter])


def soak(options, under, plain, load):
    """Reloads both until the time is over; the samples of both, taken before each reload."""
    samples, twins = [], []
    end = time.monotonic() + options.seconds
    said = time.monotonic()
    while time.monotonic() < end:
        time.sleep(options.reload_every)
        samples.append(sample(under))
        twins.append(sample(plain))
        if time.monotonic() >= said:
            said += options.seconds / 10
            print(f"{len(samples):5} reloads {load.done:8} requests  shim {samples[-1]}  plain {twins[-1]}", flush=True)
        reload(under)
        reload(plain)
    return samples, twins


def differences(receiver, expected):
    """What the receiver has and the access log has not, or the other way round."""
    total, keys = sum(expected.values()), Keys()
    receiver.wait_until(lambda: receiver.timer_count(keys.all) >= total, 60)
    receiver.barrier()
    statuses = collections.Counter()
    for request, times in expected.items():
        statuses[request.status] += times
    wanted = {keys.all: total, **{keys.status(status): times for status, times in statuses.items()}}
    counters = receiver.counters
    found = [f"{key}: {counters[key]}, not {value}" for key, value in wanted.items() if counters[key] != value]
    if receiver.timer_count(keys.all) != total:
        found.append(f"{receiver.timer_count(keys.all)} ends of {total}")
    for name in ("dropped", "send_errors", "down"):
        if counters[f"app.stats_hero.{name}"]:
            found.append(f"{name}: {counters['app.stats_hero.' + name]}")
    if receiver.refused:
        found.append(f"{len(receiver.refused)} datagrams refused: {receiver.refused[0]}")
    if receiver.dropped():
        found.append(f"the kernel dropped {receiver.dropped()} datagrams")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--reload-every", type=float, default=3)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    options = parser.parse_args()
    with Receiver() as receiver, servers.Nginx() as plain:
        with servers.Nginx(servers.Shim(receiver, REQUEST_LOG=None)) as under:
            load = Load(under, options.rate)
            load.start()
            samples, twins = soak(options, under, plain, load)
            load.ending.set()
            load.join()
        found = differences(receiver, requests_of(under.records()))
        served = len(under.records())
    if served != load.done:
        found.append(f"{load.done} requests were made, the access log has {served}")
    found += load.errors[:5]
    for field in Sample._fields:
        shim, own = grown(samples, field), grown(twins, field)
        print(f"{field}: grown by {shim} under the shim, by {own} without it")
        if shim - max(0, own) > (SLACK_KB if field.endswith("kb") else 0):
            found.append(f"{field} grows")
    print(f"{served} requests, {len(samples)} reloads in {options.seconds:.0f} s:", "; ".join(found) or "exact, no growth")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
