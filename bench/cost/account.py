"""The kernel's account of a server: all its processes, and all their threads, the shim's included."""

import os
import re
import time


def family(pid):
    """The process and all that come from it."""
    found = [pid]
    for parent in found:
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            found += [int(child) for child in file.read().split()]
    return found


def cpu_ns(pids):
    """CPU time of the processes, ended threads too: of each the clock that clock_getcpuclockid(3) names."""
    return sum(time.clock_gettime_ns(~pid << 3 | 2) for pid in pids)


def states(pid):
    """Of its threads, as ps has them."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii", errors="replace") as file:
            yield file.read().rpartition(")")[2].split()[0]


def at_rest(pids):
    """Whether all of them sleep, and none has run while that was found out: of processes that talk to
    nobody but each other none has anything to do."""
    before = cpu_ns(pids)
    asleep = all(state == "S" for pid in pids for state in states(pid))
    return asleep and cpu_ns(pids) == before


def private_bytes(pids):
    """Memory that nobody shares with them: Private_Clean and Private_Dirty of smaps_rollup."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += sum(int(kilobytes) for kilobytes in re.findall(r"^Private_\w+: +(\d+) kB", file.read(), re.M))
    return total * 1024
