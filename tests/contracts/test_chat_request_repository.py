"""`ChatRequestRepository`, `ChatRequestReader`, `BlockRepository` and `BlockReader`."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import (
    REFUSAL_TTL,
    REQUEST_TTL,
    ChatRequest,
    RequestState,
)
from sidepro.domain.coffee_chats.pair import Pair
from sidepro.domain.coffee_chats.views import Box, ChatRequestView, RequestQuery
from sidepro.domain.errors import NotFound
from sidepro.domain.ids import UserId
from sidepro.domain.pagination import Page, PageRequest
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import after, nobody
from tests.contracts.concurrency import after_change
from tests.contracts.paging import read_all_pages
from tests.factories import NOW
from tests.fakes.unit_of_work import FullUnitOfWork

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(days=1)
OVER = NOW + REQUEST_TTL


async def two_people(adapters: Adapters) -> tuple[UserId, UserId]:
    one = factories.user(chat_policy=ChatPolicy.CLOSED, created_at=after(-5))
    other = factories.user(chat_policy=ChatPolicy.REQUEST)
    await adapters.add(one, other)
    return one.id, other.id


async def change(adapters: Adapters, act: Callable[[FullUnitOfWork], Awaitable[object]]) -> None:
    async with adapters.unit_of_work() as work:
        await act(work)
        await work.commit()


async def store(adapters: Adapters, *requests: ChatRequest) -> None:
    await change(adapters, lambda work: work.chat_requests.add(*requests))


async def save(adapters: Adapters, request: ChatRequest) -> None:
    await change(adapters, lambda work: work.chat_requests.save(request))


async def block(adapters: Adapters, blocker: UserId, blocked: UserId, now: datetime = NOW) -> None:
    await change(adapters, lambda work: work.blocks.add(blocker, blocked, now))


async def unblock(adapters: Adapters, blocker: UserId, blocked: UserId) -> None:
    await change(adapters, lambda work: work.blocks.remove(blocker, blocked))


async def stored(adapters: Adapters, request: ChatRequest) -> ChatRequest | None:
    async with adapters.unit_of_work() as work:
        return await work.chat_requests.get(request.id)


async def test_a_request_comes_back_as_it_was_added_and_saved(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    request, room = factories.chat_request(one, other), factories.room(one, other)
    await adapters.add(room)
    await store(adapters, request)
    assert await stored(adapters, request) == request
    for changed in (request.declined(LATER), request.declined(LATER).accepted(room.id, LATER)):
        await save(adapters, changed)
        assert await stored(adapters, request) == changed


async def test_a_pair_holds_what_decides_about_contact(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    third = factories.user()
    await adapters.add(third)
    pending = factories.chat_request(one, other)
    declined = factories.chat_request(other, one, created_at=after(1)).declined(after(2))
    withdrawn = factories.chat_request(one, other, created_at=after(-1)).withdrawn(NOW)
    elsewhere = factories.chat_request(one, third.id)
    await store(adapters, pending, declined, withdrawn, elsewhere)

    async def pair() -> Pair:
        async with adapters.unit_of_work() as work:
            return await work.chat_requests.lock_pair(one, other, LATER)

    assert await pair() == Pair(
        caller=one,
        other=other,
        policy=ChatPolicy.REQUEST,
        caller_since=after(-5),
        is_blocked=False,
        requests=(pending, declined),
    )
    for blocker, blocked in ((one, other), (other, one)):
        await block(adapters, blocker, blocked)
        assert (await pair()).is_blocked
        await unblock(adapters, blocker, blocked)


async def test_a_decline_counts_for_thirty_days_and_a_pending_request_always(
    adapters: Adapters,
) -> None:
    one, other = await two_people(adapters)
    pending = factories.chat_request(one, other)
    declined = factories.chat_request(other, one).declined(LATER)
    await store(adapters, pending, declined)
    for now, expected in (
        (LATER + REFUSAL_TTL - timedelta(microseconds=1), {pending, declined}),
        (LATER + REFUSAL_TTL, {pending}),
    ):
        async with adapters.unit_of_work() as work:
            pair = await work.chat_requests.lock_pair(one, other, now)
        assert set(pair.requests) == expected


async def test_locking_a_pair_waits_for_a_pair_that_shares_a_person(adapters: Adapters) -> None:
    one, _ = await two_people(adapters)
    third = factories.user()
    await adapters.add(third)

    pair = await after_change(
        adapters,
        get=lambda work: work.chat_requests.lock_pair(third.id, one, NOW),
        change=lambda work: _block(work, one, third.id),
    )

    assert pair.is_blocked


async def _block(work: FullUnitOfWork, one: UserId, other: UserId) -> None:
    await work.chat_requests.lock_pair(one, other, NOW)
    await work.blocks.add(one, other, NOW)


async def test_a_pair_needs_two_people(adapters: Adapters) -> None:
    one, _ = await two_people(adapters)
    for pair in ((one, nobody()), (nobody(), one)):
        async with adapters.unit_of_work() as work:
            with pytest.raises(NotFound):
                await work.chat_requests.lock_pair(*pair, NOW)


async def test_the_latest_request_that_opened_a_room_is_found(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    room = factories.room(one, other)
    await adapters.add(room)
    first, latest = (
        factories.chat_request(one, other, created_at=after(n)).accepted(room.id, after(n))
        for n in range(2)
    )
    await store(adapters, first, latest)
    async with adapters.unit_of_work() as work:
        assert await work.chat_requests.get_accepted(one, room.id) == latest
        assert await work.chat_requests.get_accepted(other, room.id) is None


async def test_a_request_outlives_its_room(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    room = factories.room(one, other)
    await adapters.add(room)
    request = factories.chat_request(one, other).accepted(room.id, LATER)
    await store(adapters, request)
    await change(adapters, lambda work: work.rooms.delete(room.id))
    found = await stored(adapters, request)
    assert found
    assert (found.state, found.room_id) == (RequestState.ACCEPTED, None)


async def test_requests_that_read_pending_are_counted(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    recipients = [factories.user() for _ in range(3)]
    await adapters.add(*recipients)
    requests = [factories.chat_request(one, recipient.id) for recipient in recipients]
    pending, declined, withdrawn = requests
    await store(
        adapters,
        pending,
        declined.declined(LATER),
        withdrawn.withdrawn(LATER),
        factories.chat_request(other, one),
    )
    async with adapters.unit_of_work() as work:
        before = OVER - timedelta(microseconds=1)
        assert await work.chat_requests.pending_count(one, before) == 2
        assert await work.chat_requests.pending_count(one, OVER) == 0
        assert await work.chat_requests.recipients(one) == (pending.to_id,)


async def test_recent_requests_are_found_but_those_accepted_as_they_were_sent(
    adapters: Adapters,
) -> None:
    one, other = await two_people(adapters)
    room = factories.room(one, other)
    await adapters.add(room)
    requests = [factories.chat_request(one, other, created_at=after(n)) for n in range(4)]
    old, withdrawn, at_once, pending = requests
    await store(
        adapters,
        pending,
        old.withdrawn(after(9)),
        withdrawn.withdrawn(after(9)),
        at_once.accepted(room.id, after(2)),
    )
    async with adapters.unit_of_work() as work:
        assert await work.chat_requests.sent_since(one, NOW) == (after(1), after(3))


async def test_only_pending_requests_are_settled_as_expired(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    pending = factories.chat_request(one, other)
    later = factories.chat_request(other, one, created_at=after(1))
    declined = factories.chat_request(one, other, created_at=after(-9)).declined(LATER)
    await store(adapters, pending, declined)
    await store(adapters, later)
    for expected in ([pending.expired(OVER)], []):
        async with adapters.unit_of_work() as work:
            assert list(await work.chat_requests.expire(OVER, 5)) == expected
            await work.commit()
    assert await stored(adapters, pending) == pending.expired(OVER)
    assert await stored(adapters, declined) == declined
    found = await stored(adapters, later)
    assert found
    assert found.state is RequestState.PENDING


# ------------------------------------------------------------------------------------ as lists


async def test_lists_show_each_person_the_states_that_they_see(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    room = factories.room(one, other)
    await adapters.add(room)

    def sent(number: int) -> ChatRequest:
        return factories.chat_request(one, other, created_at=after(number))

    requests = [
        sent(1).accepted(room.id, LATER),
        sent(2).declined(LATER),
        sent(3).withdrawn(LATER),
        sent(4).voided(LATER),
        sent(5).expired(after(5) + REQUEST_TTL),
        sent(6),
    ]
    await store(adapters, *requests)
    for viewer, box in ((one, Box.SENT), (other, Box.RECEIVED)):
        for now in (LATER, after(2) + REQUEST_TTL, after(6) + REQUEST_TTL):
            for state in (None, *RequestState):
                query = RequestQuery(box, state)
                expected = [
                    request
                    for request in reversed(requests)
                    if state in (None, request.state_for(viewer, now))
                ]
                found = await read_all_pages(partial(_page, adapters, viewer, query, now), limit=2)
                assert [view.id for view in found] == [one.id for one in expected]
                assert [view.state for view in found] == [
                    request.state_for(viewer, now) for request in expected
                ]
                assert [view.settled_at for view in found] == [
                    request.settled_at_for(viewer, now) for request in expected
                ]
                count = await adapters.chat_requests.request_count(viewer, query, now)
                assert count == len(expected)
    assert await adapters.chat_requests.request_count(one, RequestQuery(), LATER) == 0


async def _page(
    adapters: Adapters, viewer: UserId, query: RequestQuery, now: datetime, page: PageRequest
) -> Page[ChatRequestView]:
    return await adapters.chat_requests.requests(viewer, query, page, now)


async def test_a_request_names_both_people_and_is_there_for_them_alone(
    adapters: Adapters,
) -> None:
    one, other = await two_people(adapters)
    third = factories.user()
    await adapters.add(third)
    request = factories.chat_request(one, other)
    await store(adapters, request)
    for viewer in (one, other):
        view = await adapters.chat_requests.request(request.id, viewer, NOW)
        assert view
        assert (view.asker.id, view.recipient.id) == (one, other)
        assert view.introduction == request.introduction
    assert await adapters.chat_requests.request(request.id, third.id, NOW) is None


# -------------------------------------------------------------------------------------- blocks


async def test_a_block_is_added_and_removed_once(adapters: Adapters) -> None:
    one, other = await two_people(adapters)
    async with adapters.unit_of_work() as work:
        assert await work.blocks.add(one, other, NOW)
        assert not await work.blocks.add(one, other, LATER)
        assert await work.blocks.is_between(other, one)
        await work.commit()
    assert await adapters.blocks.blocks(one, other)
    assert not await adapters.blocks.blocks(other, one)
    async with adapters.unit_of_work() as work:
        assert not await work.blocks.remove(other, one)
        assert await work.blocks.remove(one, other)
        assert not await work.blocks.is_between(one, other)


async def test_blocked_people_are_listed_latest_first_to_their_blocker(
    adapters: Adapters,
) -> None:
    one, other = await two_people(adapters)
    people = [factories.user() for _ in range(5)]
    await adapters.add(*people)
    for number, person in enumerate(people):
        await block(adapters, one, person.id, after(number))
    await change(adapters, lambda work: work.blocks.add(other, one, NOW))
    found = await read_all_pages(partial(adapters.blocks.blocked, one), limit=2)
    assert [person.id for person in found] == [person.id for person in reversed(people)]
    assert await adapters.blocks.blocked_count(one) == 5


async def test_requests_are_read_at_once_as_each_of_their_people_sees_them(
    adapters: Adapters,
) -> None:
    one, other = await two_people(adapters)
    declined = factories.chat_request(one, other).declined(LATER)
    await store(adapters, declined)
    nobodys = factories.user().id
    keys = [(one, declined.id), (other, declined.id), (nobodys, declined.id)]
    found = await adapters.chat_requests.request_views(keys, LATER)
    assert {key: view.state for key, view in found.items()} == {
        (one, declined.id): RequestState.PENDING,
        (other, declined.id): RequestState.DECLINED,
    }
    for viewer, request_id in found:
        alone = await adapters.chat_requests.request(request_id, viewer, LATER)
        assert found[viewer, request_id] == alone


@pytest.mark.parametrize("is_blocker", [True, False])
async def test_a_blocked_pair_is_left_out_of_comments_and_recommendations(
    adapters: Adapters, is_blocker: bool
) -> None:
    one, other = await two_people(adapters)
    third = factories.user()
    await adapters.add(third)
    theirs, thirds = factories.project(other), factories.project(third.id)
    by_other, by_third = (factories.comment(thirds.id, who) for who in (other, third.id))
    await adapters.add(theirs, thirds, by_other, by_third)
    pair = (one, other) if is_blocker else (other, one)
    await change(adapters, lambda work: work.blocks.add(*pair, NOW))

    page = PageRequest()
    for viewer, expected in ((one, [by_third]), (third.id, [by_other, by_third])):
        comments = await adapters.board.comments(thirds.id, page, viewer)
        assert [comment.id for comment in comments.items] == [c.id for c in expected]
        for comment in (by_other, by_third):
            single = await adapters.board.comment(thirds.id, comment.id, viewer)
            assert (single is not None) == (comment in expected)
    popular = await adapters.recommendable.popular(one, 10)
    assert [card.id for card in popular] == [thirds.id]
    by_author = await adapters.recommendable.projects_by_author(
        [other, third.id], one, most=1, first=0
    )
    assert set(by_author) == {third.id}
    async with adapters.unit_of_work() as work:
        assert await work.comments.is_blocked(theirs.id, one)
        assert not await work.comments.is_blocked(thirds.id, one)


@pytest.mark.parametrize("policy", ChatPolicy)
async def test_a_policy_reads_closed_to_the_blocked_and_refused(
    adapters: Adapters, policy: ChatPolicy
) -> None:
    blocker, refuser = (factories.user(chat_policy=policy) for _ in range(2))
    viewer, third = factories.user(), factories.user()
    await adapters.add(blocker, refuser, viewer, third)
    await change(adapters, lambda work: work.blocks.add(blocker.id, viewer.id, NOW))
    await store(adapters, factories.chat_request(viewer.id, refuser.id).declined(LATER))
    hidden = ChatPolicy.REQUEST if policy is ChatPolicy.OPEN else policy

    for person, seen_by, now, expected in (
        (blocker, viewer.id, NOW, ChatPolicy.CLOSED),
        (blocker, third.id, NOW, policy),
        (blocker, None, NOW, None),
        (refuser, viewer.id, LATER, hidden),
        (refuser, viewer.id, OVER, ChatPolicy.CLOSED),
        (refuser, viewer.id, LATER + REFUSAL_TTL, policy),
        (refuser, third.id, OVER, policy),
    ):
        shown = await adapters.accounts.person(person.id, seen_by, now)
        assert shown
        assert shown.chat_policy is expected
        assert shown.is_blocked == ((person, seen_by) == (blocker, viewer.id))
