"""callgrind: reads what callgrind counted, function by function, and by the sources that code was written in.

Code that was inlined belongs to the function in the symbol table that holds it, as callgrind's `fn` lines
have it, and to the source that `fi` and `fe` lines name; where that is none of the project's, a compiler's
header for one, to the source of the function.
"""

import collections
import os
import re

# Code where it stands: the file's name of its program or library, its function's, its source's.
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
    here = {"ob": "???", "fl": "???", "fn": "???", "fi": "???"}
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
            if told[1] not in ("ob", "fl", "fn", "fi", "fe"):
                continue
            here["fi" if told[1] == "fe" else told[1]] = name
            if told[1] == "fl":
                here["fi"] = name
            source = here["fl"] if floor_of(here["fi"]) == "others" else here["fi"]
            function = Function(os.path.basename(here["ob"]), _PART.sub("", here["fn"]), source)
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
