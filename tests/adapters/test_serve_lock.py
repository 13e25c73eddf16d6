"""Who may serve a database beside whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from sidepro.adapters.sql.engine import locks
from sidepro.adapters.sql.engine.database import Database
from sidepro.adapters.sql.engine.locks import AlreadyRunning, serve_lock
from tests.clients import TIMEOUT, eventually
from tests.servers import Postgres

_TAKEN_OVER = text(
    "SELECT pg_terminate_backend(pid), pg_advisory_lock(objid::bigint) FROM pg_locks "
    "WHERE locktype = 'advisory' AND granted AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())"
)

_LOOKING = text(
    "SELECT count(*) > 0 FROM pg_stat_activity "
    "WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
)

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


@asynccontextmanager
async def serving(url: str, *, shared: bool) -> AsyncIterator[None]:
    """Another process that serves."""
    database = Database(url)
    try:
        async with serve_lock(database, shared=shared):
            yield
    finally:
        await database.close()


async def test_those_with_redis_serve_beside_each_other_and_none_without(
    postgres: Postgres,
) -> None:
    with postgres.database() as url:
        async with AsyncExitStack() as several:
            for _ in range(3):
                await several.enter_async_context(serving(url, shared=True))
            with pytest.raises(AlreadyRunning):
                async with serving(url, shared=False):
                    pass
        async with serving(url, shared=False):
            for shared in (True, False):
                with pytest.raises(AlreadyRunning):
                    async with serving(url, shared=shared):
                        pass
        async with serving(url, shared=True):
            pass


async def test_who_lost_the_place_to_another_says_so_and_waits_for_it(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "CHECK_INTERVAL", 0.05)
    with postgres.database() as url, capture_logs() as logged:

        def events() -> list[str]:
            return [str(line["event"]) for line in logged]

        async with serving(url, shared=False):
            other = Database(url)
            async with other.reading() as connection:
                # Waits in the queue before the connection has ended: nobody comes between.
                await connection.execute(_TAKEN_OVER)
                await eventually(lambda: events() == ["serve_lock_lost"])
            await other.close()
            await eventually(lambda: events() == ["serve_lock_lost", "serve_lock_reacquired"])
            with pytest.raises(AlreadyRunning):
                async with serving(url, shared=False):
                    pass


async def test_serving_ends_though_it_is_just_looking_whether_the_place_is_still_its_own(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "CHECK_INTERVAL", 0)
    monkeypatch.setattr(locks, "_CHECK", select(func.pg_sleep(600)))
    with postgres.database() as url:
        watcher = Database(url)

        async def is_looking() -> bool:
            async with watcher.reading() as connection:
                return bool(await connection.scalar(_LOOKING))

        async with asyncio.timeout(TIMEOUT):
            async with serving(url, shared=False):
                await eventually(is_looking)
        await watcher.close()
