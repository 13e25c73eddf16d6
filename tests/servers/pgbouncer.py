"""A PgBouncer in transaction mode before a PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from urllib.parse import urlsplit

from tests.servers.postgresql import Postgres, unprivileged
from tests.servers.watched_server import HOST, ServerError, WatchedServer


def find_pgbouncer() -> str:
    """The path of the program; raises ServerError where there is none."""
    path = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if path is None:
        raise ServerError("pgbouncer was not found; tests/install-servers.sh installs it")
    return path


class PgBouncer(WatchedServer):
    """Pools the transactions of one database."""

    NAME = "PgBouncer"
    STOP = signal.SIGINT

    def __init__(self, server: Postgres, url: str, ignored: str) -> None:
        """`ignored` are the parameters of clients that it drops instead of refusing them."""
        super().__init__(unprivileged())
        self._program = find_pgbouncer()
        parts = urlsplit(url)
        self.url = url.replace(f":{server.port}/", f":{self.port}/")
        users = self.folder / "users"
        users.write_text(f'"{parts.username}" "{parts.password}"\n')
        self._settings = self.folder / "pgbouncer.ini"
        self._settings.write_text(
            f"[databases]\n* = host={HOST} port={server.port}\n"
            f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {self.port}\n"
            f"unix_socket_dir =\nauth_type = plain\nauth_file = {users}\n"
            f"pool_mode = transaction\nignore_startup_parameters = {ignored}\n"
        )
        if self._owner is not None:
            for path in (self.folder, users, self._settings):
                os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
        self.resume()

    def _command(self) -> list[str]:
        return [self._program, str(self._settings)]

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True
