"""`SessionRegistry`: in one process, and shared over Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from sidepro.adapters.in_process.session_registry import CACHE_TTL, InProcessSessionRegistry
from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.session_registry import RedisSessionRegistry
from sidepro.domain.accounts.ports import AccountReader, SessionRegistry
from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.catalogue.catalogue import Catalogue
from tests import factories
from tests.contracts.adapters import Adapters
from tests.fakes.store import MemoryStore
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

AnotherProcess = Callable[[], SessionRegistry]


@pytest.fixture
def store(catalogue: Catalogue) -> MemoryStore:
    """In memory: the reader behind a registry has contract tests of its own."""
    return MemoryStore(catalogue)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def processes(
    request: pytest.FixtureRequest, adapters: Adapters
) -> AsyncIterator[AnotherProcess]:
    """Returns the registry of another process."""

    def own() -> InProcessSessionRegistry:
        return InProcessSessionRegistry(adapters.accounts, factories.SetClock())

    if request.param == "memory":
        yield own
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with AsyncExitStack() as stack:

        def another() -> SessionRegistry:
            redis = RedisClient(server.url)
            stack.push_async_callback(redis.close)
            return RedisSessionRegistry(redis, own())

        yield another


@pytest.fixture
async def session(adapters: Adapters) -> Session:
    user = factories.user()
    session = factories.session(user.id)
    await adapters.add(user, session)
    return session


async def end(adapters: Adapters, session: Session, registry: SessionRegistry) -> None:
    async with adapters.unit_of_work() as work:
        assert await work.sessions.end(session.id, session.user_id)
        await work.commit()
    await registry.revoke([session.id])


async def test_a_session_is_active_until_this_process_revokes_it(
    adapters: Adapters, session: Session, processes: AnotherProcess
) -> None:
    registry = processes()
    assert await registry.is_active(session.id)
    assert await registry.active_among([session.id]) == {session.id}
    await end(adapters, session, registry)
    assert not await registry.is_active(session.id)
    assert await registry.active_among([session.id]) == frozenset()


async def test_an_unknown_session_is_not_active(processes: AnotherProcess) -> None:
    assert not await processes().is_active(factories.session(factories.user().id).id)


async def test_revoking_one_session_keeps_others_active(
    adapters: Adapters, session: Session, processes: AnotherProcess
) -> None:
    registry, other = processes(), factories.session(session.user_id)
    await adapters.add(other)
    assert await registry.is_active(session.id)
    await end(adapters, other, registry)
    assert await registry.is_active(session.id)


async def test_a_session_revoked_by_another_process_is_refused_within_a_second(
    adapters: Adapters, session: Session, processes: AnotherProcess
) -> None:
    here, there = processes(), processes()
    assert await here.is_active(session.id)
    await end(adapters, session, there)
    deadline = time.monotonic() + CACHE_TTL + 0.5
    while await here.is_active(session.id):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_wait_for_revocation_returns_after_a_revocation(
    adapters: Adapters, session: Session, processes: AnotherProcess
) -> None:
    registry = processes()
    waiting = asyncio.create_task(registry.wait_for_revocation())
    await asyncio.sleep(0)
    await end(adapters, session, registry)
    await asyncio.wait_for(waiting, 5)


# --------------------------------------------------------------------------------- Redis alone


async def test_with_redis_a_session_revoked_by_another_process_is_refused_at_once(
    adapters: Adapters, session: Session, redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        here, there = [_registry(redis_server, adapters.accounts, stack) for _ in range(2)]
        assert await here.is_active(session.id)
        await end(adapters, session, there)
        assert not await here.is_active(session.id)


def _registry(
    server: RedisServer, reader: AccountReader, stack: AsyncExitStack
) -> RedisSessionRegistry:
    redis = RedisClient(server.url)
    stack.push_async_callback(redis.close)
    return RedisSessionRegistry(redis, InProcessSessionRegistry(reader, factories.SetClock()))


async def test_during_a_redis_outage_revocations_are_noticed_within_a_second(
    adapters: Adapters, own_redis: RedisServer
) -> None:
    user: User = factories.user()
    session = factories.session(user.id)
    await adapters.add(user, session)
    async with AsyncExitStack() as stack:
        here, there = [_registry(own_redis, adapters.accounts, stack) for _ in range(2)]
        assert await here.is_active(session.id)
        own_redis.stop()
        await end(adapters, session, there)
        deadline = time.monotonic() + CACHE_TTL + 0.5
        while await here.is_active(session.id):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
