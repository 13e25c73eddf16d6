"""Two serving processes on one PostgreSQL and one Redis, and clients that use both."""

from __future__ import annotations

import copy
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from tests.clients import Client, http_client
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
    """Two processes with these settings, each on a port of its own."""
    servers = [SideProServer(settings, "--no-jobs") for _ in range(2)]
    with servers[0], servers[1]:
        yield servers


@asynccontextmanager
async def http_clients(servers: list[SideProServer]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client of each server."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(http_client(server.url)) for server in servers]


def on_server(client: Client, http: httpx.AsyncClient) -> Client:
    """The same user as a client of another server."""
    same = copy.copy(client)
    same.http = http
    return same
