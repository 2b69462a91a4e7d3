"""N requests give exactly N starts, N ends, the right statuses, labels and log lines: servers."""

from case import servers
from exact import ExactCase


class Exact(ExactCase):
    NGINX = (200, 204, 206, 301, 304, 404, 405, 416)
    APACHE = (200, 204, 206, 301, 304, 404, 405, 416)

    def nginx(self, log="duration", **options):
        self.exact(lambda shim: servers.Nginx(shim, true_clock=log == "duration", **options),
                   statuses=self.NGINX, log=log)

    def apache(self, **options):
        self.exact(lambda shim: servers.Apache(shim, **options), statuses=self.APACHE,
                   log="duration")

    def test_nginx_1_worker_sendfile(self):
        self.nginx(workers=1, sendfile=True)

    def test_nginx_1_worker_no_sendfile(self):
        self.nginx(workers=1, sendfile=False)

    def test_nginx_2_workers_sendfile(self):
        self.nginx(workers=2, sendfile=True)

    def test_nginx_2_workers_no_sendfile(self):
        self.nginx(workers=2, sendfile=False)

    def test_nginx_with_its_own_clock(self):
        """Nothing but the shim in its process."""
        self.nginx(log="status", workers=2, sendfile=True)

    def test_apache_event(self):
        self.apache(mpm="event")

    def test_apache_prefork(self):
        self.apache(mpm="prefork")

    def test_python_http_server(self):
        self.exact(servers.PythonServer, per_load=200, with_wrk=False, statuses=(200, 304, 404, 501))

    def test_python_http_server_1_1(self):
        if not servers.PythonServer.speaks("HTTP/1.1"):
            self.skipTest("this Python's http.server has no --protocol")
        self.exact(lambda shim: servers.PythonServer(shim, version="HTTP/1.1"), per_load=200,
                   with_wrk=False, keepalive=False, statuses=(200, 304, 404, 501))

    def test_node(self):
        self.exact(servers.Node, per_load=1000, statuses=(200, 204, 301, 404))
