"""Where and what was measured."""

import hashlib
import os
import platform
import re
import subprocess

import servers
from daemons import version_of

from . import processors

RESTED = os.path.join(servers.BUILD, "bench", "rested")


def first(path, pattern):
    with open(path, encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.M)
    return found[1] if found else "?"


def machine():
    with open(servers.SHIM, "rb") as file:
        shim = hashlib.sha256(file.read()).hexdigest()
    return {
        "cpu": first("/proc/cpuinfo", r"^(?:model name|Model)\s*: (.*)"),
        "processors": len(processors.ALL),
        "memory_mib": int(first("/proc/meminfo", r"^MemTotal: +(\d+)")) // 1024,
        "kernel": platform.release(),
        "distribution": first("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)'),
        "shim_sha256": shim,
    }


def rested_us():
    """(after they rested for 0.1 s, at once again): microseconds to touch 64 pages, on the server's processor."""
    done = subprocess.run([*processors.on(processors.SERVER), RESTED], capture_output=True, check=True, text=True)
    return [float(each) for each in done.stdout.split()]


def version(case):
    return version_of(*case.version)
