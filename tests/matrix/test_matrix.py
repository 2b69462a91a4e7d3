"""Every row of the README's table is what is measured here and now."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import table
from measure import measure
from rows import ROWS


class Matrix(unittest.TestCase):
    maxDiff = None

    def compare(self, row):
        measured = measure(row)
        rows = {tuple(cells[:2]): cells for cells in map(table.comparable, table.documented())}
        self.assertEqual(table.comparable(table.line(measured)), rows.get((row.server, row.how)),
                         f"README.md has another row (`make matrix` writes it anew)\n{measured.detail}")

    def test_rows(self):
        """The table has these rows and no others, in this order."""
        self.assertEqual([tuple(table.comparable(text)[:2]) for text in table.documented()],
                         [(row.server, row.how) for row in ROWS])

    def test_sixteen_are_exact(self):
        exact = [text for text in table.documented() if table.comparable(text)[-1] == "exact"]
        self.assertGreaterEqual(len(exact), 16)


def add(row, number):
    def test(self):
        self.compare(row)
    words = "_".join(f"{row.server} {row.how}".replace(",", "").split())
    setattr(Matrix, f"test_row_{number:02}_{words}", test)


for number, row in enumerate(ROWS, 1):
    add(row, number)
