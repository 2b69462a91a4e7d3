"""One row of the matrix, measured."""

import contextlib
import os
import typing

import judge
import load
import servers
from daemons import version_of
from receiver import Receiver


class Measured(typing.NamedTuple):
    server: str
    version: str
    how: str
    requests: int
    statuses: list
    counted: int
    result: str  # "exact", or not
    detail: str  # what was not as it should be, in full


def answers_of(row, server):
    return load.run(server.port, row.takes, row.rounds, row.tls)


def outcomes(answers):
    """What was asked and what came back, without what differs from run to run."""
    return [(answer.ask.method, answer.ask.target, answer.status) for answer in answers]


def plain(row):
    """What the client gets from the server without the shim."""
    with row.start(None) as server:
        return outcomes(answers_of(row, server))


def shared(path):
    """Makes a file that processes of several users append to."""
    with open(path, "xb") as file:
        os.fchmod(file.fileno(), 0o666)


def under_shim(row):
    """(answers, [(receiver, shim)…]) of the server, and of the one behind it if that is counted too."""
    with contextlib.ExitStack() as open_ones:
        counted = []
        for app in ("app", "behind")[:1 + row.behind]:
            receiver = open_ones.enter_context(Receiver())
            shim = servers.Shim(receiver, app, **row.settings)
            shared(shim.log_path)
            counted.append((receiver, shim))
        with row.start(*(shim for _, shim in counted)) as server:
            answers = answers_of(row, server)
            for receiver, shim in counted:
                judge.wait(receiver, len(answers), shim.app)
    return answers, counted


def measure(row):
    """Runs the server without and with the shim, sends both the same, compares. AssertionError when
    the client did not get answers, or got others under the shim."""
    expected = plain(row)
    answers, counted = under_shim(row)
    if outcomes(answers) != expected:
        raise AssertionError(f"the shim changed what the client got:\n{expected}\n{outcomes(answers)}")
    verdicts = [judge.verdict(receiver, shim, answers) for receiver, shim in counted]
    problem = "\n".join(text for _, text in verdicts if text)
    statuses = sorted({answer.status for answer in answers})
    return Measured(row.server, version_of(*row.version), row.how, len(answers), statuses,
                    min(n for n, _ in verdicts), "not exact" if problem else "exact", problem)
