"""The matrix as the README's table, between two marker comments."""

import os
import re

import servers

README = os.path.join(servers.ROOT, "README.md")
MARKERS = "<!-- matrix -->\n", "<!-- /matrix -->\n"
HEAD = ["| server | version | how it runs | requests | statuses | counted | result |",
        "|---|---|---|---|---|---|---|"]


def line(measured):
    return "| " + " | ".join((measured.server, measured.version, measured.how, f"{measured.requests:,}",
                              " ".join(map(str, measured.statuses)), f"{measured.counted:,}",
                              measured.result)) + " |"


def comparable(text):
    """A line without the version, which is the distribution's business."""
    cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
    return cells[:1] + cells[2:]


def parts():
    """The README before the table, its lines, and after it."""
    with open(README, encoding="utf-8") as file:
        text = file.read()
    match = re.fullmatch(f"(.*^{MARKERS[0]})(.*)(^{MARKERS[1]}.*)", text, re.S | re.M)
    if not match:
        raise AssertionError(f"README.md wants the lines {MARKERS[0].strip()} and {MARKERS[1].strip()}")
    return match[1], match[2].split("\n")[:-1], match[3]


def documented():
    """The table's lines, without its head."""
    return [text for text in parts()[1] if text][len(HEAD):]


def write(measured):
    before, _, after = parts()
    with open(README, "w", encoding="utf-8") as file:
        file.write(before + "\n".join(HEAD + [line(each) for each in measured]) + "\n" + after)
