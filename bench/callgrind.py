"""callgrind: reads what callgrind counted, function by function.

Code that was inlined belongs to the function in the symbol table that holds it, as callgrind's `fn` lines
have it; the `fi` and `fe` lines, which tell where inlined code was written, are passed over.
"""

import collections
import os
import re
import subprocess

# A function where it stands: the file's name of its program or library, its own, its source's.
Function = collections.namedtuple("Function", "object name file")

_NAME = re.compile(r"(ob|fl|fi|fe|fn|cob|cfi|cfl|cfn)=\((\d+)\)(?: (.*))?")
_COST = re.compile(r"[+*\d-]\S* (\d+)")
# What compilers add to the name of a function that they cut or copied.
_PART = re.compile(r"(\.(part|constprop|isra|cold|lto_priv)(\.\d+)*)+$")


class _Names:
    """Names that are told once and meant by their number from then on; one list for each kind."""

    KIND = {"cob": "ob", "fi": "fl", "fe": "fl", "cfi": "fl", "cfl": "fl", "cfn": "fn"}

    def __init__(self):
        self.known = {}

    def get(self, kind, number, name):
        key = self.KIND.get(kind, kind), number
        if name is not None:
            self.known[key] = name
        return self.known[key]


def self_costs(lines):
    """{Function: instructions} from the lines of one thread's file, without those of what it called."""
    names, costs = _Names(), collections.Counter()
    here = {"ob": "???", "fl": "???", "fn": "???"}
    function, called = None, False
    for line in lines:
        cost = _COST.match(line)
        if cost:
            if called:
                called = False
            else:
                costs[function] += int(cost[1])
        elif line.startswith("calls="):
            called = True  # the next line is what it cost
        else:
            told = _NAME.match(line)
            if not told:
                continue
            name = names.get(*told.groups())
            if told[1] in here:
                here[told[1]] = name
                function = Function(os.path.basename(here["ob"]), _PART.sub("", here["fn"]), here["fl"])
    return costs


def read(path):
    """The same from a file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return self_costs(file)


def per_request(few, many, requests):
    """What one of `requests` that `many` has over `few` costs, by function."""
    return {function: (many[function] - few[function]) / requests
            for function in many.keys() | few.keys() if many[function] != few[function]}


def floor_of(source):
    """The folder of the project that a source lies in: `shim`, or a floor of lib/."""
    place = re.search(r"(?:^|/)(?:lib/([a-z]+)|(shim))/[^/]+$", source)
    return (place[1] or place[2]) if place else "others"


def sources(library):
    """{function: the file that it was written in}, by the library's debug information. callgrind names
    the file of a function's first instruction, which may be inlined code of another's."""
    symbols = re.findall(r"^([0-9a-f]+) [tTiW] (\S+)$", "\n".join(_run("nm", "--defined-only", library)), re.M)
    blocks = "\n".join(_run("addr2line", "-a", "-i", "-e", library, *(address for address, _ in symbols)))
    # Of each address the innermost frame comes first, and the function itself last.
    frames = [block.split()[-1] for block in re.split(r"^0x", blocks, flags=re.M)[1:]]
    return {_PART.sub("", name): frame.rpartition(":")[0]
            for (_, name), frame in zip(symbols, frames) if not frame.startswith("?")}


def _run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
