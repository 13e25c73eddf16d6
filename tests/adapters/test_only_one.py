"""Who may serve a database beside whom."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from sidepro.adapters.sql.database import Database
from sidepro.adapters.sql.only_one import AlreadyServed, a_server
from tests.servers import Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.servers]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def serving(url: str, *, beside_others: bool) -> AsyncIterator[None]:
    """Another process that serves."""
    database = Database(url)
    try:
        async with a_server(database, beside_others=beside_others):
            yield
    finally:
        await database.close()


async def test_those_with_redis_serve_beside_each_other_and_none_without(
    postgres: Postgres,
) -> None:
    with postgres.database() as url:
        async with AsyncExitStack() as several:
            for _ in range(3):
                await several.enter_async_context(serving(url, beside_others=True))
            with pytest.raises(AlreadyServed):
                async with serving(url, beside_others=False):
                    pass
        async with serving(url, beside_others=False):
            for beside_others in (True, False):
                with pytest.raises(AlreadyServed):
                    async with serving(url, beside_others=beside_others):
                        pass
        async with serving(url, beside_others=True):
            pass
