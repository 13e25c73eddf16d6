"""One server for each kind of database, and people enough for a room of its own for each test."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from tests.clients import Person, visiting
from tests.cluster import shared_settings, two_servers
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.databases import Databases
    from tests.servers import RedisServer

PEOPLE = 14
"""They make 91 rooms. Signing up costs more than anything else here."""


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
    """Two that serve one PostgreSQL, with Redis between them."""
    folder = tmp_path_factory.mktemp("processes")
    with (
        shared_settings(postgresql_databases, redis_server, folder) as settings,
        two_servers(settings) as running,
    ):
        yield running


@pytest.fixture(scope="session")
async def people(server: SideProServer, anyio_backend: str) -> AsyncIterator[list[Person]]:
    async with visiting(server.url) as http:
        yield await asyncio.gather(*(Person.join(http) for _ in range(PEOPLE)))


@pytest.fixture(scope="session")
def pairs(people: list[Person]) -> Iterator[tuple[Person, Person]]:
    """Pairs of people who have no room yet."""
    return itertools.combinations(people, 2)


@pytest.fixture
async def pair(pairs: Iterator[tuple[Person, Person]]) -> tuple[Person, Person]:
    return next(pairs)


@pytest.fixture
def one(pair: tuple[Person, Person]) -> Person:
    """One of the two of this test's room."""
    return pair[0]


@pytest.fixture
def other(pair: tuple[Person, Person]) -> Person:
    return pair[1]


@pytest.fixture
def stranger(people: list[Person], pair: tuple[Person, Person]) -> Person:
    return next(person for person in people if person not in pair)


@pytest.fixture
async def room_id(one: Person, other: Person) -> str:
    """A fresh room of `one` and `other`."""
    return await one.room_with(other)
