"""What processes use of the processor during a fault."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers import SideProServer

WATCHED = 2.0
"""Seconds over which it is measured."""

NEAR_IDLE = 0.1
"""CPU seconds in a second; a busy loop takes one."""


async def share_used(*servers: SideProServer) -> float:
    """CPU seconds in a second, of the process that uses most."""
    before = [_used(server) for server in servers]
    began = time.monotonic()
    await asyncio.sleep(WATCHED)
    watched = time.monotonic() - began
    return max(
        (_used(server) - used) / watched for server, used in zip(servers, before, strict=True)
    )


def _used(server: SideProServer) -> float:
    """User and system CPU seconds of the server, as Linux tells."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
