"""`IdempotencyRepository`: a key is acquired once, and replays its response."""

import asyncio
import time
from datetime import timedelta

import pytest

from sidepro.domain.errors import IdempotencyKeyInUse, IdempotencyKeyReused, NotFound
from sidepro.domain.idempotency import RESPONSE_TTL, WAIT_SECONDS, IdempotencyKey
from sidepro.domain.ids import UserId
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.contracts.concurrency import MANY, UNBLOCKED_WITHIN, race
from tests.factories import NOW

pytestmark = pytest.mark.anyio

CONTENT, OTHER = b"c" * 32, b"o" * 32


def key_of(user_id: UserId, operation: str = "POST /projects", key: str = "k-1") -> IdempotencyKey:
    return IdempotencyKey(user_id, operation, key)


async def request(
    adapters: Adapters, key: IdempotencyKey, content: bytes = CONTENT, now: timedelta = timedelta()
) -> bytes | None:
    """Acquire the key and save a response; the response saved before."""
    async with adapters.unit_of_work() as work:
        saved = await work.idempotency.acquire(key, content, NOW + now)
        if saved is None:
            await work.idempotency.save_response(key, b"response to " + key.key.encode())
        await work.commit()
    return saved


async def somebody(adapters: Adapters) -> UserId:
    user = factories.user()
    await adapters.add(user)
    return user.id


async def test_a_second_request_gets_the_response_of_the_first(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    assert await request(adapters, key) is None
    assert await request(adapters, key) == b"response to k-1"
    assert await request(adapters, key) == b"response to k-1"


async def test_a_key_belongs_to_a_user_and_an_operation(adapters: Adapters) -> None:
    one, other = await somebody(adapters), await somebody(adapters)
    for key in (
        key_of(one),
        key_of(other),
        key_of(one, operation="POST /rooms"),
        key_of(one, key="K-1"),
    ):
        assert await request(adapters, key) is None


async def test_other_content_is_refused_and_the_response_stays(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    await request(adapters, key)
    with pytest.raises(IdempotencyKeyReused):
        await request(adapters, key, OTHER)
    assert await request(adapters, key) == b"response to k-1"


async def test_a_failed_request_leaves_the_key_free(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    async with adapters.unit_of_work() as work:
        assert await work.idempotency.acquire(key, OTHER, NOW) is None
        await work.idempotency.save_response(key, b"never seen")
    assert await request(adapters, key) is None


async def test_a_key_expires_after_a_day(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    await request(adapters, key)
    almost = RESPONSE_TTL - timedelta(microseconds=1)
    assert await request(adapters, key, now=almost) == b"response to k-1"
    assert await request(adapters, key, OTHER, RESPONSE_TTL) is None
    assert await request(adapters, key, OTHER, RESPONSE_TTL + almost) == b"response to k-1"


async def test_expired_keys_are_deleted_in_batches(adapters: Adapters) -> None:
    user = await somebody(adapters)
    for number in range(5):
        await request(adapters, key_of(user, key=f"old-{number}"))
    await request(adapters, key_of(user, key="new"), now=RESPONSE_TTL)
    async with adapters.unit_of_work() as work:
        deleted = [await work.idempotency.delete_expired(NOW + RESPONSE_TTL, 3) for _ in range(3)]
        await work.commit()
    assert deleted == [3, 2, 0]
    # With the clock set back, they would still be valid.
    for number in range(5):
        assert await request(adapters, key_of(user, key=f"old-{number}"), OTHER) is None
    assert await request(adapters, key_of(user, key="new"), now=RESPONSE_TTL) is not None


async def test_a_concurrent_request_waits_for_the_first(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    async with adapters.unit_of_work() as work:
        assert await work.idempotency.acquire(key, CONTENT, NOW) is None
        second = asyncio.create_task(request(adapters, key))
        await asyncio.sleep(UNBLOCKED_WITHIN)
        assert not second.done(), "it did not wait"
        await work.idempotency.save_response(key, b"first")
        await work.commit()
    assert await asyncio.wait_for(second, 5) == b"first"


async def test_a_waiting_request_acquires_the_key_when_the_first_fails(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    async with adapters.unit_of_work() as work:
        assert await work.idempotency.acquire(key, CONTENT, NOW) is None
        second = asyncio.create_task(request(adapters, key))
        await asyncio.sleep(UNBLOCKED_WITHIN)
    assert await asyncio.wait_for(second, 5) is None


async def test_one_of_many_concurrent_requests_acquires_the_key(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    saved = await race(adapters, MANY, lambda _: request(adapters, key))
    assert saved.count(None) == 1
    assert saved.count(b"response to k-1") == MANY - 1


async def test_a_deleted_user_cannot_acquire_a_key(adapters: Adapters) -> None:
    with pytest.raises(NotFound):
        await request(adapters, key_of(nobody()))


async def test_keys_are_deleted_with_their_user(adapters: Adapters) -> None:
    user = await somebody(adapters)
    await request(adapters, key_of(user))
    async with adapters.unit_of_work() as work:
        await work.users.delete(user)
        await work.commit()
    with pytest.raises(NotFound):
        await request(adapters, key_of(user))


async def test_readers_of_a_unit_of_work_see_its_own_changes(adapters: Adapters) -> None:
    one, other = factories.user(), factories.user()
    await adapters.add(one, other)
    project, room = factories.project(one.id), factories.room(one.id, other.id)
    comment = factories.comment(project.id, one.id)
    async with adapters.unit_of_work() as work:
        await work.projects.add(project)
        await work.comments.add(comment)
        await work.rooms.add_if_absent(room)
        page = await work.board_reader.project(project.id, one.id)
        assert page is not None
        assert (page.card.title, page.card.skills) == (project.title, project.skills)
        view = await work.board_reader.comment(comment.project_id, comment.id, None)
        assert view is not None
        assert view.body == comment.body
        seen = await work.room_reader.room(room.id, one.id)
        assert seen is not None
        assert seen.participant is not None
        assert seen.participant.id == other.id
        assert await adapters.board.project(project.id, one.id) is None, (
            "it is visible before the commit"
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend", [pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True
)
async def test_a_wait_that_times_out_reports_the_key_in_use(adapters: Adapters) -> None:
    key = key_of(await somebody(adapters))
    async with adapters.unit_of_work() as work:
        assert await work.idempotency.acquire(key, CONTENT, NOW) is None
        began = time.monotonic()
        with pytest.raises(IdempotencyKeyInUse):
            await request(adapters, key)
        assert WAIT_SECONDS <= time.monotonic() - began < WAIT_SECONDS + 1
        await work.idempotency.save_response(key, b"first")
        await work.commit()
    assert await request(adapters, key) == b"first"


async def test_only_responses_that_mention_a_user_are_forgotten(adapters: Adapters) -> None:
    caller, mentioned, other = [await somebody(adapters) for _ in range(3)]
    responses = {
        key_of(caller, key="mentions"): f'{{"participant": "{mentioned}"}}',
        key_of(other, key="mentions too"): f"{mentioned}",
        key_of(caller, key="mentions another"): f'{{"participant": "{other}"}}',
    }
    async with adapters.unit_of_work() as work:
        for key, response in responses.items():
            await work.idempotency.acquire(key, CONTENT, NOW)
            await work.idempotency.save_response(key, response.encode())
        await work.commit()
    async with adapters.unit_of_work() as work:
        await work.idempotency.forget(mentioned)
        await work.commit()
    left = [await request(adapters, key) for key in responses]
    assert left == [None, None, f'{{"participant": "{other}"}}'.encode()]
