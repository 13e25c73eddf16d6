"""Clients that call and chat during a fault, and what holds of every fault.

Nothing acknowledged is lost or repeated, nobody waits longer than ten seconds, everything heals
without a restart, and processes are near idle meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Self, TypeVar

import pytest

from tests.clients import TIMEOUT, eventually, http_client
from tests.cluster import on_server
from tests.faults.load import KINDS, Load
from tests.faults.processor import NEAR_IDLE, share_used
from tests.faults.reconnecting_clients import Member, chatting_members, check, finish

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Collection
    from contextlib import AbstractContextManager

    import httpx

    from tests.servers import SideProServer

Entered = TypeVar("Entered")

only_in_full = pytest.mark.skipif(
    os.environ.get("TEST_FAULTS") != "all", reason="another test has its short form"
)
"""Marks what `./just ci-full` runs in addition."""

NOBODY_WAITS_LONGER = 10.0
HEALS_WITHIN = 10.0
"""Seconds from the end of a fault until every kind of work goes on, on a busy machine."""

RETRYABLE = {1001, 1006, 1011, 1012, 1013}
"""Codes of closed sockets after which clients reconnect."""

PEOPLE = 3
"""People who chat with each other: six sockets in three rooms."""


class Work:
    """Clients at work at one or several servers."""

    def __init__(self, visits: list[httpx.AsyncClient], load: Load, members: list[Member]) -> None:
        self.visits, self.load, self.members = visits, load, members

    async def is_told(self, number: int = 3) -> None:
        """Wait until the servers have acknowledged so many more writes of each kind."""
        await self.load.until_each_was_told(number)

    async def is_refused(self, number: int = 4) -> None:
        """Wait until so many more answers were 503."""
        before = self.load.statuses[503]
        await eventually(lambda: self.load.statuses[503] - before >= number, 3 * TIMEOUT)

    async def share_without_load(self, *servers: SideProServer) -> float:
        """CPU seconds in a second during the fault, of the server that uses most; near none."""
        await self.pause()
        share = await share_used(*servers)
        assert share < NEAR_IDLE
        self.go_on()
        return share

    async def pause(self) -> None:
        """Let all clients finish what they do."""
        await self.load.stop()
        self._let_say(says=False)

    def go_on(self) -> None:
        """Let all clients work again."""
        self.load.start()
        self._let_say(says=True)

    async def heals(self, within: float = HEALS_WITHIN) -> float:
        """Seconds until all servers are well and each kind of write is acknowledged again."""
        began = time.monotonic()
        before = self.load.told.copy()

        async def is_healed() -> bool:
            return await self._are_well() and all(
                self.load.told[kind] > before[kind] for kind in KINDS
            )

        await eventually(is_healed, within)
        return time.monotonic() - began

    async def _are_well(self) -> bool:
        answers = [await http.get("/health/ready") for http in self.visits]
        return all(answer.json()["status"] == "ok" for answer in answers)

    def _let_say(self, *, says: bool) -> None:
        for member in self.members:
            member.says = says

    @asynccontextmanager
    async def under_way(self, statuses: Collection[int] = (200, 201, 503)) -> AsyncIterator[Self]:
        """All clients work during the block. Fails if an answer had another status, or if anything
        was lost or anybody waited for too long.
        """
        self.load.statuses.clear()
        self.load.longest_wait = 0
        told = self.load.told.total()
        for member in self.members:
            member.drops = 0
            member.codes.clear()
        self._let_say(says=True)
        parts = [asyncio.create_task(member.take_part()) for member in self.members]
        try:
            self.load.start()
            await eventually(lambda: all(one.acknowledged for one in self.members), 3 * TIMEOUT)
            await self.is_told()
            yield self
            await self.load.stop()
            await finish(self.members)
        finally:
            self.load.cancel()
            for part in parts:
                part.cancel()
            results = await asyncio.gather(*parts, return_exceptions=True)
        assert [r for r in results if not isinstance(r, asyncio.CancelledError)] == []
        print(
            f"{dict(self.load.statuses)}, {self.load.told.total() - told} acknowledged,"
            f" longest wait {self.load.longest_wait:.1f} s"
        )
        await self._check(statuses)

    async def _check(self, statuses: Collection[int]) -> None:
        """Compare what clients were told with what is stored."""
        assert set(self.load.statuses) <= set(statuses), self.load.statuses
        assert self.load.longest_wait < NOBODY_WAITS_LONGER
        await self.load.check()
        for member in self.members:
            await check(member)
            assert set(member.codes) <= RETRYABLE, member.codes


@asynccontextmanager
async def clients(
    *urls: str, trust: ssl.SSLContext | None = None, people: int = PEOPLE
) -> AsyncIterator[Work]:
    """Clients that call the first server, and chat over the first and the last one."""
    async with AsyncExitStack() as stack:
        visits = [
            await stack.enter_async_context(http_client(url, seconds=60, trust=trust))
            for url in urls
        ]
        load = await Load.begin(visits[0])
        load.pause = 0.1  # up to a hundred calls a second
        load.goes_on = True
        members = await chatting_members(visits[0], trust, people, pause=0.2)
        for member in members[1::2]:
            member.person = on_server(member.person, visits[-1])
        yield Work(visits, load, members)


@asynccontextmanager
async def at_work(
    *urls: str,
    statuses: Collection[int] = (200, 201, 503),
    trust: ssl.SSLContext | None = None,
    people: int = PEOPLE,
) -> AsyncIterator[Work]:
    """New clients at work. See `Work.under_way`."""
    async with clients(*urls, trust=trust, people=people) as work, work.under_way(statuses):
        yield work


@asynccontextmanager
async def in_thread(context: AbstractContextManager[Entered]) -> AsyncIterator[Entered]:
    """Enters and leaves the context, such as a fault, while the event loop goes on."""
    entered = await asyncio.to_thread(context.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
