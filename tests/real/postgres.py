"""A PostgreSQL server as the tests start it."""

import glob
import os
import shutil
import signal

from case import servers


class Postgres(servers.Server):
    """A server with an empty cluster of its own, which writes down every statement."""

    stop_signal = signal.SIGINT

    def __init__(self, **options):
        # It does not run as root, and its package made it a user.
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        super().__init__(runner=as_postgres if os.getuid() == 0 else [], **options)

    @staticmethod
    def programs():
        return max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))

    def argv(self):
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        if self.runner:
            shutil.chown(data, "postgres")
        servers.run([*self.runner, self.programs() + "/initdb", "-D", data, "-A", "trust", "-N", "-U", "postgres"])
        return [self.programs() + "/postgres", "-D", data, "-p", str(self.port), "-k", self.folder,
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "autovacuum=off",
                "-c", "log_statement=all"]

    def client(self, program, *options):
        """What a client program says that asks this server."""
        return servers.run([program, "-h", self.folder, "-p", str(self.port), "-U", "postgres", *options, "postgres"])

    def statements(self):
        """How many it was given so far."""
        return self._read("stderr").count("LOG:  statement: ")
