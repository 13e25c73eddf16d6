"""Two serving processes on one PostgreSQL and one Redis, and people who use both."""

from __future__ import annotations

import copy
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from tests.clients import Person, visiting
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer


@contextmanager
def shared_settings(databases: Databases, redis: RedisServer, folder: Path) -> Iterator[Json]:
    """The settings of processes that share a new database and this Redis."""
    with databases.settings(folder) as settings:
        yield {**settings, "SIDEPRO_REDIS_URL": redis.url}


@contextmanager
def two_servers(settings: Json) -> Iterator[list[SideProServer]]:
    """Two processes with these settings, on ports of their own."""
    servers = [SideProServer(settings, "--no-jobs") for _ in range(2)]
    with servers[0], servers[1]:
        yield servers


@asynccontextmanager
async def visiting_all(servers: list[SideProServer]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client of each."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(visiting(one.url)) for one in servers]


def at(person: Person, http: httpx.AsyncClient) -> Person:
    """The same person as a client of another process."""
    same = copy.copy(person)
    same.http = http
    return same
