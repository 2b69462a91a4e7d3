"""Who runs where: the server on one processor, load and receiver on another, where there are two. What
stands behind a proxy has a third, if there is one; else the proxy's: the load's could be too slow for
both, and then the proxy would wait, and show no difference.

While anything is measured no processor halts (awake). wrk sleeps when it has read all answers that are
there, and the server's system call wakes it. If its processor has halted meanwhile, that takes an interrupt:
in a virtual machine a microsecond or more, of the server's time. A slower server lets wrk sleep more often:
so a difference of some percent would be shown as twice of what it is. Most processors are woken by a store
to memory (MWAIT); where they are not, the kernel is asked to have them look out for it, as cyclictest does.
At half load it is the server that sleeps, and to wake it took half of the time of an answer."""

import contextlib
import os
import struct

ALL = sorted(os.sched_getaffinity(0))
SERVER, LOAD = ALL[0], ALL[-1]
LATENCY = "/dev/cpu_dma_latency"  # the kernel's Documentation/power/pm_qos_interface.rst
STATE = "/sys/devices/system/cpu/cpu0/cpuidle/state0/name"  # what a latency of 0 allows
BACK = ALL[len(ALL) // 2] if len(ALL) > 2 else SERVER


def on(processor):
    """The command that keeps another one there."""
    return ["taskset", "-c", str(processor)] if len(ALL) > 1 else []


def stay_with_load():
    os.sched_setaffinity(0, {LOAD})


def can_stay_awake():
    """Whether this user may ask for it, and the kernel can do it: its idle loop has a state that polls."""
    try:
        with open(STATE, encoding="ascii") as file:
            return file.read().strip() == "POLL" and os.access(LATENCY, os.W_OK)
    except OSError:
        return False


@contextlib.contextmanager
def awake():
    """No processor halts until the end, if that can be had."""
    if not can_stay_awake():
        yield
        return
    with open(LATENCY, "wb", buffering=0) as wanted:
        wanted.write(struct.pack("i", 0))  # microseconds; held as long as it is open
        yield
