"""What asks the servers: wrk or redis-benchmark, as fast as they answer; and bench/pace.c, at a
constant rate."""

import os
import signal
import subprocess

import servers

from . import processors
from .hosts import HOUR, PAGE

PACE = os.path.join(servers.BUILD, "bench", "pace")


def wrk(port, connections):
    return ["wrk", "-t1", f"-c{connections}", f"-d{HOUR}s", "--timeout=60s", f"http://127.0.0.1:{port}{PAGE}"]


def redis_benchmark(pipeline):
    def argv(port, connections):
        return ["redis-benchmark", "-p", str(port), "-c", str(connections), "-n", "2000000000",
                "-P", str(pipeline), "-t", "get", "-q"]
    return argv


class Flow:
    """A program that asks without end and can be told to pause, as a context manager."""

    def __init__(self, argv):
        self._argv = argv

    def __enter__(self):
        self._process = subprocess.Popen(processors.on(processors.LOAD) + self._argv, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def pause(self):
        if self._process.poll() is not None:
            raise ChildProcessError(f"{self._argv[0]} ended with {self._process.returncode}")
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)


def pace(ports, request, answer_bytes, rate, connections, rounds, slice_s, pause_s):
    """For each port (p50, p95, p99, p99.9): microseconds until the answer to one of `rate` requests a second."""
    done = subprocess.run(
        [*processors.on(processors.LOAD), PACE, "--rate", str(rate), "--rounds", str(rounds),
         "--slice-ms", str(slice_s * 1e3), "--pause-ms", str(pause_s * 1e3), "--connections", str(connections),
         "--answer-bytes", str(answer_bytes), "--spin", str(int(len(processors.ALL) > 1)), *map(str, ports)],
        input=request, capture_output=True, check=False, timeout=600)
    if done.returncode != 0:
        raise ChildProcessError(f"pace ends with {done.returncode}: {done.stderr.decode()}")
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
