"""Ways to a list, and the sample that tells the shortest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.adapters.sql.search import access_paths as searching
from sidepro.adapters.sql.search.access_paths import (
    AccessPath,
    AccessPathPlanner,
    FilterSpec,
)
from sidepro.domain.errors import Unavailable
from tests import factories
from tests.statement_log import statements

if TYPE_CHECKING:
    from tests.contracts.world import World

pytestmark = [
    pytest.mark.anyio,
    # Memory looks at everything.
    pytest.mark.parametrize(
        "store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
    ),
]

COMMON = FilterSpec("카페", (), every=False)


async def ways(world: World) -> AccessPathPlanner:
    author = factories.user()
    await world.store(author)
    await world.store(*(factories.project(author.id, title="카페") for _ in range(40)))
    assert world.database
    return AccessPathPlanner(world.database)


async def test_a_sample_that_could_not_be_taken_is_taken_at_the_next_search(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_lists = await ways(world)

    async def away(*_: Any) -> Any:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(world.database, "fetch", away)
        with pytest.raises(Unavailable):
            await to_lists.shortest(COMMON, 7)
    assert (await to_lists.shortest(COMMON, 7)).path is AccessPath.SCAN


async def test_searches_at_once_share_the_first_sample(world: World) -> None:
    to_lists = await ways(world)
    with statements(world.database) as asked:
        choices = await asyncio.gather(*(to_lists.shortest(COMMON, 7) for _ in range(9)))
    assert {choice.path for choice in choices} == {AccessPath.SCAN}
    assert len(asked) == 2, asked


async def test_searches_go_by_the_old_sample_while_another_one_is_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SAMPLE_TTL", 0.0)
    to_lists = await ways(world)
    await to_lists.shortest(COMMON, 7)
    may_go_on = asyncio.Event()
    begun: list[Any] = []

    async def slow(*asked: Any) -> Any:
        begun.append(asked)
        await may_go_on.wait()
        raise Unavailable

    monkeypatch.setattr(world.database, "fetch", slow)
    async with asyncio.timeout(5):
        choices = [await to_lists.shortest(COMMON, 7) for _ in range(3)]
        await asyncio.sleep(0)
        choices += [await to_lists.shortest(COMMON, 7) for _ in range(3)]
        assert len(begun) == 1
        may_go_on.set()
        await asyncio.sleep(0.01)
        choices.append(await to_lists.shortest(COMMON, 7))
    assert {choice.path for choice in choices} == {AccessPath.SCAN}
