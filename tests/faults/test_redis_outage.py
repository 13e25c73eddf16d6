"""A Redis outage: everything works, and log-ins have a stricter limit."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.clients import Client, eventually, http_client
from tests.databases import settings_of
from tests.servers import RedisServer, SideProServer

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

HEALS_WITHIN = 5.0
ALONE = 5
"""Log-ins from one address in a minute that a process allows without Redis."""


async def health(http: httpx.AsyncClient) -> tuple[int, str, str]:
    answer = await http.get("/health/ready")
    return answer.status_code, answer.json()["status"], answer.json()["parts"]["redis"]["state"]


async def log_ins_until_refused(http: httpx.AsyncClient) -> int:
    for count in range(20):
        body = {"email": "nobody@example.com", "password": "wrong"}
        answer = await http.post("/api/v1/sessions", json=body)
        if answer.status_code == 429:
            return count
        assert answer.status_code == 401
    return 20


async def test_the_api_works_during_a_redis_outage_and_recovers(
    tmp_path: Path, own_redis: RedisServer
) -> None:
    settings = settings_of(f"sqlite:///{tmp_path}/test.sqlite3", tmp_path)
    settings |= {"SIDEPRO_REDIS_URL": own_redis.url, "SIDEPRO_RATE_LIMITS": "on"}
    with SideProServer(settings) as server:
        async with http_client(server.url) as http:
            person = await Client.sign_up(http)
            assert await health(http) == (200, "ok", "ok")
            with own_redis.client() as client:
                assert client.keys("limit:*")

            await asyncio.to_thread(own_redis.stop)
            asked = time.monotonic()
            for path in ("/projects", "/me", "/rooms", "/recommendations"):
                answer = await http.get(f"/api/v1{path}", headers=person.headers)
                assert answer.status_code == 200
            waited = time.monotonic() - asked
            print(f"four pages in {waited:.1f} s")
            assert waited < 3
            assert await health(http) == (200, "degraded", "unavailable")
            assert await log_ins_until_refused(http) == ALONE

            await asyncio.to_thread(own_redis.resume)
            began = time.monotonic()

            async def is_well() -> bool:
                return await health(http) == (200, "ok", "ok")

            await eventually(is_well, HEALS_WITHIN)

            async def counts_together() -> bool:
                await http.get("/api/v1/catalogue")
                with own_redis.client() as client:
                    return bool(client.keys("limit:default:*"))

            await eventually(counts_together, HEALS_WITHIN)
            print(f"healed in {time.monotonic() - began:.1f} s")
        assert "Traceback" not in server.log()
        assert server.log().count("redis_down") == 1
        assert server.log().count("redis_restored") == 1
