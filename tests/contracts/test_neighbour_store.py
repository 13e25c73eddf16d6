"""`NeighbourStore`: results of the similarity job, replaced as a whole."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from sidepro.adapters.redis.client import RedisClient
from sidepro.adapters.redis.neighbour_store import RedisNeighbourStore
from sidepro.adapters.sql import neighbour_store as sql_recommendations
from sidepro.domain.recommendations.packed import STORED_NEIGHBOURS
from sidepro.domain.recommendations.ports import Neighbourhood, SimilarityRun
from tests import similarity_fixtures
from tests.contracts.builders import after, nobody
from tests.contracts.concurrency import race
from tests.fakes.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from uuid import UUID

    from sidepro.adapters.similarity.arrays import People
    from sidepro.adapters.sql.engine.database import Database
    from sidepro.domain.catalogue.catalogue import Catalogue
    from sidepro.domain.ids import UserId
    from sidepro.domain.recommendations.packed import Similarities
    from tests.contracts.adapters import Adapters
    from tests.servers import RedisServer
from tests.contracts.neighbour_data import alike, emptied, people, run_at

pytestmark = pytest.mark.anyio


in_sql = pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)
"""Stores that write one row a user; for Redis another test kills workers during a run."""


@pytest.fixture(
    params=[
        "memory",
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.servers),
        pytest.param("redis", marks=pytest.mark.servers),
    ]
)
def backend(request: pytest.FixtureRequest, catalogue: Catalogue) -> MemoryStore | Database:
    if request.param in ("memory", "redis"):
        return MemoryStore(catalogue)
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
async def adapters(
    request: pytest.FixtureRequest, backend: MemoryStore | Database, adapters: Adapters
) -> AsyncIterator[Adapters]:
    """With Redis, users are in memory and neighbours are not."""
    if "redis" not in request.node.callspec.params.values():
        yield adapters
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with AsyncExitStack() as links:

        def of_process() -> Adapters:
            redis_client = RedisClient(server.url)
            links.push_async_callback(redis_client.close)
            return replace(adapters, neighbours=RedisNeighbourStore(redis_client), another=another)

        async def another() -> Adapters:
            return of_process()

        await emptied(server)
        yield of_process()


async def store_at(adapters: Adapters, result: Similarities, moment: datetime) -> bool:
    return await adapters.neighbours.replace(result, run_at(moment))


async def found_by_all(adapters: Adapters, users: Sequence[UserId]) -> list[Neighbourhood]:
    return [await adapters.neighbours.of(user) for user in users]


async def test_before_the_first_run_there_are_none(adapters: Adapters) -> None:
    [user] = await people(adapters, 1)
    assert await adapters.neighbours.of(user) == Neighbourhood((), None)
    assert await adapters.neighbours.of(nobody()) == Neighbourhood((), None)
    assert await adapters.neighbours.last_run() is None
    assert await adapters.neighbours.latest() is None


async def test_neighbours_come_back_exactly_and_in_order(adapters: Adapters) -> None:
    users = await people(adapters, 60)
    me, *others = users
    names = ["C언어", 'a "quoted" one, with \\', *(f"skill {number}" for number in range(127))]
    random = Random(4)
    skills = {user: random.sample(names, random.randint(1, 30)) for user in users}
    skills[me] = names[:100]
    random.shuffle(others)
    result = similarity_fixtures.result_of(
        skills, {me: others, others[0]: [me], others[1]: others[2:4]}
    )
    assert len(result.of(me)) == 50
    assert await store_at(adapters, result, after(1))
    expected = [Neighbourhood(result.of(user), after(1)) for user in users]
    assert await found_by_all(adapters, users) == expected


async def test_a_user_is_no_neighbour_of_themselves(adapters: Adapters) -> None:
    users = sorted(await people(adapters, STORED_NEIGHBOURS))
    result = alike(users, "Java", dict.fromkeys(users, users))
    assert await store_at(adapters, result, after(1))
    for user in (users[0], users[49], users[50], users[-1]):
        near = [one.user_id for one in (await adapters.neighbours.of(user)).neighbours]
        assert near == [other for other in users if other != user][:50]


async def test_an_empty_neighbourhood_has_the_time_of_its_run(adapters: Adapters) -> None:
    me, other = await people(adapters, 2)
    await store_at(adapters, alike([me, other], "Java", {me: [other]}), after(1))
    assert await adapters.neighbours.of(other) == Neighbourhood((), after(1))
    assert await adapters.neighbours.of(nobody()) == Neighbourhood((), after(1))


async def test_the_last_run_is_returned(adapters: Adapters) -> None:
    users = await people(adapters, 3)
    run = SimilarityRun(after(1), 12.5, 3, 2)
    await adapters.neighbours.replace(alike(users, "Java", {}), run)
    assert await adapters.neighbours.last_run() == run


async def test_a_newer_result_takes_the_place_of_the_whole_old_one(adapters: Adapters) -> None:
    one, other, third = await people(adapters, 3)
    old = alike([one, other], "Java", {one: [other], other: [one]})
    new = similarity_fixtures.result_of(
        {one: ["Git", "C"], third: ["Git"]}, {third: [one], one: [third]}
    )
    assert await store_at(adapters, old, after(1))
    assert await store_at(adapters, new, after(2))
    assert await found_by_all(adapters, [one, other, third]) == [
        Neighbourhood(new.of(one), after(2)),
        Neighbourhood((), after(2)),
        Neighbourhood(new.of(third), after(2)),
    ]


@pytest.mark.parametrize("by_another", [False, True], ids=["this-process", "another"])
async def test_each_of_several_results_is_returned(adapters: Adapters, by_another: bool) -> None:
    users = await people(adapters, 12)
    random = Random(9)
    writers = [adapters, await adapters.another() if by_another else adapters]
    for moment in range(1, 15):
        there = random.sample(users, random.randint(0, 12))
        skills = {user: random.sample("abcd", random.randint(0, 3)) for user in there}
        near = {user: random.sample(there, random.randint(0, len(there))) for user in there}
        result = similarity_fixtures.result_of(skills, near)
        assert await store_at(writers[moment % 2], result, after(moment))
        expected = [Neighbourhood(result.of(user), after(moment)) for user in users]
        assert await found_by_all(adapters, users) == expected


async def test_an_empty_result_is_one_too(adapters: Adapters) -> None:
    one, other = await people(adapters, 2)
    await store_at(adapters, alike([one, other], "Java", {one: [other]}), after(1))
    assert await store_at(adapters, alike([], "Java", {}), after(2))
    assert await adapters.neighbours.of(one) == Neighbourhood((), after(2))


@pytest.mark.parametrize("moment", [after(-1), after(0)], ids=["older", "as-old"])
async def test_a_result_does_not_replace_a_later_one(adapters: Adapters, moment: datetime) -> None:
    one, other = await people(adapters, 2)
    stored = alike([one, other], "Java", {one: [other]})
    assert await store_at(adapters, stored, after(0))
    assert not await store_at(adapters, alike([one, other], "Git", {other: [one]}), moment)
    assert await adapters.neighbours.of(one) == Neighbourhood(stored.of(one), after(0))
    assert await adapters.neighbours.of(other) == Neighbourhood((), after(0))
    assert await adapters.neighbours.last_run() == run_at(after(0))


async def test_a_result_made_while_the_clock_was_ahead_is_replaced(adapters: Adapters) -> None:
    one, other = await people(adapters, 2)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert await store_at(adapters, alike([one, other], "Java", {one: [other]}), ahead)
    assert await store_at(adapters, alike([one], "Java", {}), after(0))
    assert await adapters.neighbours.of(one) == Neighbourhood((), after(0))


async def test_a_deleted_user_in_a_result_is_ignored(adapters: Adapters) -> None:
    one, other = await people(adapters, 2)
    deleted = nobody()
    result = alike([one, other, deleted], "Java", {one: [other], deleted: [other]})
    assert await store_at(adapters, result, after(1))
    assert await adapters.neighbours.of(one) == Neighbourhood(result.of(one), after(1))


async def test_a_large_result_is_stored_whole(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_recommendations, "BATCH_SIZE", 7)
    users = sorted(await people(adapters, 30))
    result = alike(users, "Java", {user: [users[0], users[17], users[29]] for user in users})
    assert await store_at(adapters, result, after(1))
    expected = [Neighbourhood(result.of(user), after(1)) for user in users]
    assert await found_by_all(adapters, users) == expected


@in_sql
async def test_another_process_writes_only_what_differs(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_recommendations, "BATCH_SIZE", 7)
    users = sorted(await people(adapters, 30))
    near = {user: [users[1], users[17], users[29]] for user in users}
    await store_at(adapters, alike(users, "Java", near), after(1))
    written: list[int] = []
    row = sql_recommendations._row

    def counted(people: People, user_id: UUID, place: int) -> Mapping[str, Any]:
        written.append(place)
        return row(people, user_id, place)

    monkeypatch.setattr(sql_recommendations, "_row", counted)
    del near[users[0]]
    result = alike(users[1:], "Java", {**near, users[5]: [users[3]]})
    assert await store_at(await adapters.another(), result, after(2))
    assert await found_by_all(adapters, users) == [
        Neighbourhood(result.of(user), after(2)) for user in users
    ]
    assert written == [4]


@in_sql
async def test_a_writing_that_breaks_off_leaves_the_old_result(
    adapters: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_recommendations, "BATCH_SIZE", 7)
    users = sorted(await people(adapters, 30))
    old = alike(users, "Java", {user: [users[0]] for user in users})
    await store_at(adapters, old, after(1))
    row = sql_recommendations._row

    def breaks(people: People, user_id: UUID, place: int) -> Mapping[str, Any]:
        if place == 20:
            raise ZeroDivisionError
        return row(people, user_id, place)

    new = alike(users, "Git", {user: [users[1]] for user in users})
    with monkeypatch.context() as patched:
        patched.setattr(sql_recommendations, "_row", breaks)
        with pytest.raises(ZeroDivisionError):
            await store_at(adapters, new, after(2))
    for moment, stored in ((1, old), (3, new)):
        assert await found_by_all(adapters, users) == [
            Neighbourhood(stored.of(user), after(moment)) for user in users
        ]
        assert await store_at(adapters, new, after(3)) or moment == 3


async def test_the_newest_of_concurrent_results_stays(adapters: Adapters) -> None:
    one, other, third = await people(adapters, 3)
    moments = list(range(1, 21))
    Random(5).shuffle(moments)

    def result(moment: int) -> Similarities:
        near = {one: [third], other: [third]} if moment % 2 else {other: [third]}
        return alike([one, other, third], str(moment), near)

    async def put(index: int) -> bool:
        return await store_at(adapters, result(moments[index]), after(moments[index]))

    results = await race(adapters, 20, put)
    assert results[moments.index(20)] is True
    assert await adapters.neighbours.of(one) == Neighbourhood((), after(20))
    assert await adapters.neighbours.of(other) == Neighbourhood(result(20).of(other), after(20))


async def test_concurrent_results_of_two_processes(adapters: Adapters) -> None:
    one, other = await people(adapters, 2)
    both = (adapters, await adapters.another())
    for round_number in range(1, 6):

        def result(index: int, round_number: int = round_number) -> Similarities:
            return alike([one, other], f"{round_number} of {index}", {one: [other]})

        async def put(index: int, round_number: int = round_number) -> bool:
            return await store_at(
                both[index], result(index, round_number), after(10 * round_number + index)
            )

        results = await race(adapters, 2, put)
        assert results[1] is True
        expected = Neighbourhood(result(1).of(one), after(10 * round_number + 1))
        assert await adapters.neighbours.of(one) == expected


async def test_readers_see_the_old_result_or_the_new_one_whole(adapters: Adapters) -> None:
    users = sorted(await people(adapters, 22))
    one, other, *others = users
    runs = 15

    def result(run: int) -> Similarities:
        near = others[: 5 + run]
        return alike(users, str(run), {one: near, other: near[::-1]})

    done = asyncio.Event()

    async def put() -> None:
        for run in range(1, runs + 1):
            assert await store_at(adapters, result(run), after(run))
            await asyncio.sleep(0)
        done.set()

    async def read(user: UserId) -> set[datetime]:
        seen: list[datetime] = []
        while not done.is_set():
            found = await adapters.neighbours.of(user)
            if found.computed_at is None:
                assert found.neighbours == ()
            else:
                run = (found.computed_at - after(0)).microseconds
                assert found.neighbours == result(run).of(user)
                seen.append(found.computed_at)
            await asyncio.sleep(0)
        assert seen == sorted(seen), "an old result came back"
        return set(seen)

    _, *seen = await asyncio.gather(put(), read(one), read(other), read(one), read(other))
    assert any(seen)
    assert await adapters.neighbours.of(one) == Neighbourhood(result(runs).of(one), after(runs))


async def test_the_latest_result_equals_the_stored_one(adapters: Adapters) -> None:
    users = await people(adapters, 5)
    names = [f"skill {number}" for number in range(70)]
    skills = {user: names[number * 14 :] for number, user in enumerate(users)}
    result = similarity_fixtures.result_of(skills, dict.fromkeys(users, users[::-1]))
    await store_at(adapters, result, after(1))
    latest = await (await adapters.another()).neighbours.latest()
    if latest is not None:
        assert similarity_fixtures.neighbours_in(latest) == similarity_fixtures.neighbours_in(
            result
        )
        assert latest.population.names == result.population.names
        for column in ("ids", "skills", "published"):
            back, there = getattr(latest.population, column), getattr(result.population, column)
            assert bytes(back) == bytes(there)
        assert bytes(latest.complete) == bytes(result.complete)
    else:
        assert adapters.database is not None, "only stores that keep a whole result"
