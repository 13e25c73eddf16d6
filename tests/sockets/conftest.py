"""A running server and clients with a fresh room for each test."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, http_client
from tests.cluster import shared_settings, two_servers
from tests.servers import SideProServer
from tests.sockets.hub_chat import Chat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.databases import Databases
    from tests.servers import RedisServer

CLIENTS = 18
"""They make 153 pairs, each with a room. Signing up is the expensive part."""


@pytest.fixture(scope="session")
def server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SideProServer]:
    folder = tmp_path_factory.mktemp("sockets")
    with databases.settings(folder) as settings, SideProServer(settings) as running:
        yield running


@pytest.fixture(scope="session")
def processes(
    postgresql_databases: Databases,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[SideProServer]]:
    """Two servers on one PostgreSQL and one Redis."""
    folder = tmp_path_factory.mktemp("processes")
    with (
        shared_settings(postgresql_databases, redis_server, folder) as settings,
        two_servers(settings) as running,
    ):
        yield running


@pytest.fixture(scope="session")
async def clients(server: SideProServer, anyio_backend: str) -> AsyncIterator[list[Client]]:
    async with http_client(server.url) as http:
        yield await asyncio.gather(*(Client.sign_up(http) for _ in range(CLIENTS)))


@pytest.fixture(scope="session")
def pairs(clients: list[Client]) -> Iterator[tuple[Client, Client]]:
    """Pairs of clients without a room."""
    return itertools.combinations(clients, 2)


@pytest.fixture
async def pair(pairs: Iterator[tuple[Client, Client]]) -> tuple[Client, Client]:
    return next(pairs)


@pytest.fixture
def one(pair: tuple[Client, Client]) -> Client:
    """One participant of this test's room."""
    return pair[0]


@pytest.fixture
def other(pair: tuple[Client, Client]) -> Client:
    """The other participant."""
    return pair[1]


@pytest.fixture
def stranger(clients: list[Client], pair: tuple[Client, Client]) -> Client:
    """A client that is no participant of this test's room."""
    return next(client for client in clients if client not in pair)


@pytest.fixture
async def room_id(one: Client, other: Client) -> str:
    """A fresh room of `one` and `other`."""
    return await one.open_room_with(other)


@pytest.fixture
async def chat() -> Chat:
    """A room over unreliable adapters, for the tests of the hub."""
    return await Chat.create()
