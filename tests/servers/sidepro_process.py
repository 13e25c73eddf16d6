"""Starts `sidepro`, as a fork of a process that has imported it where that is the same.

A start takes a third of the processor time then, and the suite has hundreds of them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMAND = Path(sys.executable).with_name("sidepro")

FORKS = Path(__file__).with_name("sidepro_forks.py")

OWN_PROCESS = ("PYTHON", "LANG", "LC_", "TZ", "MALLOC_")
"""Beginnings of variables that work only at the start of a process."""


class Process(Protocol):
    """The part of `subprocess.Popen` that a fork has too."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...


@dataclass(frozen=True)
class Launch:
    """A call of `sidepro`. `out` and `err` are existing files, which it appends to.

    `patch` are Python statements that run before.
    """

    arguments: Sequence[str]
    patch: str
    environment: dict[str, str]
    folder: str
    out: str
    err: str


class Forks:
    """The process whose forks become `sidepro`. It ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: dict[int, int] = {}
        self._unread = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", FORKS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            bufsize=0,
        )

    def start(self, launch: Launch) -> Fork:
        """A new process."""
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(asdict(launch)).encode() + b"\n")
            while (pid := self._read()) is None:
                pass
        return Fork(self, pid)

    def code(self, pid: int) -> int | None:
        """The exit code of a process, None while it runs."""
        assert self._process.stdout is not None
        with self._lock:
            while b"\n" in self._unread or select.select([self._process.stdout], [], [], 0)[0]:
                self._read()
            return self._codes.get(pid)

    def close(self) -> None:
        """Ends it. What it has started goes on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _read(self) -> int | None:
        """Reads a line. Returns the process that it says has started."""
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            read = self._process.stdout.read(4096)
            assert read, "the process that forks has ended"
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        what, pid, *code = line.split()
        if what == b"started":
            self._codes.pop(int(pid), None)  # of an older process
            return int(pid)
        self._codes[int(pid)] = int(code[0])
        return None


class Fork:
    """A `Process` that another process is the parent of."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self.pid = pid
        self._forks = forks

    def poll(self) -> int | None:
        return self._forks.code(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("sidepro", timeout or 0)
            time.sleep(0.005)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)


@functools.cache
def forks() -> Forks:
    """Those of this process."""
    found = Forks()
    atexit.register(found.close)
    return found


def can_fork(launch: Launch) -> bool:
    """Whether a fork does the same as a new process.

    Coverage is measured in new processes. Workers of `serve` are new processes of their parent's
    program.
    """
    old, new = os.environ, launch.environment
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    changed -= {"PYTHONUNBUFFERED"}
    return (
        sys.platform == "linux"
        and not any(name.startswith("COVERAGE_PROCESS") for name in new)
        and not any(name.startswith(OWN_PROCESS) for name in changed)
        and "--workers" not in {part.partition("=")[0] for part in launch.arguments}
    )


def start(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    out: Path,
    err: Path | None = None,
    executable: Path | None = None,
    patch: str = "",
) -> Process:
    """Starts `sidepro` with these arguments in this folder, in a session of its own.

    `environment` is the whole one. Output is appended to `out`, errors to `err` or also there.
    `executable` is always a new process. `patch` are Python statements that run before.
    """
    err = err or out
    for file in (out, err):
        file.touch()
    launch = Launch(arguments, patch, dict(environment), str(folder), str(out), str(err))
    if executable is None and can_fork(launch):
        return forks().start(launch)
    with out.open("ab") as stdout, err.open("ab") as stderr:
        return subprocess.Popen(
            command(launch, executable or COMMAND),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )


def command(launch: Launch, executable: Path) -> list[str]:
    """The program and its arguments."""
    if launch.patch:
        program = f"{launch.patch}; from sidepro import cli; cli.main()"
        return [sys.executable, "-c", program, *launch.arguments]
    return [str(executable), *launch.arguments]


def run(
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    executable: Path | None = None,
    seconds: float = 60,
) -> subprocess.CompletedProcess[str]:
    """The end of a command of `sidepro`, which is killed after so many seconds."""
    with tempfile.TemporaryDirectory(prefix="sidepro-run-") as said:
        out, err = Path(said, "out"), Path(said, "err")
        process = start(
            arguments,
            environment=environment,
            folder=folder,
            out=out,
            err=err,
            executable=executable,
        )
        try:
            code = process.wait(seconds)
        except BaseException:
            process.send_signal(signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(
            arguments, code, out.read_text("utf-8"), err.read_text("utf-8")
        )
