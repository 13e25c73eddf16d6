"""The planner of access paths, and its sample."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.adapters.sql.search import selectivity
from sidepro.adapters.sql.search.access_paths import SCAN, AccessPathPlanner, Plan
from sidepro.adapters.sql.search.filters import AuthorFilter, SkillsFilter, TextFilter
from sidepro.domain.errors import Unavailable
from sidepro.domain.projects.search_key import search_term
from tests import factories
from tests.clients import eventually
from tests.statement_log import statements

if TYPE_CHECKING:
    from tests.contracts.adapters import Adapters

pytestmark = [
    pytest.mark.anyio,
    # The store in memory has no access paths.
    pytest.mark.parametrize(
        "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
    ),
]

COMMON = TextFilter(search_term("카페"))
RARE = TextFilter("quokka")


async def planner_of(adapters: Adapters) -> AccessPathPlanner:
    """A planner of 40 projects that all match `COMMON`."""
    author = factories.user()
    await adapters.add(author)
    await adapters.add(*(factories.project(author.id, title="카페") for _ in range(40)))
    assert adapters.database
    return AccessPathPlanner(adapters.database)


async def plan_page(planner: AccessPathPlanner) -> Plan:
    return await planner.plan((COMMON,), 7)


async def test_the_cheapest_path_is_chosen(adapters: Adapters) -> None:
    planner = await planner_of(adapters)
    none, every = SkillsFilter((128, 129), every=False), SkillsFilter((1, 128), every=True)
    for filters, path, fallback in (
        ((), SCAN, None),
        ((COMMON,), SCAN, COMMON.sql),
        ((RARE,), RARE.sql, None),
        ((COMMON, none), none.sql, None),
        ((COMMON, every), every.sql, None),
        ((COMMON, AuthorFilter(factories.user().id)), SCAN, None),
    ):
        plan = await planner.plan(filters, 7)
        assert (plan.path, plan.fallback) == (path, fallback), filters
    assert (await planner.plan((COMMON,))).path is COMMON.sql, "counting reads all hits"


async def test_a_failed_sample_is_retried_by_the_next_search(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner = await planner_of(adapters)

    async def unreachable(*_: Any) -> Any:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(adapters.database, "fetch", unreachable)
        with pytest.raises(Unavailable):
            await plan_page(planner)
    assert (await plan_page(planner)).path is SCAN


async def test_concurrent_searches_share_the_first_sample(adapters: Adapters) -> None:
    planner = await planner_of(adapters)
    with statements(adapters.database) as executed:
        plans = await asyncio.gather(*(plan_page(planner) for _ in range(9)))
    assert {plan.path for plan in plans} == {SCAN}
    assert len(executed) == 2, executed


async def test_searches_use_the_expired_sample_while_the_next_is_taken(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectivity, "SAMPLE_TTL", 0.0)
    planner = await planner_of(adapters)
    await plan_page(planner)
    may_fail = asyncio.Event()
    fetches: list[Any] = []

    async def slow(*arguments: Any) -> Any:
        fetches.append(arguments)
        await may_fail.wait()
        raise Unavailable

    monkeypatch.setattr(adapters.database, "fetch", slow)
    async with asyncio.timeout(5):
        plans = [await plan_page(planner) for _ in range(3)]
        await eventually(lambda: len(fetches) == 1)
        plans += [await plan_page(planner) for _ in range(3)]
        assert len(fetches) == 1
        may_fail.set()

        async def is_retried() -> bool:
            plans.append(await plan_page(planner))
            return len(fetches) > 1

        await eventually(is_retried)
    assert {plan.path for plan in plans} == {SCAN}
