"""A PostgreSQL server of the tests' own."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.servers.watched_server import ServerError, WatchedServer, tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.network import Machine

USER = "sidepro"

# Where packages put PostgreSQL's server programs, which are rarely on the PATH.
INSTALLED = (
    "/usr/lib/postgresql/*/bin",  # Debian and its relatives
    "/usr/pgsql-*/bin",  # Red Hat and its relatives
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


def find_postgres() -> Path:
    """The folder of `initdb` and `postgres`, of the highest version that is installed.

    Raises ServerError where there is none.
    """
    candidates = sorted(
        (folder for pattern in INSTALLED for folder in Path("/").glob(pattern[1:])),
        key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))],
        reverse=True,
    )
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        told = subprocess.check_output(["pg_config", "--bindir"], text=True)
        candidates.append(Path(told.strip()))
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).resolve().parent)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    message = "PostgreSQL's server programs were not found; tests/install-servers.sh installs them"
    raise ServerError(message)


def unprivileged() -> pwd.struct_passwd | None:
    """Whom to run PostgreSQL as, which refuses root; None where this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError("PostgreSQL refuses root, and there is no user postgres or nobody here")


class Postgres(WatchedServer):
    """A PostgreSQL server.

    It is faster than it is safe: it survives a killed server, not a killed machine (fsync is off).
    """

    NAME = "PostgreSQL"
    STOP = signal.SIGINT  # "fast": ends connections, writes everything

    def __init__(
        self, programs: Path, max_connections: int, machine: Machine | None = None
    ) -> None:
        super().__init__(unprivileged(), machine)
        self._programs = programs
        self._max_connections = max_connections
        self._password = secrets.token_hex(16)
        self._numbers = itertools.count(1)

    @classmethod
    def start(cls, max_connections: int = 200, machine: Machine | None = None) -> Self:
        """Makes a new cluster and starts its server; raises ServerError where it cannot."""
        server = cls(find_postgres(), max_connections, machine)
        try:
            server._initialise()
            server.resume()
        except BaseException:
            server.close()
            raise
        return server

    @property
    def url(self) -> str:
        """The address of the server's own database, for statements about others."""
        return self._url("postgres")

    def fresh_database(self, template: str | None = None, locale: str | None = None) -> str:
        """Makes an empty database, or a copy of another, and returns its address.

        `template` is the address of a database that nobody is connected to at the moment. `locale`
        is what CREATE DATABASE says of an empty one, such as "LOCALE 'C'".
        """
        name = f"test_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            source = sql.Identifier(urlsplit(template).path[1:])
            # A checkpoint is cheap without fsync, and a copy through the log costs twice as much.
            statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(source)
        if locale is not None:
            # Only an empty template may have had another locale.
            statement += sql.SQL(f" TEMPLATE template0 {locale}")
        self._execute(statement)
        return self._url(name)

    def local(self, url: str) -> str:
        """The address of the database by a socket of the file system, without a network."""
        return url.replace(f"@{self.host}:{self.port}/", "@/") + (
            f"?host={self.folder}&port={self.port}"
        )

    def drop(self, url: str) -> None:
        """Removes a database, and ends the connections to it."""
        name = sql.Identifier(urlsplit(url).path[1:])
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    @contextlib.contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """A database for as long as the block lasts: `fresh_database`, then `drop`."""
        url = self.fresh_database(template)
        try:
            yield url
        finally:
            self.drop(url)

    @contextlib.contextmanager
    def silenced(self) -> Iterator[None]:
        """Lets the server accept and never answer during the block: all its processes sleep."""
        # The first one starts no others while it sleeps.
        processes = [self.pid]
        os.kill(self.pid, signal.SIGSTOP)
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        for process in map(int, children.split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
                processes.append(process)
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": str(self._max_connections),
            "fsync": "off",
            "full_page_writes": "off",
            # A stop waits for connections that were refused at the start and whose client is gone.
            "authentication_timeout": "10",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *options]

    def _initialise(self) -> None:
        if self._owner is not None:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        password_file = self.folder / "password"
        password_file.write_text(self._password, "utf-8")
        arguments = [
            str(self._programs / "initdb"),
            f"--pgdata={self.folder / 'data'}",
            f"--username={USER}",
            f"--pwfile={password_file}",
            # The client of SCRAM computes for 3 ms at each of thousands of connections.
            "--auth=password",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        with self.log.open("wb") as log:
            process = self._spawn(arguments, log.fileno())
            process.communicate()
        password_file.unlink()
        if process.returncode != 0:
            raise ServerError(f"initdb failed:\n{tail(self.log)}")
        with (self.folder / "data" / "pg_hba.conf").open("a") as trusted:
            trusted.write("host all all samenet password\n")  # of machines of a test

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@{self.host}:{self.port}/{database}"
