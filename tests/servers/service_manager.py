"""What systemd does with a unit of `deploy/systemd` whose process stops to answer or ends."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.servers.watched_server import ServerError

if TYPE_CHECKING:
    from tests.servers.sidepro_server import SideProServer

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"


class ServiceManager:
    """Kills a process after `WatchdogSec` without a sign of life, and starts it `RestartSec` after
    each end, while the block lasts.

    `unit` is the name of a file of `deploy/systemd`. `faster` divides its times.
    """

    def __init__(self, server: SideProServer, unit: str, faster: float = 1) -> None:
        text = (UNITS / unit).read_text("utf-8")
        self._server = server
        self._watchdog = _seconds(text, "WatchdogSec") / faster
        self._pause = _seconds(text, "RestartSec") / faster
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = server.folder / "notify"
        self._socket.bind(str(path))
        self._socket.settimeout(0.05)
        microseconds = round(self._watchdog * 1_000_000)
        server.environment |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(microseconds)}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.restarts = 0
        """How often the process was ready again."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _watch(self) -> None:
        is_ready, seen = True, time.monotonic()
        while not self._stopping.is_set():
            try:
                said = self._socket.recv(100)
            except TimeoutError:
                said = b""
            if said:
                seen = time.monotonic()
            if said == b"READY=1" and not is_ready:
                is_ready = True
                self.restarts += 1
            is_silent = is_ready and time.monotonic() - seen > self._watchdog
            if is_silent or not self._server.is_running():
                self._server.kill()
                self._stopping.wait(self._pause)
                self._server.start_soon()
                is_ready = False


def _seconds(unit: str, name: str) -> float:
    found = re.search(rf"^{name}=(\d+)$", unit, re.MULTILINE)
    if found is None:
        raise ServerError(f"the unit lacks {name}")
    return float(found[1])
