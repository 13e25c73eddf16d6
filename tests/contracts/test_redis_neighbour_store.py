"""`RedisNeighbourStore`: blocks, expiry and interrupted writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidepro.adapters.redis import neighbour_store as redis_neighbours
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.neighbour_store import RedisNeighbourStore
from sidepro.adapters.similarity import rows
from sidepro.domain.errors import Unavailable
from sidepro.domain.recommendations.ports import Neighbourhood
from tests.contracts.builders import after, nobody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from tests.servers import RedisServer
from tests.contracts.neighbour_data import alike, emptied, run_at

pytestmark = pytest.mark.anyio


@pytest.fixture
async def redis_client(redis_server: RedisServer) -> AsyncIterator[RedisClient]:
    await emptied(redis_server)
    redis_client = RedisClient(redis_server.url)
    yield redis_client
    await redis_client.close()


@pytest.mark.servers
async def test_a_result_has_many_blocks_and_replaces_the_old_ones(
    redis_client: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = sorted(nobody() for _ in range(redis_neighbours.ROWS + 10))
    first = alike(users, "Java", {users[-1]: [users[0], users[-2]], users[0]: [users[-1]]})
    second = alike(users, "Git", {users[-1]: [users[-3]]})
    store = RedisNeighbourStore(redis_client)
    assert await store.replace(first, run_at(after(1)))
    assert (await store.of(users[-1])).neighbours == first.of(users[-1])
    assert (await store.of(users[0])).neighbours == first.of(users[0])
    keys = set(await redis_client.redis.keys("similarity:*"))
    assert len(keys) == 5
    assert all([await redis_client.redis.ttl(key) == -1 for key in keys])

    assert await store.replace(second, run_at(after(2)))
    assert (await store.of(users[-1])).neighbours == second.of(users[-1])
    now = set(await redis_client.redis.keys("similarity:*"))
    assert len(now) == 5
    assert now & keys == {b"similarity:run"}

    assert not await store.replace(first, run_at(after(1)))
    assert set(await redis_client.redis.keys("similarity:*")) == now


@pytest.mark.servers
async def test_blocks_of_a_killed_process_expire(
    redis_client: RedisClient,
) -> None:
    users = [nobody(), nobody()]
    result = alike(users, "Java", {users[0]: [users[1]]})
    (written,) = rows.people(result, redis_neighbours.ROWS)
    await redis_neighbours._write(
        redis_client.redis, token="killed", kind="people", blocks=[(0, written)]
    )
    (key,) = await redis_client.redis.keys("similarity:*")
    assert 0 < await redis_client.redis.ttl(key) <= redis_neighbours.UNUSED_TTL


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["people", "groups"])
async def test_a_result_without_one_of_its_blocks_is_missing(
    redis_client: RedisClient, kind: str
) -> None:
    users = [nobody(), nobody()]
    store = RedisNeighbourStore(redis_client)
    result = alike(users, "Java", {users[0]: [users[1]]})
    await store.replace(result, run_at(after(1)))
    (key,) = await redis_client.redis.keys(f"similarity:*:{kind}:*")
    await redis_client.redis.set(key, await redis_client.redis.getrange(key, 0, -2))
    assert await store.latest() is None
    assert await store.of(max(users)) == Neighbourhood((), None)
    await redis_client.redis.delete(key)
    assert await store.latest() is None
    assert await store.of(users[0]) == Neighbourhood((), None)

    assert await store.replace(result, run_at(after(2)))
    assert await store.of(users[0]) == Neighbourhood(result.of(users[0]), after(2))


@pytest.mark.servers
async def test_a_repeated_switch_changes_nothing(
    redis_client: RedisClient,
) -> None:
    users = [nobody(), nobody()]
    store = RedisNeighbourStore(redis_client)
    result = alike(users, "Java", {users[0]: [users[1]]})
    await store.replace(result, run_at(after(1)))
    token = await redis_client.redis.hget("similarity:run", "token")
    assert isinstance(token, bytes)
    keys = await redis_client.redis.keys("similarity:*")
    assert await store._make_current(token.decode(), result, run_at(after(1))) == 1
    assert await redis_client.redis.keys("similarity:*") == keys
    assert await store.of(users[0]) == Neighbourhood(result.of(users[0]), after(1))


@pytest.mark.servers
async def test_an_interrupted_write_leaves_the_old_result(
    redis_client: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [nobody(), nobody()]
    store = RedisNeighbourStore(redis_client)
    old = alike(users, "Java", {users[0]: [users[1]]})
    await store.replace(old, run_at(after(1)))
    keys = await redis_client.redis.keys("similarity:*")
    write = redis_neighbours._write

    async def write_and_lose(redis: Redis, *, token: str, kind: str, **options: Any) -> None:
        await write(redis, token=token, kind=kind, **options)
        if kind == "groups":
            await redis.delete(f"similarity:{token}:people:0")

    monkeypatch.setattr(redis_neighbours, "_write", write_and_lose)
    with pytest.raises(Unavailable):
        await store.replace(alike(users, "Git", {}), run_at(after(2)))
    assert sorted(await redis_client.redis.keys("similarity:*")) == sorted(keys)
    assert await store.of(users[0]) == Neighbourhood(old.of(users[0]), after(1))


@pytest.mark.servers
async def test_an_equal_result_is_not_written_again(redis_client: RedisClient) -> None:
    users = [nobody(), nobody()]
    store = RedisNeighbourStore(redis_client)
    result, again = (alike(users, "Java", {users[0]: [users[1]]}) for _ in range(2))
    assert await store.replace(result, run_at(after(1)))
    keys = await redis_client.redis.keys("similarity:*")
    restarted = RedisNeighbourStore(redis_client)
    assert await restarted.replace(again, run_at(after(2)))
    assert sorted(await redis_client.redis.keys("similarity:*")) == sorted(keys)
    assert await store.of(users[0]) == Neighbourhood(result.of(users[0]), after(2))
    assert await store.last_run() == run_at(after(2))


@pytest.mark.servers
async def test_a_result_of_another_layout_is_missing_and_replaced(
    redis_client: RedisClient,
) -> None:
    users = [nobody(), nobody()]
    store = RedisNeighbourStore(redis_client)
    result = alike(users, "Java", {users[0]: [users[1]]})
    await store.replace(result, run_at(after(1)))
    await redis_client.redis.hset("similarity:run", "layout", "0:8:8")
    fresh = RedisNeighbourStore(redis_client)
    assert await fresh.latest() is None
    assert await fresh.of(users[0]) == Neighbourhood((), None)
    assert await fresh.replace(result, run_at(after(2)))
    assert await fresh.of(users[0]) == Neighbourhood(result.of(users[0]), after(2))
    assert len(await redis_client.redis.keys("similarity:*")) == 3
