"""Clients at work behind nginx while servers go and come: nothing may fail or get lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.clients import TIMEOUT, eventually, http_client
from tests.faults.load import Load
from tests.faults.reconnecting_clients import Member, chatting_members, check, finish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.nginx import Nginx

GOING_AWAY = {1001, 1012}


@asynccontextmanager
async def nothing_fails(nginx: Nginx) -> AsyncIterator[tuple[Load, list[Member]]]:
    """Clients call and chat meanwhile. Then every call was answered well, and everybody got every
    message once.
    """
    async with http_client(nginx.url, trust=nginx.trust) as http:
        load = await Load.begin(http)
        members = await chatting_members(http, nginx.trust)
        parts = [asyncio.create_task(member.take_part()) for member in members]
        try:
            await eventually(lambda: all(one.acknowledged for one in members), 3 * TIMEOUT)
            load.start()
            yield load, members
            await load.stop()
            await finish(members)
        finally:
            for part in parts:
                part.cancel()
            results = await asyncio.gather(*parts, return_exceptions=True)
        assert [r for r in results if not isinstance(r, asyncio.CancelledError)] == []
        assert load.untold.total() == 0
        assert set(load.statuses) <= {200, 201}, load.statuses
        await load.check()
        for member in members:
            await check(member)
            assert set(member.codes) <= GOING_AWAY, member.codes
    assert '"status":5' not in nginx.requests()
