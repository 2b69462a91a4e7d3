"""printed: a measurement's table on the terminal, as the programs here print it (bench.h), with its limits."""


class Rows:
    """A table; the budget may be None."""

    def __init__(self, title, columns, budget):
        self.budget, self.held = budget, {}
        print(f"{title:<40}" + "".join(f" {column:>9}" for column in columns), flush=True)

    def row(self, name, *figures, limit=None):
        """`limit` is the name of the first figure's, if it has one."""
        line = f"{name:<40}" + "".join(f" {figure:>9.1f}" for figure in figures)
        at_most = self.budget.get(limit) if self.budget and limit else None
        if at_most is not None:
            self.held[limit] = figures[0]
            line += f"   at most {at_most:g}{': OVER' if figures[0] > at_most else ''}"
        print(line, flush=True)

    def verdict(self):
        """For sys.exit: the limits that were passed, or 0."""
        over = list(self.budget.excesses(self.held)) if self.budget else []
        return "\n".join(over) if over else 0
