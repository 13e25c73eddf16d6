"""`./just up` of this checkout, as a person runs it in a terminal."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.sidepro_server import SideProServer

if TYPE_CHECKING:
    from collections.abc import Mapping

JUST = Path(__file__).parents[2] / "just"

ADDRESS = re.compile(r"SidePro serves +(\S+)/\n")
"""What it prints once it serves."""


class JustUp(SideProServer):
    """The script `./just up` on a free port. `url` is the address that it has printed.

    In a checkout without an environment it makes one first, which takes a minute.
    """

    NAME = "up"

    def __init__(self, environment: Mapping[str, str]) -> None:
        limits = {"SIDEPRO_RATE_LIMITS": "on"}  # the default of the command
        super().__init__({**limits, **environment}, executable=JUST)
        self._printed_before = 0

    @property
    def url(self) -> str:
        return self._addresses()[-1]

    def start(self, seconds: float = 300) -> None:
        self._printed_before = len(self._addresses())
        super().start(seconds)

    def press_ctrl_c(self) -> int:
        """Stops it as the terminal does. Returns the exit code."""
        return self.terminate(sent=signal.SIGINT)

    def _call(self) -> list[str]:
        return ["up", "--port", str(self.port)]

    def _answers(self) -> bool:
        return len(self._addresses()) > self._printed_before

    def _addresses(self) -> list[str]:
        return ADDRESS.findall(self.log()) if self.log_file.exists() else []
