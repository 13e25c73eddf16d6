"""`NeighbourStore`: what the similarity job found, replaced as a whole."""

import asyncio
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

import pytest

from sidepro.adapters.sql import recommendations as sql_recommendations
from sidepro.domain.recommendations.jaccard import Neighbour
from sidepro.domain.recommendations.ports import Neighbourhood
from sidepro.domain.shared import UserId
from tests import factories
from tests.contracts.builders import after, nobody
from tests.contracts.races import race
from tests.contracts.world import World

pytestmark = pytest.mark.anyio

Result = dict[UserId, tuple[Neighbour, ...]]


async def people(world: World, number: int) -> list[UserId]:
    users = [factories.user() for _ in range(number)]
    await world.store(*users)
    return [user.id for user in users]


async def test_before_the_first_run_there_are_none(world: World) -> None:
    [user] = await people(world, 1)
    assert await world.neighbours.of(user) == Neighbourhood((), None)
    assert await world.neighbours.of(nobody()) == Neighbourhood((), None)


async def test_neighbours_come_back_exactly_and_in_order(world: World) -> None:
    me, *others = await people(world, 51)
    # Every score that there can be with few skills, the smallest one and a float of many digits.
    scores = sorted({float(Fraction(a, b)) for b in range(1, 11) for a in range(1, b + 1)})
    near = tuple(
        Neighbour(other, score, ("C언어", 'a "quoted" one, with \\')[: 1 + place % 2])
        for place, (other, score) in enumerate(zip(others, reversed(scores), strict=False))
    )
    assert await world.neighbours.replace({me: near}, after(1))
    assert await world.neighbours.of(me) == Neighbourhood(near, after(1))


async def test_who_has_no_neighbours_hears_when_they_were_looked_for(world: World) -> None:
    me, other = await people(world, 2)
    await world.neighbours.replace({me: (Neighbour(other, 0.5, ("Java",)),)}, after(1))
    assert await world.neighbours.of(other) == Neighbourhood((), after(1))
    assert await world.neighbours.of(nobody()) == Neighbourhood((), after(1))


async def test_a_newer_result_takes_the_place_of_the_whole_old_one(world: World) -> None:
    one, other, third = await people(world, 3)
    old = {one: (Neighbour(other, 0.5, ("Java",)),), other: (Neighbour(one, 0.5, ("Java",)),)}
    new = {third: (Neighbour(one, 0.25, ("Git",)),), one: (Neighbour(third, 0.25, ("Git",)),)}
    assert await world.neighbours.replace(old, after(1))
    assert await world.neighbours.replace(new, after(2))
    assert await world.neighbours.of(one) == Neighbourhood(new[one], after(2))
    assert await world.neighbours.of(other) == Neighbourhood((), after(2))
    assert await world.neighbours.of(third) == Neighbourhood(new[third], after(2))


async def test_an_empty_result_is_one_too(world: World) -> None:
    one, other = await people(world, 2)
    await world.neighbours.replace({one: (Neighbour(other, 0.5, ("Java",)),)}, after(1))
    assert await world.neighbours.replace({}, after(2))
    assert await world.neighbours.of(one) == Neighbourhood((), after(2))


@pytest.mark.parametrize("moment", [after(-1), after(0)], ids=["older", "as-old"])
async def test_a_result_does_not_replace_a_later_one(world: World, moment: datetime) -> None:
    one, other = await people(world, 2)
    kept = (Neighbour(other, 0.5, ("Java",)),)
    assert await world.neighbours.replace({one: kept}, after(0))
    assert not await world.neighbours.replace({one: (), other: kept}, moment)
    assert await world.neighbours.of(one) == Neighbourhood(kept, after(0))
    assert await world.neighbours.of(other) == Neighbourhood((), after(0))


async def test_a_result_made_while_the_clock_was_ahead_is_replaced(world: World) -> None:
    one, other = await people(world, 2)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert await world.neighbours.replace({one: (Neighbour(other, 0.5, ("Java",)),)}, ahead)
    assert await world.neighbours.replace({}, after(0))
    assert await world.neighbours.of(one) == Neighbourhood((), after(0))


async def test_a_person_who_is_gone_by_now_is_no_trouble(world: World) -> None:
    one, other = await people(world, 2)
    near = (Neighbour(other, 0.5, ("Java",)),)
    assert await world.neighbours.replace({nobody(): near, one: near}, after(1))
    assert await world.neighbours.of(one) == Neighbourhood(near, after(1))


async def test_a_large_result_is_stored_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_recommendations, "ROWS_AT_ONCE", 7)
    users = await people(world, 30)
    result = {user: (Neighbour(users[0], 0.5, ("Java",)),) for user in users}
    assert await world.neighbours.replace(result, after(1))
    found = [await world.neighbours.of(user) for user in users]
    assert found == [Neighbourhood(result[user], after(1)) for user in users]


async def test_of_many_results_at_once_the_newest_stays(world: World) -> None:
    one, other, third = await people(world, 3)
    moments = list(range(1, 21))
    Random(5).shuffle(moments)

    def result(moment: int) -> Result:
        near = (Neighbour(third, 1 / moment, (str(moment),)),)
        return {one: near, other: near} if moment % 2 else {other: near}

    async def replace(index: int) -> bool:
        return await world.neighbours.replace(result(moments[index]), after(moments[index]))

    results = await race(world, 20, replace)
    assert results[moments.index(20)] is True
    assert await world.neighbours.of(one) == Neighbourhood((), after(20))
    assert await world.neighbours.of(other) == Neighbourhood(result(20)[other], after(20))


async def test_two_results_at_once_from_two_processes(world: World) -> None:
    one, other = await people(world, 2)
    both = (world, await world.another())
    for turn in range(1, 6):

        async def replace(index: int, turn: int = turn) -> bool:
            near = (Neighbour(other, 0.5, (f"{turn}", f"{index}")),)
            return await both[index].neighbours.replace({one: near}, after(10 * turn + index))

        results = await race(world, 2, replace)
        assert results[1] is True
        newest = (Neighbour(other, 0.5, (f"{turn}", "1")),)
        assert await world.neighbours.of(one) == Neighbourhood(newest, after(10 * turn + 1))


async def test_readers_see_the_old_result_or_the_new_one_whole(world: World) -> None:
    one, other, *others = await people(world, 22)
    runs = 15

    def result(run: int) -> Result:
        near = tuple(Neighbour(user, 1 / run, (str(run),)) for user in others[: 5 + run])
        return {one: near, other: near[::-1]}

    done = asyncio.Event()

    async def replace() -> None:
        for run in range(1, runs + 1):
            assert await world.neighbours.replace(result(run), after(run))
            await asyncio.sleep(0)
        done.set()

    async def read(user: UserId) -> set[datetime]:
        seen: list[datetime] = []
        while not done.is_set():
            found = await world.neighbours.of(user)
            if found.computed_at is None:
                assert found.neighbours == ()
            else:
                run = (found.computed_at - after(0)).microseconds
                assert found.neighbours == result(run)[user]
                seen.append(found.computed_at)
            await asyncio.sleep(0)
        assert seen == sorted(seen), "an old result came back"
        return set(seen)

    _, *seen = await asyncio.gather(replace(), read(one), read(other), read(one), read(other))
    assert any(seen)
    assert await world.neighbours.of(one) == Neighbourhood(result(runs)[one], after(runs))
