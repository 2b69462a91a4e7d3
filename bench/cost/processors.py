"""Who runs where: the server on one processor, load and receiver on another, where there are two. What
stands behind a proxy has a third, if there is one; else the proxy's: the load's could be too slow for
both, and then the proxy would wait, and show no difference."""

import os

ALL = sorted(os.sched_getaffinity(0))
SERVER, LOAD = ALL[0], ALL[-1]
BACK = ALL[len(ALL) // 2] if len(ALL) > 2 else SERVER


def on(processor):
    """The command that keeps another one there."""
    return ["taskset", "-c", str(processor)] if len(ALL) > 1 else []


def stay_with_load():
    os.sched_setaffinity(0, {LOAD})
