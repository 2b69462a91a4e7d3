"""Sessions of OpenSSL and GnuTLS as hosts use them: what the server's carry is reported, once."""

import os

from hostcase import HostCase, program, requests, run, scenarios, servers


class Certified(HostCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ["TLS_CERTIFICATE"], os.environ["TLS_KEY"] = servers.certificate()


@scenarios("tls", {
    "fds": requests(("page", 200, 3)),
    "bio_pair": requests(("page", 200, 3)),
    "memory": requests(("page", 200, 3)),
    "mixed": requests(("page", 200, 4)),
    "ex": requests(("page", 200, 1)),
    "peek": requests(("page", 200, 1)),
    "ssl_bio": requests(("page", 200, 3)),
    "new_ssl_bio": requests(("page", 200, 10)),
    "referenced_early": requests(("page", 200, 1)),
    "partial": requests(("page", 200, 3)),
    "early_data": requests(("page", 200, 2), ("early", 200, 1)),
    "forked": requests(("parent", 200, 1), ("page", 200, 3)),
})
class Openssl(Certified):
    def test_again(self):
        self.exact(requests(("page", 200, 5), ("left", 0, 1)), "tls", "again", outcomes=("done", "aborted"))

    def test_referenced(self):
        self.exact(requests(("page", 200, 2), ("left", 0, 1)), "tls", "referenced", outcomes=("done", "aborted"))

    def test_unanswered(self):
        self.exact(requests(("page", 0, 5)), "tls", "unanswered", outcomes=("aborted",))

    def test_gone(self):
        self.exact(requests(("page", 499, 2)), "tls", "gone", outcomes=("aborted",))

    def test_errors_are_the_hosts_own(self):
        without = run([program("tls"), "errors"], servers.plain_environment()).stdout
        self.assertEqual(self.run_under(self.shim(), "tls", "errors"), without)
        self.assertGreater(len(without.splitlines()), 15)

    def test_disabled(self):
        self.run_under(self.shim(DISABLE=1), "tls", "fds")
        self.run_under(self.shim(DISABLE=1), "tls", "ssl_bio")
        self.assert_silent()


@scenarios("gnutls", {name: requests(("page", 200, 3)) for name in (
    "recv_send", "recv_seq", "recv_packet", "send2", "send_range", "cork", "send_file", "functions")})
class Gnutls(HostCase):
    def test_unanswered(self):
        self.exact(requests(("page", 0, 5)), "gnutls", "unanswered", outcomes=("aborted",))

    def test_gone(self):
        self.exact(requests(("page", 499, 2)), "gnutls", "gone", outcomes=("aborted",))
