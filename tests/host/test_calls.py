"""Every function that a server may accept, read, write and close with: six requests are six."""

from hostcase import HostCase, requests

ACCEPT = ("accept", "accept4", "SYS_accept4")
READ = ("read", "readv", "recv", "recvfrom", "recvmsg", "recvmmsg", "__read_chk", "__recv_chk",
        "__recvfrom_chk", "SYS_read", "SYS_recvfrom", "SYS_readv", "SYS_recvmsg")
WRITE = ("write", "writev", "send", "sendto", "sendmsg", "sendmmsg", "sendfile", "sendfile64",
         "splice", "SYS_write", "SYS_sendto", "SYS_writev", "SYS_sendmsg")
CLOSE = ("close", "shutdown", "shutdown_both", "dup2", "dup3", "close_range", "closefrom",
         "SYS_close", "SYS_dup3", "SYS_close_range")

ANSWERED = requests(("page", 200, 6))
HALF = requests(("page", 200, 4), ("page", 0, 2))


class Calls(HostCase):
    """What differs is one function; the rest is accept, read, write and close."""


def add(way, arguments, expected, outcomes=("done",)):
    def test(self):
        self.exact(expected, "calls", *arguments, outcomes=outcomes)

    setattr(Calls, "test_" + way, test)


for name in ACCEPT:
    add(name, (name, "read", "write", "close"), ANSWERED)
for name in READ:
    add(name, ("accept", name, "write", "close"), ANSWERED)
for name in WRITE:
    add(name, ("accept", "read", name, "close"), ANSWERED)
for name in CLOSE:
    add(name + "_after_the_answer", ("accept", "read", "write", name), ANSWERED)
    add(name + "_before_the_answer", ("accept", "read", "write", name, "half"), HALF, ("done", "aborted"))
