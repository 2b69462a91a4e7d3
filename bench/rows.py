"""rows: a measurement's table on the terminal, as the programs here print it (bench.h), with its limits."""


class Rows:
    """Counts in `over` the rows that are over their limit in the budget, which may be None."""

    def __init__(self, title, columns, budget):
        self.budget, self.over = budget, 0
        print(f"{title:<40}" + "".join(f" {column:>9}" for column in columns), flush=True)

    def row(self, name, *figures, limit=None):
        """`limit` names the first figure's, if it has one."""
        line = f"{name:<40}" + "".join(f" {figure:>9.1f}" for figure in figures)
        at_most = self.budget.get(limit) if self.budget and limit else None
        if at_most is not None:
            over = figures[0] > at_most
            line += f"   at most {at_most:g}{': OVER' if over else ''}"
            self.over += over
        print(line, flush=True)
