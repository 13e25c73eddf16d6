"""`IdempotencyRepository`: a name is claimed once, with what came of it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from sidepro.adapters.sql.repositories import idempotency as sql_attempts
from sidepro.domain.errors import IdempotencyKeyInUse, IdempotencyKeyReused, NotFound
from sidepro.domain.idempotency import RESPONSE_TTL, IdempotencyKey
from sidepro.domain.ids import UserId
from tests import factories
from tests.contracts.builders import nobody
from tests.contracts.concurrency import A_WHILE, MANY, race
from tests.contracts.world import World
from tests.factories import NOW

pytestmark = pytest.mark.anyio

CONTENT, OTHER = b"c" * 32, b"o" * 32


def named(user_id: UserId, operation: str = "POST /projects", key: str = "k-1") -> IdempotencyKey:
    return IdempotencyKey(user_id, operation, key)


async def attempt(
    world: World, name: IdempotencyKey, content: bytes = CONTENT, now: timedelta = timedelta()
) -> bytes | None:
    """Claim and keep; what was kept before."""
    async with world.unit_of_work() as work:
        kept = await work.idempotency.acquire(name, content, NOW + now)
        if kept is None:
            await work.idempotency.save_response(name, b"answer to " + name.key.encode())
        await work.commit()
    return kept


async def somebody(world: World) -> UserId:
    user = factories.user()
    await world.store(user)
    return user.id


async def test_the_second_gets_what_the_first_kept(world: World) -> None:
    name = named(await somebody(world))
    assert await attempt(world, name) is None
    assert await attempt(world, name) == b"answer to k-1"
    assert await attempt(world, name) == b"answer to k-1"


async def test_a_key_is_the_callers_own_and_for_one_operation(world: World) -> None:
    one, other = await somebody(world), await somebody(world)
    for name in (
        named(one),
        named(other),
        named(one, operation="POST /rooms"),
        named(one, key="K-1"),
    ):
        assert await attempt(world, name) is None


async def test_another_content_is_refused_and_the_answer_stays(world: World) -> None:
    name = named(await somebody(world))
    await attempt(world, name)
    with pytest.raises(IdempotencyKeyReused):
        await attempt(world, name, OTHER)
    assert await attempt(world, name) == b"answer to k-1"


async def test_an_attempt_that_failed_leaves_the_name_free(world: World) -> None:
    name = named(await somebody(world))
    async with world.unit_of_work() as work:
        assert await work.idempotency.acquire(name, OTHER, NOW) is None
        await work.idempotency.save_response(name, b"never seen")
    assert await attempt(world, name) is None


async def test_after_a_day_a_name_is_free_and_not_before(world: World) -> None:
    name = named(await somebody(world))
    await attempt(world, name)
    almost = RESPONSE_TTL - timedelta(microseconds=1)
    assert await attempt(world, name, now=almost) == b"answer to k-1"
    assert await attempt(world, name, OTHER, RESPONSE_TTL) is None
    assert await attempt(world, name, OTHER, RESPONSE_TTL + almost) == b"answer to k-1"


async def test_names_of_old_are_removed_by_those_that_come(world: World) -> None:
    user = await somebody(world)
    for number in range(5):
        await attempt(world, named(user, key=f"old-{number}"))
    await attempt(world, named(user, key="new"), now=RESPONSE_TTL)
    # A clock that was set back finds them no more.
    for number in range(5):
        assert await attempt(world, named(user, key=f"old-{number}"), OTHER) is None


async def test_the_second_waits_for_the_end_of_the_first(world: World) -> None:
    name = named(await somebody(world))
    async with world.unit_of_work() as work:
        assert await work.idempotency.acquire(name, CONTENT, NOW) is None
        second = asyncio.create_task(attempt(world, name))
        await asyncio.sleep(A_WHILE)
        assert not second.done(), "it was not held back"
        await work.idempotency.save_response(name, b"first")
        await work.commit()
    assert await asyncio.wait_for(second, 5) == b"first"


async def test_the_second_goes_on_when_the_first_fails(world: World) -> None:
    name = named(await somebody(world))
    async with world.unit_of_work() as work:
        assert await work.idempotency.acquire(name, CONTENT, NOW) is None
        second = asyncio.create_task(attempt(world, name))
        await asyncio.sleep(A_WHILE)
    assert await asyncio.wait_for(second, 5) is None


async def test_of_many_at_once_one_is_the_first(world: World) -> None:
    name = named(await somebody(world))
    kept = await race(world, MANY, lambda _: attempt(world, name))
    assert kept.count(None) == 1
    assert kept.count(b"answer to k-1") == MANY - 1


async def test_who_is_gone_makes_no_attempt(world: World) -> None:
    with pytest.raises(NotFound):
        await attempt(world, named(nobody()))


async def test_attempts_go_with_their_user(world: World) -> None:
    user = await somebody(world)
    await attempt(world, named(user))
    async with world.unit_of_work() as work:
        await work.users.delete(user)
        await work.commit()
    with pytest.raises(NotFound):
        await attempt(world, named(user))


async def test_readers_of_a_unit_of_work_see_what_it_has_changed(world: World) -> None:
    one, other = factories.user(), factories.user()
    await world.store(one, other)
    project, room = factories.project(one.id), factories.room(one.id, other.id)
    comment = factories.comment(project.id, one.id)
    async with world.unit_of_work() as work:
        await work.projects.add(project)
        await work.comments.add(comment)
        await work.rooms.add_if_absent(room)
        page = await work.board_reader.project(project.id, one.id)
        assert page is not None
        assert (page.card.title, page.card.skills) == (project.title, project.skills)
        said = await work.board_reader.comment(comment.id)
        assert said is not None
        assert said.body == comment.body
        shown = await work.room_reader.room(room.id, one.id)
        assert shown is not None
        assert shown.participant is not None
        assert shown.participant.id == other.id
        assert await world.board.project(project.id, one.id) is None, "others see it already"


@pytest.mark.parametrize(
    "store", [pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)
async def test_who_has_waited_long_enough_hears_that_the_name_is_in_use(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_attempts, "_LOCK_TIMEOUT", text("SET LOCAL lock_timeout = 100"))
    name = named(await somebody(world))
    async with world.unit_of_work() as work:
        assert await work.idempotency.acquire(name, CONTENT, NOW) is None
        with pytest.raises(IdempotencyKeyInUse):
            await attempt(world, name)
        await work.idempotency.save_response(name, b"first")
        await work.commit()
    assert await attempt(world, name) == b"first"


async def test_answers_that_name_somebody_are_forgotten_and_no_others(world: World) -> None:
    caller, named_one, other = [await somebody(world) for _ in range(3)]
    answers = {
        named(caller, key="names"): f'{{"participant": "{named_one}"}}',
        named(other, key="names too"): f"{named_one}",
        named(caller, key="names another"): f'{{"participant": "{other}"}}',
    }
    async with world.unit_of_work() as work:
        for name, kept in answers.items():
            await work.idempotency.acquire(name, CONTENT, NOW)
            await work.idempotency.save_response(name, kept.encode())
        await work.commit()
    async with world.unit_of_work() as work:
        await work.idempotency.forget(named_one)
        await work.commit()
    left = [await attempt(world, name) for name in answers]
    assert left == [None, None, f'{{"participant": "{other}"}}'.encode()]
