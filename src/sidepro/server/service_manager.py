"""Messages to systemd (`Type=notify`): the process is ready, stops, or is alive.

Nothing happens outside a unit of systemd, which sets `NOTIFY_SOCKET` (see sd_notify(3)).
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


def notify(message: str) -> None:
    """Send a message, such as `READY=1`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # in the abstract namespace
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.connect(address)
        connection.sendall(message.encode())


def watchdog_interval() -> float | None:
    """Seconds between two reports of being alive, if the unit has `WatchdogSec=`. systemd takes
    them from the unit's main process alone.
    """
    microseconds = int(os.environ.get("WATCHDOG_USEC") or 0)
    return microseconds / 1_000_000 / 3 if microseconds else None


def report_alive() -> None:
    notify("WATCHDOG=1")


@asynccontextmanager
async def watchdog() -> AsyncIterator[None]:
    """Report during the block that the event loop runs, if the unit has `WatchdogSec=`."""
    interval = watchdog_interval()
    if interval is None:
        yield
        return
    task = asyncio.create_task(_report(interval))
    try:
        yield
    finally:
        task.cancel()
        notify("STOPPING=1")


async def _report(interval: float) -> None:
    while True:
        report_alive()
        await asyncio.sleep(interval)
