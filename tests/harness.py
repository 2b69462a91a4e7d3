"""Runs the Python tests below tests/host and tests/real: `harness.py FOLDER [PATTERN]`.

Writes `passed failed skipped` to the file named by RESULTS, for scripts/test to add up.
"""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TextTestResult):
    """Counts each test once, however many of its subtests failed, and says how long it took."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.bad = set()
        self.ran = set()

    def startTest(self, test):
        super().startTest(test)
        self.ran.add(test.id())
        self._since = time.monotonic()

    def stopTest(self, test):
        self.stream.writeln(f"    {time.monotonic() - self._since:.1f} s")
        self.stream.flush()
        super().stopTest(test)

    def addError(self, test, error):
        super().addError(test, error)
        self.bad.add(test.id())

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.bad.add(test.id())

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.bad.add(test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.bad.add(test.id())


def main(folder, pattern="test_*.py"):
    sys.path.insert(0, HERE)
    top = os.path.join(HERE, folder)
    suite = unittest.defaultTestLoader.discover(top, pattern=pattern, top_level_dir=top)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
    result = runner.run(suite)
    skipped = {test.id() for test, _ in result.skipped} - result.bad
    failed = len(result.bad)
    passed = len(result.ran - result.bad - skipped)
    if os.environ.get("RESULTS"):
        with open(os.environ["RESULTS"], "w", encoding="ascii") as file:
            file.write(f"{passed} {failed} {len(skipped)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
