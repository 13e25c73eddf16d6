"""Many concurrent clients on a few projects: counters equal their rows, no edit is lost."""

from __future__ import annotations

import asyncio
import os
import resource
from collections import Counter
from contextlib import AsyncExitStack
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, http_client
from tests.cluster import on_server, shared_settings, two_servers
from tests.servers import SideProServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.anyio

VIEWS, BOOKMARKS, COMMENTS, EDITS = 600, 200, 200, 100
PROJECTS, PEOPLE = 5, 40
CONNECTIONS = 50
"""Connections of one client."""

MEMORY = "/dev/shm"
"""A file system without a disk. On a busy disk a view is rightly not counted: a page waits for its
count for less than a second.
"""

AT_ONCE = 50
"""Calls under way. A busy machine serves thirty a second: the last of 200 would wait longer than a
call may wait for the database, and get 503.
"""

FILES = 2_048
"""Open files that a process needs: a connection for each call, at both ends."""


@pytest.fixture(scope="module")
def files() -> Iterator[None]:
    """Raises the limit of open files, also for the servers that are started."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] != resource.RLIM_INFINITY and before[0] < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(
    params=["one process", pytest.param("two processes", marks=pytest.mark.servers)],
    scope="module",
)
def servers(
    files: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[SideProServer]]:
    """One process on SQLite, or two on PostgreSQL."""
    folder: Path = tmp_path_factory.mktemp("crowd")
    if request.param == "one process":
        with (
            TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else folder) as data,
            SideProServer({"SIDEPRO_DATA_DIR": data}) as server,
        ):
            yield [server]
        return
    databases, redis = map(request.getfixturevalue, ("postgresql_databases", "redis_server"))
    with shared_settings(databases, redis, folder) as settings, two_servers(settings) as running:
        yield running


async def test_a_thousand_calls_of_a_crowd_are_counted_and_each_edit_is_stored(
    servers: list[SideProServer],
) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def send(
        n: int, person: Client, method: str, path: str, body: dict[str, str] | None
    ) -> int:
        async with places:
            client = on_server(person, clients[n // CONNECTIONS])
            return (await client.request(method, path, body)).status_code

    requests = VIEWS + BOOKMARKS + COMMENTS + EDITS
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []
        for n in range(requests // CONNECTIONS):
            url = servers[n % len(servers)].url
            # The server may close an idle connection just before a busy client uses it.
            client = http_client(url, seconds=60, keep_alive=0)
            clients.append(await stack.enter_async_context(client))
        author, *people = [await Client.sign_up(clients[0]) for _ in range(1 + PEOPLE)]
        new = {"title": "t", "summary": "s", "content": "c", "skills": ["Python"]}
        published = [await author.call("POST", "/projects", new) for _ in range(PROJECTS)]
        paths = [f"/projects/{project['id']}" for project in published]

        work: list[tuple[Client, str, str, dict[str, str] | None]] = [
            *((author, "GET", paths[n % PROJECTS], None) for n in range(VIEWS)),
            *(
                (people[n % PEOPLE], "PUT", f"{paths[n // PEOPLE]}/bookmark", None)
                for n in range(BOOKMARKS)
            ),
            *(
                (people[n % 7], "POST", f"{paths[n % PROJECTS]}/comments", {"body": f"{n}"})
                for n in range(COMMENTS)
            ),
            *((author, "PATCH", paths[n % PROJECTS], {"title": f"{n}"}) for n in range(EDITS)),
        ]
        Random(1).shuffle(work)
        statuses = await asyncio.gather(*(send(n, *call) for n, call in enumerate(work)))

        assert Counter(statuses) == {
            200: VIEWS + BOOKMARKS + EDITS,
            201: COMMENTS,
        }
        for number, path in enumerate(paths):
            project = await author.call("GET", path)
            assert project["view_count"] == VIEWS // PROJECTS + 1
            comments = await author.call("GET", f"{path}/comments?limit=100&total=true")
            assert project["comment_count"] == comments["total"] == COMMENTS // PROJECTS
            said = {int(comment["body"]) for comment in comments["items"]}
            assert said == set(range(number, COMMENTS, PROJECTS))
            assert project["bookmark_count"] == PEOPLE
            assert int(project["title"]) % PROJECTS == number
            # Each edit made one revision.
            answer = await author.request("HEAD", path)
            assert answer.headers["ETag"] == f'"{1 + EDITS // PROJECTS}"'
        for person in people:
            marked = await person.call("GET", f"/users/{person.id}/bookmarks?total=true")
            assert marked["total"] == len(marked["items"]) == PROJECTS
