"""What was counted against what the client saw: exact, or how it is not."""

import collections

from case import Keys, Request, ShimCase, label_of
from load import NAP_SECONDS

PREEMPTED_SECONDS = 1.0  # between the server's last byte and its clock, on a busy machine
CLOSE_SECONDS = 0.003


def seen(answer):
    return Request(label_of(answer.ask.target), answer.ask.method, answer.status)


class Judge(ShimCase):
    """Only for its expectations; no test of its own."""

    def runTest(self):
        raise NotImplementedError

    def judge(self, receiver, shim, answers):
        """AssertionError unless each answer's request was counted once, as what it was."""
        expected = collections.Counter(map(seen, answers))
        # Other protocols within a server (FastCGI, uwsgi) are looked at and passed over.
        self.assert_clean(receiver, shim.app)
        self.assert_metrics(receiver, expected, shim.app, besides=(f"{shim.app}.stats_hero.not_http",))
        lines = {line["request_id"]: line for line in self.assert_log(shim, receiver, expected)}
        self.by_id(lines, answers)
        self.durations(lines, answers)

    def by_id(self, lines, answers):
        self.assertEqual(set(lines), {answer.id for answer in answers}, "request ids")
        for answer in answers:
            line = lines[answer.id]
            self.assertEqual(Request(line["label"], line["action"], line["status"]), seen(answer), answer)

    def durations(self, lines, answers):
        """No time is longer than the client's own, but for what the server is preempted; a nap's is
        no shorter than the nap."""
        late = 0
        for answer in answers:
            seconds = lines[answer.id]["req_time_us"] / 1e6
            self.assertLess(seconds, answer.seconds + PREEMPTED_SECONDS, answer)
            late += seconds > answer.seconds + CLOSE_SECONDS
            if answer.ask.target == "/nap":
                self.assertGreaterEqual(seconds, NAP_SECONDS * 0.95, answer)
        self.assertLessEqual(late, len(answers) // 10, "times longer than the client's")


def wait(receiver, n, app):
    """Waits for the ends of `n` requests, if they come: less and less patiently without any."""
    key = Keys(app).all
    if receiver.wait_until(lambda: receiver.timer_count(key) >= 1, 3):
        receiver.wait_until(lambda: receiver.timer_count(key) >= n, 10)


def verdict(receiver, shim, answers):
    """(how many were counted, "" or what is wrong)."""
    receiver.barrier()
    counted = receiver.counter(Keys(shim.app).all)
    try:
        Judge().judge(receiver, shim, answers)
    except (AssertionError, ValueError) as error:
        return counted, str(error) or repr(error)
    return counted, ""
