"""budget: the limits of bench/budget.txt, and what was measured beside them.

A line is a name and the most that may be measured under it, both as one word; `#` begins a comment.
"""

import math
import re

_LINE = re.compile(r"(?P<name>\S+)(?P<gap>\s+)(?P<limit>\d+(?:\.\d+)?)\s*")


class BudgetError(Exception):
    """A line that can't be used; its text says which, and what is accepted."""


class Budget:
    """Limits by name, and in which line of the file each stands."""

    def __init__(self, path):
        self.path = path
        self.lines = {}
        self.limits = {}
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        for number, line in enumerate(self.text.splitlines(), 1):
            self._take(number, line.partition("#")[0].strip())

    def _take(self, number, line):
        if not line:
            return
        told = _LINE.fullmatch(line)
        if not told:
            raise BudgetError(f"{self.path}:{number}: '{line}': accepted is NAME LIMIT, a limit being a number")
        name = told["name"]
        if name in self.limits:
            raise BudgetError(f"{self.path}:{number}: '{name}' has a limit in line {self.lines[name]} already")
        self.lines[name], self.limits[name] = number, float(told["limit"])

    def only(self, prefix, known, accepted=None):
        """Each name that begins with the prefix has to be one of `known`: else nobody would hold it.
        `accepted` says in words which these are, where they are many."""
        for name, number in self.lines.items():
            if name.startswith(prefix) and name not in known:
                raise BudgetError(f"{self.path}:{number}: nothing is measured as '{name}': accepted are "
                                  + (accepted or " ".join(sorted(known))))

    def get(self, name):
        """The limit, or None."""
        return self.limits.get(name)

    def excesses(self, measured):
        """A sentence for each of {name: figure} that is over its limit."""
        for name, figure in measured.items():
            limit = self.get(name)
            if limit is not None and figure > limit:
                share = f" ({(figure - limit) / limit:.1%})" if limit else ""
                yield (f"{self.path}:{self.lines[name]}: {name}: {figure:.1f} measured, "
                       f"{figure - limit:.1f} over the limit of {limit:g}{share}")

    def renewed(self, measured, margin=0.01, least=8):
        """The file's text with the limits of what was measured set anew: above it by the share `margin`, and
        by `least` where that is more, as small figures vary by more of themselves."""
        lines = self.text.splitlines(keepends=True)
        for name in self.limits.keys() & measured.keys():
            at = self.lines[name] - 1
            limit = math.ceil(measured[name] + max(measured[name] * margin, least))
            lines[at] = re.sub(r"(?<=\S)(\s+)[\d.]+", lambda gap: f"{gap[1]}{limit}", lines[at], count=1)
        return "".join(lines)

    def renew(self, measured, margin=0.01):
        """The same in the file."""
        self.text = self.renewed(measured, margin)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(self.text)
