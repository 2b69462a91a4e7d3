#!/usr/bin/env python3
"""Measures the matrix: `matrix.py` writes build/matrix.json and the README's table, `matrix.py WORD…`
shows the rows that have all of the words in them, and why they are as they are."""

import json
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

# pylint: disable=wrong-import-position
import servers
import table
from measure import measure
from rows import ROWS


def show(row):
    """The row as measured; None, with what went wrong shown, where there is nothing to compare."""
    began = time.monotonic()
    try:
        measured = measure(row)
    except (AssertionError, OSError):
        print(f"{row.server}, {row.how}:\n{traceback.format_exc()}")
        return None
    print(f"{table.line(measured)} {time.monotonic() - began:.1f} s", flush=True)
    return measured


def main(words):
    chosen = [row for row in ROWS if all(word.lower() in f"{row.server} {row.how}".lower() for word in words)]
    found = [show(row) for row in chosen]
    if words:
        for measured in filter(None, found):
            print(measured.detail)
        return
    if None in found:
        sys.exit("not every row could be measured: README.md stays as it is")
    with open(os.path.join(servers.BUILD, "matrix.json"), "w", encoding="ascii") as file:
        json.dump([measured._asdict() for measured in found], file, indent=1)
    table.write(found)


if __name__ == "__main__":
    main(sys.argv[1:])
