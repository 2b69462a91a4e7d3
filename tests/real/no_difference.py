#!/usr/bin/python3
"""Public test suites give the same results with the shim preloaded as without it.

    tests/real/no_difference.py [--python PATH] [--seconds 60] [NAME…]

A NAME is a module of CPython's own test suite (Debian's libpython3.X-testsuite) or one of stress-ng's
classes, `network` and `scheduler`; without any, all of those that the table below lists. Each runs plain,
then under the shim, which reports to a receiver. CPython's are compared test by test: one that differs
runs alone again, several times each way. It is a difference if the shim makes it end in a way in which it
never ended without; otherwise the test is unsteady by itself. Exits with 1 if there is a difference.
"""

import argparse
import collections
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from case import Keys, Receiver, servers

MODULES = ("test_socket", "test_asyncio", "test_httpservers", "test_ssl", "test_subprocess", "test_threading",
           "test_os", "test_signal")
CLASSES = ("network", "scheduler")

# What would disturb the machine that it runs on, and not the shim.
UNWANTED = {"softlockup", "resched"}

# Hangs by itself in virtual machines whose vsock has no loopback.
IGNORED = ("*VSOCK*",)

ALONE = 5
LIMIT = 600  # seconds for one module
Outcome = collections.namedtuple("Outcome", "status results output")


def ended(argv, environment, limit=LIMIT):
    """(exit status, output) of a program and of all that it started: none of it stays."""
    process = subprocess.Popen(argv, env=environment, cwd=servers.temporary_folder(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               start_new_session=True)
    status = "late"
    try:
        output, _ = process.communicate(timeout=limit)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return status, output


def environments(receiver):
    """Without the shim and with it: the same variables but for the preload itself. The shim says nothing,
    as tests look at what is said on standard error."""
    shim = servers.Shim(receiver, REQUEST_LOG=None, LOG_LEVEL="off").environment
    plain = dict(servers.plain_environment(), LC_ALL="C.UTF-8",
                 **{name: value for name, value in shim.items() if name != "LD_PRELOAD"})
    return plain, dict(plain, LD_PRELOAD=shim["LD_PRELOAD"])


def results_of(path):
    """Test -> how it ended, from a JUnit file; the worst, where a test has several parts."""
    rank = ("passed", "skipped", "failure", "error")
    found = {}
    try:
        cases = xml.etree.ElementTree.parse(path).iter("testcase")
    except (FileNotFoundError, xml.etree.ElementTree.ParseError):
        return found
    for case in cases:
        parts = {child.tag for child in case} & set(rank)
        if case.get("result") == "skipped":
            parts.add("skipped")
        worst = max(parts or {"passed"}, key=rank.index)
        name = case.get("name")
        found[name] = max(found.get(name, "passed"), worst, key=rank.index)
    return found


def cpython(python, module, environment, only=None):
    """One run of a module of CPython's tests, or of one test of it."""
    path = os.path.join(servers.temporary_folder(), "results.xml")
    chosen = ["-m", only] if only else []
    for pattern in IGNORED:
        chosen += ["-i", pattern]
    status, output = ended([python, "-m", "test", "-v", "--junit-xml", path, *chosen, module], environment)
    return Outcome(status, results_of(path), output)


def ways(python, module, test, environment):
    """In which ways one test ends, run alone several times."""
    return {cpython(python, module, environment, test).results.get(test, "none") for _ in range(ALONE)}


def shown(outcome):
    counts = collections.Counter(outcome.results.values())
    return "{:5} {:5} {:5}  {:>4}".format(counts["passed"], counts["failure"] + counts["error"], counts["skipped"],
                                          str(outcome.status))


def compare(python, module, plain, under):
    """The lines of the table for a module, and the tests in which the shim makes a difference."""
    without = cpython(python, module, plain)
    within = cpython(python, module, under)
    print(f"{module:18} {shown(without)}   {shown(within)}", flush=True)
    different = []
    for test in sorted(set(without.results) | set(within.results)):
        ends = without.results.get(test, "none"), within.results.get(test, "none")
        if ends[0] == ends[1]:
            continue
        alone = ways(python, module, test, plain), ways(python, module, test, under)
        unsteady = alone[1] <= alone[0] | {ends[0]}
        print(f"    {'unsteady' if unsteady else 'DIFFERENT'}: {test}: {ends[0]}, under the shim {ends[1]};"
              f" alone {sorted(alone[0])}, under the shim {sorted(alone[1])}", flush=True)
        if not unsteady:
            different.append(test)
    if without.results.keys() and not within.results or without.status == 0 != within.status and not different:
        # Not a test of its own, but the module as a whole: it crashed, hung, or left something behind.
        again = cpython(python, module, under)
        if again.status != 0:
            print(f"    DIFFERENT: {module} as a whole:\n{again.output[-4000:]}", flush=True)
            different.append(module)
    if not without.results:
        print(f"    {module} has no results without the shim:\n{without.output[-2000:]}")
        different.append(module)
    return different


def stressors(name):
    out = subprocess.run(["stress-ng", "--class", name + "?"], capture_output=True, text=True, check=False)
    listed = re.search(r"stressors: (.*)", out.stdout + out.stderr)
    return [each for each in listed[1].split() if each not in UNWANTED] if listed else []


def stress(stressor, seconds, environment):
    """How one stressor of stress-ng ended, and what it counted as passed, failed and skipped."""
    status, output = ended(["stress-ng", "--" + stressor, "1", "--timeout", f"{seconds}s", "--verify"],
                           environment, seconds + 120)
    counted = tuple(f"{word} {match[1]}" for word in ("skipped", "passed", "failed")
                    if (match := re.search(rf"\b{word}: (\d+)", output)) and match[1] != "0")
    failures = tuple(line for line in output.splitlines() if " fail: " in line)
    return (status, *counted), failures


def compare_class(name, seconds, plain, under):
    """The same for a class of stress-ng, whose stressors take `seconds` together each way."""
    found = stressors(name)
    each = max(1, round(seconds / max(1, len(found))))
    different, ends = [], collections.Counter()
    for stressor in found:
        without, within = (stress(stressor, each, environment)[0] for environment in (plain, under))
        ends[without] += 1
        for _ in range(ALONE):
            if within == without:
                break
            without, within = (stress(stressor, each, environment)[0] for environment in (plain, under))
        else:
            failures = stress(stressor, each, under)[1]
            print(f"    DIFFERENT: {stressor}: {without}, under the shim {within}", *failures, sep="\n        ")
            different.append(stressor)
    how = ", ".join(f"{times} {end}" for end, times in sorted(ends.items(), key=str))
    print(f"stress-ng {name}: {len(found)} stressors, {each} s each way: {how}; {len(different)} differ", flush=True)
    return different if found else [name]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=MODULES + CLASSES)
    parser.add_argument("--python", default=servers.PYTHON)
    parser.add_argument("--seconds", type=int, default=60, help="how long a class of stress-ng runs each way")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing stays behind
    different = []
    print(f"{'':18} {'without the shim':>24}   {'under the shim':>24}\n"
          f"{'':18} {'pass  fail  skip  exit':>24}   {'pass  fail  skip  exit':>24}")
    for name in options.names:
        with Receiver() as receiver:
            plain, under = environments(receiver)
            if name in CLASSES:
                different += compare_class(name, options.seconds, plain, under)
                continue  # who floods every port reaches the receiver, too
            different += compare(options.python, name, plain, under)
            receiver.barrier()
            print(f"    {receiver.counter(Keys().all)} requests reported", flush=True)
            different += receiver.refused[:1]
    print(f"{len(different)} differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
