"""Where and what was measured."""

import hashlib
import platform
import re

import servers
from daemons import version_of

from . import processors


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


def version(case):
    return version_of(*case.version)
