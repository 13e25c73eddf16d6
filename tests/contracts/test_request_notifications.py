"""`NotificationRepository`: entries about requests that nobody can or need answer any more."""

import asyncio
from collections.abc import Sequence

import pytest

from sidepro.domain.accounts.user import User
from sidepro.domain.coffee_chats.chat_request import REQUEST_TTL, ChatRequest
from sidepro.domain.ids import NotificationId, UserId
from sidepro.domain.notifications.notification import NotificationEvent, NotificationKind
from sidepro.domain.notifications.ports import ChangedEntry
from sidepro.domain.pagination import PageRequest
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after
from tests.factories import NOW, new_id

pytestmark = pytest.mark.anyio

OVER = NOW + REQUEST_TTL


@pytest.fixture
async def people(adapters: Adapters) -> list[User]:
    """Somebody who is asked, and others who ask."""
    made = [factories.user() for _ in range(4)]
    await adapters.add(*made)
    return made


async def notify(
    adapters: Adapters,
    request: ChatRequest,
    kind: NotificationKind = NotificationKind.REQUEST,
    recipient: UserId | None = None,
) -> ChangedEntry:
    """An unread entry about a request, for its recipient."""
    event = NotificationEvent(
        recipient or request.to_id, kind, request.id, NOW, request.from_id, request_id=request.id
    )
    async with adapters.unit_of_work() as work:
        entry = await work.notifications.add(event, NotificationId(new_id()), new_id())
        await work.commit()
    assert entry
    return entry


async def ask(
    adapters: Adapters, asker: User, recipient: User
) -> tuple[ChatRequest, ChangedEntry]:
    """A stored request and its entry."""
    request = factories.chat_request(asker.id, recipient.id)
    async with adapters.unit_of_work() as work:
        await work.chat_requests.add(request)
        await work.commit()
    return request, await notify(adapters, request)


async def save(adapters: Adapters, *requests: ChatRequest) -> None:
    async with adapters.unit_of_work() as work:
        await work.chat_requests.save(*requests)
        await work.commit()


async def mark_expired(adapters: Adapters, limit: int = 9) -> Sequence[ChangedEntry]:
    async with adapters.unit_of_work() as work:
        marked = await work.notifications.mark_expired_requests_read(OVER, limit)
        await work.commit()
    return marked


async def unread(adapters: Adapters, user: User) -> set[NotificationId]:
    """The unread entries of a person, whose number the badge must have."""
    page = await adapters.notifications.notifications(user.id, PageRequest(100))
    found = {entry.id for entry in page.items if not entry.read}
    badges = await adapters.badges.badges([user.id])
    assert (badges[user.id].unread_notifications if user.id in badges else 0) == len(found)
    return found


async def test_only_the_entry_of_this_person_kind_and_subject_is_marked(
    adapters: Adapters, people: list[User]
) -> None:
    asked, asker, other, _ = people
    request, entry = await ask(adapters, asker, asked)
    _, of_other = await ask(adapters, other, asked)
    accepted = await notify(adapters, request, NotificationKind.ACCEPTED)
    to_other = await notify(adapters, request, recipient=other.id)
    async with adapters.unit_of_work() as work:
        call = asked.id, NotificationKind.REQUEST, request.id, after(1)
        assert list(await work.notifications.mark_subject_read(*call)) == [entry]
        assert list(await work.notifications.mark_subject_read(*call)) == []
        await work.commit()
    assert await unread(adapters, asked) == {of_other.id, accepted.id}
    assert await unread(adapters, other) == {to_other.id}


async def test_entries_of_expired_requests_are_marked_in_batches(
    adapters: Adapters, people: list[User]
) -> None:
    asked, *askers = people
    asks = [await ask(adapters, asker, asked) for asker in askers]
    assert await mark_expired(adapters) == [], "all are pending"
    expired, pending = asks[:2], asks[2]
    await save(adapters, *(request.expired(OVER) for request, _ in expired))
    batches = [list(await mark_expired(adapters, limit=1)) for _ in range(3)]
    assert [len(batch) for batch in batches] == [1, 1, 0]
    assert {entry for batch in batches for entry in batch} == {entry for _, entry in expired}
    assert await unread(adapters, asked) == {pending[1].id}


async def test_other_entries_stay_unread_when_requests_expire(
    adapters: Adapters, people: list[User]
) -> None:
    asked, asker, other, third = people
    declined, first = await ask(adapters, asker, asked)
    at_once, second = await ask(adapters, other, asked)
    expired, third_entry = await ask(adapters, third, asked)
    accepted = await notify(adapters, expired, NotificationKind.ACCEPTED)
    room = factories.room(other.id, asked.id)
    await adapters.add(room)
    changed = declined.declined(after(1)), at_once.accepted(room.id, after(1))
    await save(adapters, *changed, expired.expired(OVER))
    assert list(await mark_expired(adapters)) == [third_entry]
    assert await unread(adapters, asked) == {first.id, second.id, accepted.id}


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.servers
async def test_locked_entries_are_left_for_the_next_time(
    adapters: Adapters, people: list[User]
) -> None:
    asked, *askers = people
    asks = [await ask(adapters, asker, asked) for asker in askers[:2]]
    await save(adapters, *(request.expired(OVER) for request, _ in asks))
    (locked, _), (_, free) = asks
    async with adapters.unit_of_work() as work:
        await work.notifications.remove_subject(NotificationKind.REQUEST, locked.id)
        assert list(await asyncio.wait_for(mark_expired(adapters), 3)) == [free]
    assert len(await mark_expired(adapters)) == 1
