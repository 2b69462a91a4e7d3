"""Connections that another process accepted, and started the program with."""

import os
import socket

from hostcase import HostCase, program, requests, run, servers

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Handed(HostCase):
    def setUp(self):
        super().setUp()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.server = listener.accept()[0]
        self.addCleanup(self.client.close)
        self.addCleanup(self.server.close)

    def start(self, shim, arguments, numbers, **variables):
        """Runs the program with the connection under these numbers of fds, and nothing else besides;
        PID in a variable stands for its process id."""
        environment = dict(servers.plain_environment(), **shim.environment)
        standing = os.open(os.devnull, os.O_RDWR)
        pid = os.fork()
        if pid == 0:
            try:
                away = os.dup2(self.server.fileno(), 100)
                for number in (0, 1, 2):
                    os.dup2(standing, number)
                for number in numbers:
                    os.dup2(away, number)
                os.closerange(max(3, max(numbers) + 1), 1000)
                environment.update((name, value.replace("PID", str(os.getpid()))) for name, value in variables.items())
                os.execve(program("handed"), ["handed", *map(str, arguments)], environment)
            finally:
                os._exit(127)
        os.close(standing)
        self.server.close()
        return pid

    def assert_ends_well(self, pid):
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)

    def ask(self, n, path="/handed"):
        for _ in range(n):
            self.client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = b""
            while len(answer) < len(ANSWER):
                part = self.client.recv(1000)
                self.assertNotEqual(part, b"")
                answer += part
            self.assertEqual(answer, ANSWER)
        self.client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.client.recv(1), b"")

    def served(self, expected, arguments, numbers, **variables):
        shim = self.shim()
        pid = self.start(shim, arguments, numbers, **variables)
        self.ask(5)
        self.assert_ends_well(pid)
        self.assert_exact(self.receiver, shim, expected)

    def test_by_inetd(self):
        self.served(requests(("handed", 200, 5)), (0, 1), (0, 1, 2))

    def test_by_inetd_with_one_fd(self):
        self.served(requests(("handed", 200, 5)), (0, 0), (0,))

    def test_by_systemd(self):
        self.served(requests(("handed", 200, 5)), (3, 3), (3,), LISTEN_FDS="1", LISTEN_PID="PID")

    def test_by_systemd_as_the_last_of_several(self):
        self.served(requests(("handed", 200, 5)), (5, 5), (5,), LISTEN_FDS="3", LISTEN_PID="PID")

    def test_by_systemd_for_another_process(self):
        """What it gave that one, this one only has by chance."""
        self.served(requests(), (3, 3), (3,), LISTEN_FDS="1", LISTEN_PID="1")

    def test_numbers_that_are_none(self):
        self.served(requests(("handed", 200, 5)), (0, 0), (0,), LISTEN_FDS="-1", LISTEN_PID="PID")

    def test_a_client(self):
        """Whoever asks on it is no server."""
        pid = self.start(self.shim(), ("ask", 0, 1), (0, 1))
        for _ in range(3):
            asked = b""
            while not asked.endswith(b"\r\n\r\n"):
                asked += self.client.recv(1000)
            self.client.sendall(ANSWER)
        self.assert_ends_well(pid)
        self.assert_silent()

    def test_a_listening_socket(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            shim = self.shim()
            environment = dict(servers.plain_environment(), **shim.environment)
            run([program("inherited"), "0"], environment, stdin=listener)
        self.assert_exact(self.receiver, shim, requests(("p1", 200, 2)))
