"""`sidepro serve` as a process of its own."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.servers import sidepro_process
from tests.servers.watched_server import HOST, ServerError, free_port, tail, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.network import Machine
    from tests.servers.sidepro_process import Process

SECRET_KEY = "a-secret-key-for-the-tests-and-nothing-else"


class SideProServer:
    """`sidepro serve` on a free port of 127.0.0.1 or of a machine, in a folder of its own.

    `environment` holds its SIDEPRO_… settings; those of this process are not handed on.
    `arguments` follow `serve`. Without `SIDEPRO_DATA_DIR` the data lives in the server's folder;
    without `SIDEPRO_RATE_LIMITS` nothing is limited.
    """

    NAME = "serve"
    PATCH = ""
    """Python statements that run before the command."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *arguments: str,
        executable: Path | None = None,
        folder: Path | None = None,
        port: int | None = None,
        machine: Machine | None = None,
    ) -> None:
        self._executable = executable
        self._arguments = arguments
        self._own_folder = folder is None
        self._process: Process | None = None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="sidepro-serve-"))
        self.host = HOST if machine is None else machine.address
        self._machine = machine
        self.port = port or free_port()
        self.environment = settings(
            {
                "SIDEPRO_DATA_DIR": str(self.folder / "data"),
                "SIDEPRO_RATE_LIMITS": "off",
                **(environment or {}),
            }
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
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process to send signals to."""
        if self._process is None:
            raise ServerError(f"sidepro {self.NAME} is not running")
        return self._process.pid

    def is_running(self) -> bool:
        """Whether its process has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, seconds: float = 60) -> None:
        """Starts it, for the first time or again, and waits until it says that it is ready."""
        self.start_soon()
        wait_until(
            self._is_ready, seconds=seconds, failure=lambda: self._complaint("is not ready")
        )

    def start_soon(self) -> None:
        """Starts it, and does not wait until it is ready."""
        if self._process is not None:
            raise ServerError(f"sidepro {self.NAME} is running already")
        self._process = self._spawn()
        atexit.register(self.kill)

    def run(self, *arguments: str) -> str:
        """The output of another command of `sidepro`, with the server's settings."""
        done = sidepro_process.run(
            *arguments,
            executable=self._executable,
            environment=self.environment,
            folder=self.folder,
        )
        if done.returncode:
            raise ServerError(f"sidepro {arguments[0]} failed: {done.stderr}")
        return done.stdout

    def terminate(self, seconds: float = 20, sent: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to stop by a signal, waits, and returns its exit code."""
        process = self._forget()
        if process is None:
            raise ServerError(f"sidepro {self.NAME} is not running")
        process.send_signal(sent)
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

    def _forget(self) -> Process | None:
        process, self._process = self._process, None
        atexit.unregister(self.kill)
        return process

    @staticmethod
    def _kill(process: Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.send_signal(signal.SIGKILL)  # it may not lead its group yet
        process.wait()

    def _is_ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._forget()
            raise ServerError(self._complaint("ended before it was ready"))
        return self._answers()

    def _spawn(self) -> Process:
        inside = self._machine.patch if self._machine else ""
        return sidepro_process.start(
            [*self._call(), *self._arguments],
            environment=self.environment,
            folder=self.folder,
            out=self.log_file,
            executable=self._executable,
            patch="; ".join(filter(None, [inside, self.PATCH])),
        )

    def _call(self) -> list[str]:
        return ["serve", "--host", self.host, "--port", str(self.port)]

    def _answers(self) -> bool:
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
        return f"sidepro {self.NAME} {what}; the end of its log:\n{tail(self.log_file)}"


class ServerWithoutSessionCheck(SideProServer):
    """`sidepro serve` that looks once an hour, in the place of a second, whether the sessions of
    its sockets are live: what closes one sooner is that the process itself ended the session.
    """

    PATCH = "from sidepro.api.chat import hub; hub.SESSION_CHECK_INTERVAL = 3600"


class SideProJobs(SideProServer):
    """`sidepro worker` or `sidepro scheduler`, with the jobs due every so many seconds in the
    place of a minute where a test is to wait for that.
    """

    def __init__(
        self, name: str, environment: Mapping[str, str], *, every: int | None = None
    ) -> None:
        super().__init__(environment)
        self.NAME = name
        if every is not None:
            schedule = f'tasks.EVERY_MINUTE = [{{"interval": {every}}}]'
            self.PATCH = f"from sidepro.jobs import tasks; {schedule}"

    def _call(self) -> list[str]:
        return [self.NAME]

    def _answers(self) -> bool:
        return "Ctrl-C stops it" in self.log()


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with its own SIDEPRO_… settings replaced by the given ones."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SIDEPRO_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **environment}
