"""`run_idempotent`: a use case takes effect at most once per key."""

import pytest

from sidepro.domain.errors import IdempotencyKeyReused
from sidepro.domain.idempotency import (
    IdempotencyKey,
    IdempotentRequest,
    ReplayResponse,
    check_replay,
    run_idempotent,
)
from sidepro.domain.identity import Caller
from tests import factories
from tests.domain.services import Services, awaited
from tests.factories import NOW
from tests.fakes.store import MemoryUnitOfWork


def request(caller: Caller, content: bytes = b"c") -> IdempotentRequest[str]:
    return IdempotentRequest(IdempotencyKey(caller.id, "POST /x", "key"), content, str.encode)


async def add_project(work: MemoryUnitOfWork, caller: Caller) -> str:
    await work.projects.add(factories.project(caller.id))
    return "the outcome"


@awaited
async def test_without_a_key_every_call_takes_effect(services: Services) -> None:
    caller = await services.person()
    for _ in range(2):
        outcome = await run_idempotent(
            services.store.unit_of_work, None, NOW, lambda work: add_project(work, caller)
        )
        assert outcome == "the outcome"
    assert len(services.store.state.projects) == 2
    await check_replay(services.store.unit_of_work, None, NOW)


@awaited
async def test_with_a_key_the_second_call_replays_the_first(services: Services) -> None:
    caller = await services.person()
    await check_replay(services.store.unit_of_work, request(caller), NOW)
    await run_idempotent(
        services.store.unit_of_work, request(caller), NOW, lambda work: add_project(work, caller)
    )
    with pytest.raises(ReplayResponse) as caught:
        await run_idempotent(
            services.store.unit_of_work,
            request(caller),
            NOW,
            lambda work: add_project(work, caller),
        )
    assert caught.value.response == b"the outcome"
    assert len(services.store.state.projects) == 1
    with pytest.raises(ReplayResponse):
        await check_replay(services.store.unit_of_work, request(caller), NOW)
    with pytest.raises(IdempotencyKeyReused):
        await check_replay(services.store.unit_of_work, request(caller, b"other"), NOW)


@awaited
async def test_a_failed_call_stores_nothing_and_leaves_the_key_free(services: Services) -> None:
    caller = await services.person()

    async def fail(work: MemoryUnitOfWork) -> str:
        await add_project(work, caller)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await run_idempotent(services.store.unit_of_work, request(caller), NOW, fail)
    assert not services.store.state.projects
    await check_replay(services.store.unit_of_work, request(caller), NOW)
