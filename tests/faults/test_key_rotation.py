"""Rotating the secret key while two processes serve: `old,new`, then `new,old`, then `new`."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.clients import Client, eventually, http_client
from tests.cluster import http_clients, on_server, shared_settings, two_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer, SideProServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

OLD, NEW = "the-old-secret-key-of-32-characters", "the-new-secret-key-of-32-characters"
LIFETIME = 6.0
"""Seconds of an access token."""


@pytest.fixture
def servers(
    postgresql_databases: Databases, redis_server: RedisServer, tmp_path: Path
) -> Iterator[list[SideProServer]]:
    with shared_settings(postgresql_databases, redis_server, tmp_path) as settings:
        keys = {"SIDEPRO_SECRET_KEY": OLD, "SIDEPRO_ACCESS_TOKEN_TTL": f"{LIFETIME:.0f}"}
        with two_servers({**settings, **keys}) as running:
            yield running


class Visitor:
    """Calls both processes in turn, and refreshes its token at two thirds of its life."""

    def __init__(self, client: Client, clients: list[httpx.AsyncClient]) -> None:
        self._client = client
        self._clients = clients
        self._tokens: Json = {}
        self.statuses: Counter[int] = Counter()
        self.refreshes = 0

    def has_refreshed(self, before: int) -> bool:
        """Whether it did so more often than this."""
        return self.refreshes > before

    async def visit(self) -> None:
        """Runs until it is cancelled."""
        account = {"email": self._client.email, "password": self._client.password}
        self._tokens = await self._client.call("POST", "/sessions", account)
        loop = asyncio.get_running_loop()
        refreshed = loop.time()
        for http in itertools.cycle(self._clients):
            token = {"Authorization": f"Bearer {self._tokens['access_token']}"}
            try:
                if loop.time() - refreshed > LIFETIME * 2 / 3:
                    body = {"refresh_token": self._tokens["refresh_token"]}
                    answer = await http.post("/api/v1/sessions/refresh", json=body)
                    self.statuses[answer.status_code] += 1
                    self._tokens, refreshed = answer.json(), loop.time()
                    self.refreshes += 1
                answer = await http.get("/api/v1/me", headers=token)
                self.statuses[answer.status_code] += 1
            except httpx.TransportError:
                pass  # this process restarts: a proxy would ask the other one
            await asyncio.sleep(0.02)


async def statuses_everywhere(client: Client, clients: list[httpx.AsyncClient]) -> Counter[int]:
    """Of a token of each process at each process."""
    statuses: Counter[int] = Counter()
    for http in clients:
        issued = on_server(client, http)
        await issued.log_in()
        for other in clients:
            answer = await on_server(issued, other).request("GET", "/me")
            statuses[answer.status_code] += 1
    return statuses


@pytest.mark.timeout(300)
async def test_a_rotation_of_the_key_refuses_no_valid_token(
    servers: list[SideProServer],
) -> None:
    async with http_clients(servers) as clients:
        client = await Client.sign_up(clients[0])
        first_token = client.token
        visitor = Visitor(client, clients)
        visiting = asyncio.create_task(visitor.visit())
        for keys in (f"{OLD},{NEW}", f"{NEW},{OLD}", NEW):
            if keys == NEW:
                await asyncio.sleep(LIFETIME)  # until the last token of the old key has expired
            for server in servers:
                await asyncio.to_thread(server.terminate)
                server.environment["SIDEPRO_SECRET_KEY"] = keys
                await asyncio.to_thread(server.start)
                visitor.statuses += await statuses_everywhere(client, clients)
            before = visitor.refreshes
            await eventually(partial(visitor.has_refreshed, before), 3 * LIFETIME)
        visiting.cancel()
        await asyncio.gather(visiting, return_exceptions=True)
    assert set(visitor.statuses) == {200}, visitor.statuses
    assert visitor.statuses[200] > 100
    async with http_client(servers[0].url) as http:
        client.http, client.token = http, first_token
        assert (await client.request("GET", "/me")).status_code == 401, "the old key is out of use"
