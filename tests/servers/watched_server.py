"""What the servers of the tests share: ports, waiting, and how a server ends with its tests."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pwd
    from collections.abc import Callable, Sequence

    from tests.servers.network import Machine

HOST = "127.0.0.1"


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


class WatchedServer:
    """A server program in a temporary folder, on a free port of 127.0.0.1 or of a machine.

    It ends with the process that started it, however that ends.
    """

    NAME: str
    STOP: signal.Signals

    def __init__(
        self, owner: pwd.struct_passwd | None = None, machine: Machine | None = None
    ) -> None:
        self._owner, self._machine = owner, machine
        self._process: subprocess.Popen[bytes] | None = None
        self.host = HOST if machine is None else machine.address
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"sidepro-{self.NAME.lower()}-"))
        self.log = self.folder / "log"
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process to send signals to."""
        if self._process is None:
            raise ServerError(f"{self.NAME} is not running")
        return self._process.pid

    def resume(self) -> None:
        """Starts the server on its folder and port, and waits until it answers."""
        with self.log.open("ab") as log:
            self._process = self._spawn(
                ["/bin/sh", "-c", WATCHED, self.NAME, str(self.folder), *self._command()],
                log.fileno(),
            )
        wait_until(self._is_up, seconds=30, failure=lambda: self._complaint("is not answering"))

    def stop(self) -> None:
        """Stops the server and keeps its data; `resume` starts it again."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(b"stopping\n")
        process.send_signal(self.STOP)
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

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise ServerError(self._complaint("did not start"))
        return self._answers()

    def _spawn(self, arguments: Sequence[str], log: int) -> subprocess.Popen[bytes]:
        owner = self._owner
        if self._machine is not None:  # which root alone may enter
            arguments, owner = self._machine.command(arguments, owner), None
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

    def _complaint(self, what: str) -> str:
        return f"{self.NAME} {what}; the end of its log:\n{tail(self.log)}"
