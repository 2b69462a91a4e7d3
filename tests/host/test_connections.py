"""Connections and the numbers that lead to them: copies, ends, and what is no progress."""

import collections

from hostcase import HostCase, Request, requests, scenarios

ANY_END = ("done", "aborted")


@scenarios("copies", {
    "dup_answers": requests(("copy", 200, 2)),
    "dup2_answers": requests(("copy", 200, 2)),
    "dup3_answers": requests(("copy", 200, 2)),
    "fcntl_answers": requests(("copy", 200, 2)),
    "fcntl_cloexec_answers": requests(("copy", 200, 2)),
    "syscall_answers": requests(("copy", 200, 2)),
    "fcntl_syscall_answers": requests(("copy", 200, 2)),
    "copy_is_closed_first": requests(("copy", 200, 100)),
    "dup2_to_itself": requests(("self", 200, 2)),
    "failing_dup2": requests(("live", 200, 1)),
    "failing_closes": requests(("live", 200, 3)),
    "accept_after_fclose": requests(("before", 200, 20)),
})
class Copies(HostCase):
    """dup, dup2, dup3, fcntl."""


REUSED = requests(("first", 200, 1), ("before", 200, 20))


@scenarios("copies", {
    "replaced_after_close": REUSED,
    "reuse_after_close": REUSED,
    "reuse_after_syscall": REUSED,
    "reuse_after_close_range_syscall": REUSED,
    "reuse_after_fclose": REUSED,
})
class Reuse(HostCase):
    """A connection's number becomes a file's, in which there are requests: nobody made them."""

    def shim(self, **settings):
        return super().shim(FLUSH_MS=60_000, **settings)


@scenarios("copies", {
    "dup2_onto_connection": requests(("replaced", 0, 1), ("moved", 200, 3)),
    "dup2_file_onto_connection": requests(("replaced", 0, 1)),
}, outcomes=ANY_END)
class Replaced(HostCase):
    """dup2 onto a connection with a request under way ends that request."""


GIVEN = requests(("given", 200, 3))


@scenarios("given", {
    "recvmsg_serves": GIVEN,
    "recvmmsg_serves": GIVEN,
    "syscall_serves": GIVEN,
    "client_asks": GIVEN,
    "pipe_is_read": requests(),
})
class Given(HostCase):
    """What another process opened and gave away (SCM_RIGHTS): its connections count where they are served."""


@scenarios("endings", {
    "half_close": requests(("half", 200, 1)),
    "not_blocking": requests(("slow", 200, 2)),
    "peek": requests(("peek", 200, 3)),
    "wait_for_all": requests(("all", 200, 3)),
    "truncate_body": collections.Counter({Request("trunc", "POST", 200): 3}),
    "empty_reads": requests(("empty", 200, 2)),
    "bad_arguments": requests(("bad", 200, 1)),
})
class Endings(HostCase):
    """What looks like an end, or like progress, and is none."""


@scenarios("endings", {
    "reset_is_read": requests(("gone", 499, 1)),
    "reset_is_written_to": requests(("gone", 499, 1)),
    "reset_is_polled": requests(("gone", 499, 1)),
    "end_is_read": requests(("gone", 499, 1)),
    "end_is_polled": requests(("gone", 499, 1)),
    "reset_amid_the_answer": requests(("amid", 200, 1)),
    "no_answer": requests(("mute", 0, 1)),
}, outcomes=("aborted",))
class Aborted(HostCase):
    """Who went first is in the status."""
