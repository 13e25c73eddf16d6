"""Real servers for the tests: a private PostgreSQL, and `sidepro serve` as a process of its own.

Imports the standard library and psycopg alone. Run as a program, it prints where PostgreSQL's
programs are, or says that they are missing and exits with 1.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HOST = "127.0.0.1"
USER = "sidepro"
SECRET_KEY = "a-secret-key-for-the-tests-and-nothing-else"

# Where packages put PostgreSQL's server programs, which are rarely on the PATH.
INSTALLED = (
    "/usr/lib/postgresql/*/bin",  # Debian and its relatives
    "/usr/pgsql-*/bin",  # Red Hat and its relatives
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


class ServerError(Exception):
    """A server is missing, did not start or did not stop. The message says what to do or see."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(is_done: Callable[[], bool], *, seconds: float, failure: Callable[[], str]) -> None:
    """Asks again and again, and raises `ServerError(failure())` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            raise ServerError(failure())
        time.sleep(0.03)


def tail(log: Path, lines: int = 30) -> str:
    """The last lines of a log, indented for an error message."""
    text = log.read_text("utf-8", errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (nothing)"


# --- PostgreSQL --------------------------------------------------------------------------------


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


# Becomes the server itself, after leaving a watcher behind. When the process of the tests ends
# without a word, however it ends, the watcher's input closes: it stops the server and removes its
# folder. When the tests stop the server they say so first, and the watcher goes.
WATCHED = """
folder=$1
shift
exec 3<&0
(
    read -r word <&3 && exit
    kill -INT $$ 2>/dev/null
    for moment in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.5
        kill -0 $$ 2>/dev/null || break
    done
    rm -rf "$folder"
) &
exec "$@" </dev/null 3<&-
"""


class Postgres:
    """A PostgreSQL server in a temporary folder, on a free port of 127.0.0.1.

    It is faster than it is safe: it survives a killed server, not a killed machine (fsync is off).
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._owner = unprivileged()
        self._password = secrets.token_hex(16)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="sidepro-postgres-"))
        self.log = self.folder / "log"
        atexit.register(self.close)

    @classmethod
    def start(cls) -> Self:
        """Makes a new cluster and starts its server; raises ServerError where it cannot."""
        server = cls(find_postgres())
        try:
            server._initialise()
            server.resume()
        except BaseException:
            server.close()
            raise
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address of the server's own database, for statements about others."""
        return self._url("postgres")

    @property
    def pid(self) -> int:
        """The process to send signals to."""
        if self._process is None:
            raise ServerError("PostgreSQL is not running")
        return self._process.pid

    def fresh_database(self, template: str | None = None) -> str:
        """Makes an empty database, or a copy of another, and returns its address.

        `template` is the address of a database that nobody is connected to at the moment.
        """
        name = f"test_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            source = sql.Identifier(urlsplit(template).path[1:])
            statement += sql.SQL(" TEMPLATE {}").format(source)
        self._execute(statement)
        return self._url(name)

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

    def resume(self) -> None:
        """Starts the server on its folder and port, and waits until it answers."""
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            "fsync": "off",
            "full_page_writes": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        server = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *options]
        with self.log.open("ab") as log:
            self._process = self._spawn(
                ["/bin/sh", "-c", WATCHED, "postgres", str(self.folder), *server], log.fileno()
            )
        wait_until(self._answers, seconds=30, failure=lambda: self._complaint("is not answering"))

    def stop(self) -> None:
        """Stops the server and keeps its data; `resume` starts it again."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(b"stopping\n")
        process.send_signal(signal.SIGINT)  # "fast": ends connections, writes everything
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerError(self._complaint("did not stop")) from None

    def close(self) -> None:
        """Stops the server and removes its folder."""
        atexit.unregister(self.close)
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

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
            "--auth=scram-sha-256",
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

    def _spawn(self, arguments: Sequence[str], log: int) -> subprocess.Popen[bytes]:
        owner = self._owner
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            # a Ctrl-C in the terminal is for the tests, which then stop their servers
            start_new_session=True,
            user=owner and owner.pw_uid,
            group=owner and owner.pw_gid,
            extra_groups=[] if owner else None,
        )

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise ServerError(self._complaint("did not start"))
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@{HOST}:{self.port}/{database}"

    def _complaint(self, what: str) -> str:
        return f"PostgreSQL {what}; the end of its log:\n{tail(self.log)}"


# --- SidePro -----------------------------------------------------------------------------------


class SideProServer:
    """`sidepro serve` on a free port of 127.0.0.1, in a folder of its own.

    `environment` holds its SIDEPRO_… settings; those of this process are not handed on.
    `arguments` follow `serve`. Without `SIDEPRO_DATA_DIR` the data lives in the server's folder.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *arguments: str,
        executable: Path | None = None,
        folder: Path | None = None,
        port: int | None = None,
    ) -> None:
        self._executable = executable or Path(sys.executable).with_name("sidepro")
        self._arguments = arguments
        self._own_folder = folder is None
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="sidepro-serve-"))
        self.port = port or free_port()
        self.environment = settings(
            {"SIDEPRO_DATA_DIR": str(self.folder / "data"), **(environment or {})}
        )
        self.log_file = self.folder / "serve.log"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process to send signals to."""
        if self._process is None:
            raise ServerError("sidepro serve is not running")
        return self._process.pid

    def start(self, seconds: float = 60) -> None:
        """Starts it, for the first time or again, and waits until it says that it is ready."""
        if self._process is not None:
            raise ServerError("sidepro serve is running already")
        command = [str(self._executable), "serve", "--host", HOST, "--port", str(self.port)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
            )
        atexit.register(self.kill)
        wait_until(
            self._is_ready, seconds=seconds, failure=lambda: self._complaint("is not ready")
        )

    def terminate(self, seconds: float = 20) -> int:
        """Asks it to stop (SIGTERM), waits, and returns its exit code."""
        process = self._forget()
        if process is None:
            raise ServerError("sidepro serve is not running")
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._kill(process)
            raise ServerError(self._complaint("did not stop")) from None

    def kill(self) -> None:
        """Ends it, and the processes it started, without a warning (SIGKILL)."""
        process = self._forget()
        if process is not None:
            self._kill(process)

    def close(self) -> None:
        """Stops it where it runs, and removes its folder where it made it."""
        try:
            if self._process is not None:
                self.terminate()
        finally:
            if self._own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """All that it has written to its output and its error output."""
        return self.log_file.read_text("utf-8", errors="replace")

    def _forget(self) -> subprocess.Popen[bytes] | None:
        process, self._process = self._process, None
        atexit.unregister(self.kill)
        return process

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _is_ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._forget()
            raise ServerError(self._complaint("ended before it was ready"))
        # not through a proxy that the environment may name
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def _complaint(self, what: str) -> str:
        return f"sidepro serve {what}; the end of its log:\n{tail(self.log_file)}"


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with its own SIDEPRO_… settings replaced by the given ones."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SIDEPRO_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **environment}


if __name__ == "__main__":
    try:
        print(find_postgres())
    except ServerError as problem:
        sys.exit(str(problem))
