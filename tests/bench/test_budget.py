"""The limits of bench/budget.txt: how they are read, held and set anew."""

import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))

from budget import Budget, BudgetError  # noqa: E402

TEXT = """# All of it.
one.alone   100   # a hundred
one.other     7.5

two          20
"""


class BudgetCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "budget.txt")

    def budget(self, text=TEXT):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        return Budget(self.path)

    def test_limits_are_read_and_comments_are_not(self):
        self.assertEqual(self.budget().limits, {"one.alone": 100, "one.other": 7.5, "two": 20})
        self.assertIsNone(self.budget().get("All"))

    def test_a_line_that_is_no_limit_is_named(self):
        for line in ("one", "one two", "one 1 2", "one -1", "one 1,850", "one 1e3", "one nan"):
            with self.subTest(line), self.assertRaises(BudgetError) as caught:
                self.budget(f"two 3\n\n{line}\n")
            self.assertIn(f"{self.path}:3: '{line}': accepted is NAME LIMIT", str(caught.exception))

    def test_a_name_has_one_limit(self):
        with self.assertRaises(BudgetError) as caught:
            self.budget("one 1\ntwo 2\none 3\n")
        self.assertIn(":3: 'one' has a limit in line 1 already", str(caught.exception))

    def test_what_nobody_measures_is_refused(self):
        budget = self.budget()
        budget.only("one.", {"one.alone", "one.other", "one.more"})
        with self.assertRaises(BudgetError) as caught:
            budget.only("one.", {"one.alone", "one.more"})
        self.assertIn(":3: nothing is measured as 'one.other': accepted are one.alone one.more", str(caught.exception))

    def test_an_excess_names_its_line_and_says_by_how_much(self):
        budget = self.budget()
        self.assertEqual(list(budget.excesses({"one.alone": 100, "one.other": 1, "unknown": 9e9})), [])
        told, = budget.excesses({"one.alone": 100, "two": 20.5})
        self.assertEqual(told, f"{self.path}:5: two: 20.5 measured, 0.5 over the limit of 20 (2.5%)")

    def test_a_limit_of_nothing_can_be_passed(self):
        told, = self.budget("none 0\n").excesses({"none": 2})
        self.assertTrue(told.endswith("2.0 over the limit of 0"), told)

    def test_limits_are_set_anew_and_all_else_stays(self):
        text = self.budget().renewed({"one.alone": 2000.5, "one.other": 7, "unknown": 3})
        self.assertEqual(text, """# All of it.
one.alone   2021   # a hundred
one.other     15

two          20
""")

    def test_the_file_is_written(self):
        self.budget().renew({"two": 1000})
        self.assertEqual(Budget(self.path).limits, {"one.alone": 100, "one.other": 7.5, "two": 1010})

    def test_what_was_set_anew_is_no_excess(self):
        measured = {"one.alone": 1722.6, "one.other": 0, "two": 16.2}
        self.budget().renew(measured)
        self.assertEqual(list(Budget(self.path).excesses(measured)), [])

    def test_the_projects_own_can_be_read(self):
        self.assertIn("instructions.nginx", Budget(os.path.join(ROOT, "bench", "budget.txt")).limits)


if __name__ == "__main__":
    unittest.main()
