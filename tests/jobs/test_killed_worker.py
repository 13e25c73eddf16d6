"""A worker killed during a run: readers see the whole old or the whole new result."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from taskiq.kicker import AsyncKicker

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.neighbour_store import RedisNeighbourStore
from sidepro.adapters.redis.sentinel import build_pool
from sidepro.domain.ids import UserId
from sidepro.jobs import broker as brokers
from sidepro.jobs import tasks
from tests.clients import TIMEOUT, eventually
from tests.cluster import shared_settings
from tests.servers import settings as environment
from tests.servers import sidepro_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime
    from pathlib import Path

    from tests.clients import Json
    from tests.databases import Databases
    from tests.servers import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.servers, pytest.mark.slow]

KILLS = int(os.environ.get("TEST_KILLS", "6"))
PEOPLE = 3_000
HALF = 60
"""Number of skills in each of two states, between which all profiles alternate."""

MOST = 50
"""Maximum number of neighbours; every user here has more similar ones."""

PEOPLE_WHO_HAVE_PUBLISHED = f"""
INSERT INTO users (id, email, email_key, username, username_key, password_hash, is_admin,
        is_active, created_at)
    SELECT gen_random_uuid(), n, n, n, n, '', false, true, now()
    FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO profiles (user_id, bio, updated_at) SELECT id, '', now() FROM users;
INSERT INTO projects (id, author_id, title, summary, search_text, content, content_html,
        revision, created_at, updated_at)
    SELECT gen_random_uuid(), id, '', '', '', '', '', 1, now(), now() FROM users;
"""


def skills_in(state: int) -> str:
    """Give every user seven skills of a state."""
    return f"""
    INSERT INTO profile_skills
        SELECT DISTINCT id, (SELECT min(id) FROM skills) + {HALF * state}
            + abs(hashint8(username::int8 * 1000 + which)) % {HALF}
        FROM users, generate_series(1, 7) AS which
    """


LOCK_HOLDERS = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass
class Workers:
    """Starts one `sidepro worker` at a time."""

    settings: Json
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000)))

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A ready worker, killed at the end of the block."""
        log = self.folder / f"worker-{next(self.numbers)}.log"
        worker = sidepro_process.start(
            ["worker"], environment=environment(self.settings), folder=self.folder, out=log
        )
        try:
            await eventually(lambda: "Ctrl-C stops" in log.read_text(), 3 * TIMEOUT)
            yield
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()


@dataclass
class Readers:
    """Reads all neighbours repeatedly and checks that each result is complete."""

    store: RedisNeighbourStore
    people: list[UserId]
    names: tuple[frozenset[str], frozenset[str]]
    state_of: dict[datetime, int] = field(default_factory=dict)
    last: datetime | None = None
    readings: int = 0
    is_enough: bool = False

    async def read_until_it_is_enough(self) -> None:
        while not self.is_enough:
            await self.read()
            await asyncio.sleep(0.002)

    async def read(self) -> int:
        """The state that a result was computed from."""
        before = self.last  # another reading may end during this one
        found = await self.store.of(random.choice(self.people))
        assert found.computed_at is not None
        assert len(found.neighbours) == MOST, "an empty or partial result"
        shared = {skill for near in found.neighbours for skill in near.shared_skills}
        [state] = [n for n in (0, 1) if shared <= self.names[n]]
        assert self.state_of.setdefault(found.computed_at, state) == state, "a mix of two results"
        assert before is None or found.computed_at >= before, "an old result again"
        self.last = max(self.last or found.computed_at, found.computed_at)
        self.readings += 1
        return state


@pytest.fixture
def settings(
    postgresql_databases: Databases, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Json]:
    with redis_server.client() as client:
        client.flushall()
    with shared_settings(postgresql_databases, redis_server, tmp_path) as found:
        with psycopg.connect(found["SIDEPRO_DATABASE_URL"]) as connection:
            connection.execute(PEOPLE_WHO_HAVE_PUBLISHED)
        yield found


@pytest.fixture
def workers(settings: Json, tmp_path: Path) -> Workers:
    return Workers(settings, tmp_path)


@pytest.mark.timeout(400)
async def test_killing_the_worker_never_shows_an_empty_or_mixed_result(
    settings: Json, workers: Workers
) -> None:
    url = settings["SIDEPRO_REDIS_URL"]
    redis, broker = RedisClient(url), brokers.redis_stream(url, build_pool)
    database = await psycopg.AsyncConnection.connect(
        settings["SIDEPRO_DATABASE_URL"], autocommit=True
    )
    store = RedisNeighbourStore(redis)
    reading: asyncio.Task[None] | None = None

    async def rows(statement: str) -> list[tuple[object, ...]]:
        return list(await (await database.execute(statement.encode())).fetchall())

    async def put_into(state: int) -> None:
        async with database.transaction():
            await database.execute("DELETE FROM profile_skills")
            await database.execute(skills_in(state).encode())

    async def tick() -> None:
        kicker: AsyncKicker[[float], None] = AsyncKicker(tasks.SIMILARITY_TICK, broker, {})
        await kicker.kiq(time.time())

    async def has_begun() -> bool:
        return await rows(LOCK_HOLDERS) == [(1,)]

    try:
        await put_into(0)
        async with workers.one():
            await tick()
            await eventually(lambda: is_there(store), 3 * TIMEOUT)
        run = await store.last_run()
        assert run is not None
        assert run.people == PEOPLE
        names = [str(name) for (name,) in await rows("SELECT name FROM skills ORDER BY id")]
        readers = Readers(
            store,
            [UserId(UUID(str(one))) for (one,) in await rows("SELECT id FROM users")],
            (frozenset(names[:HALF]), frozenset(names[HALF : 2 * HALF])),
        )
        reading = asyncio.create_task(readers.read_until_it_is_enough())
        in_mid_run = 0
        for number in range(1, KILLS + 1):
            await put_into(number % 2)
            async with workers.one():
                await tick()
                if number % 4 in (0, 1):  # for both states
                    await until_result_changes(redis)
                else:
                    await eventually(has_begun, 3 * TIMEOUT)
                    await asyncio.sleep(random.uniform(0, run.seconds))
                in_mid_run += await has_begun()
            assert not reading.done(), reading.result()
        assert in_mid_run > KILLS / 10, "too few kills during a run"

        # The next tick completes what the killed workers have not.
        state = 1 - await readers.read()
        await put_into(state)

        async def is_new() -> bool:
            await tick()
            await asyncio.sleep(0.1)
            return await readers.read() == state

        async with workers.one():
            await eventually(is_new, 3 * TIMEOUT)
        assert not reading.done(), reading.result()
        assert readers.readings > 10 * KILLS
        readers.is_enough = True
        await reading
        print(f"{in_mid_run} of {KILLS} in mid-run, {readers.readings} readings, {run}")
    finally:
        if reading is not None:
            reading.cancel()
        await database.close()
        await broker.shutdown()
        await redis.close()


async def is_there(store: RedisNeighbourStore) -> bool:
    return await store.last_run() is not None


async def until_result_changes(redis: RedisClient) -> None:
    """Wait for a change in Redis: a new block, or the same result with a new time."""

    async def stored() -> tuple[object, ...]:
        keys = await redis.redis.keys("similarity:*:people:*")
        return sorted(keys), await redis.redis.hgetall("similarity:run")

    async def has_changed() -> bool:
        return await stored() != before

    before = await stored()
    await eventually(has_changed, 3 * TIMEOUT)
