"""The `sidepro` command, in its own process and in the process of the tests."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from sidepro import cli
from sidepro.adapters import logs
from sidepro.adapters.security import passwords
from tests.servers import settings, sidepro_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.databases import Databases


@dataclass(frozen=True)
class Outcome:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str

    def error_line(self) -> str:
        """The one-line error of a failed command."""
        assert self.code not in (0, None), f"it did not fail: {self.out}"
        assert "Traceback" not in self.err, self.err
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("sidepro: "), self.err
        assert self.out == ""
        return self.err.removeprefix("sidepro: ").rstrip("\n")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs `sidepro` in its own process, in an empty folder."""

    def run_it(*arguments: str, **environment: str) -> Outcome:
        done = sidepro_process.run(
            *arguments,
            environment=settings({"SIDEPRO_START_TIMEOUT": "0", **environment}),
            folder=tmp_path,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run_it


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs the command in this process, which is many times faster."""

    def run_it(*arguments: str, **environment: str) -> Outcome:
        with monkeypatch.context() as patched:
            patched.chdir(tmp_path)
            patched.setattr(sys, "argv", ["sidepro", *arguments])
            # Logging and the umask are set for a whole process, which has other tests to run.
            patched.setattr(logs, "set_up", lambda *_: None)
            patched.setattr(os, "umask", lambda _: 0)
            patched.setattr(passwords, "MEMORY_KIB", 8)  # each command hashes a password at least
            for name in [name for name in os.environ if name.startswith("SIDEPRO_")]:
                patched.delenv(name)
            patched.setenv("SIDEPRO_START_TIMEOUT", "0")
            for name, value in environment.items():
                patched.setenv(name, value)
            code: object = 0
            try:
                with capture_logs():
                    cli.main()
            except SystemExit as end:
                code = end.code or 0
        said = capsys.readouterr()
        assert isinstance(code, int), code
        return Outcome(code, said.out, said.err)

    return run_it


@pytest.fixture
def run_migrated(
    run_here: Callable[..., Outcome], sqlite_databases: Databases, tmp_path: Path
) -> Iterator[Callable[..., Outcome]]:
    """As `run_here`, with a migrated database in the usual place."""
    with sqlite_databases.settings(tmp_path / "data"):
        yield run_here


@pytest.fixture
def unwritable_folder() -> Path:
    """A folder that not even root can create: its parent is a file."""
    return Path(__file__) / "folder"
