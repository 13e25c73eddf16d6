"""`SessionRepository`: log-ins and their refresh tokens."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sidepro.domain.accounts.ports import TokenLookup
from sidepro.domain.accounts.session import (
    MAX_SESSIONS,
    RefreshToken,
    Session,
)
from sidepro.domain.errors import NotFound
from sidepro.domain.identity import token_digest
from sidepro.domain.ids import SessionId
from sidepro.domain.pagination import PageRequest
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.factories import NOW, refresh_token

pytestmark = pytest.mark.anyio


SOON = NOW + timedelta(seconds=3)


LATER = NOW + timedelta(days=1)


async def presented(adapters: Adapters, token: RefreshToken) -> TokenLookup | None:
    async with adapters.unit_of_work() as work:
        return await work.sessions.find_token(token.hash)


async def rotate(
    adapters: Adapters, session: Session, token: RefreshToken, text: str, at: datetime = SOON
) -> tuple[Session, RefreshToken]:
    """Use a token as a refresh does; the session after it, and the successor."""
    used = session.used(at, factories.SESSION_TTL)
    successor = RefreshToken.issue(text, session.id, token, at)
    async with adapters.unit_of_work() as work:
        await work.users.get(session.user_id)
        await work.sessions.rotate(used, token, successor, at)
        await work.commit()
    return used, successor


async def test_a_session_is_stored_exactly(adapters: Adapters) -> None:
    user = factories.user()
    session = factories.session(user.id, user_agent="크롬 \\ 😀")
    await adapters.add(user, session)
    assert await adapters.sessions() == [session]


async def test_a_session_without_a_user_agent_is_stored_exactly(adapters: Adapters) -> None:
    user = factories.user()
    session = factories.session(user.id, user_agent=None)
    await adapters.add(user, session)
    assert await adapters.sessions() == [session]


async def test_a_person_may_have_several_sessions(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    sessions = [
        factories.session(user.id),
        factories.session(user.id),
        factories.session(other.id),
    ]
    await adapters.add(user, other, *sessions)
    stored = await adapters.sessions()
    assert sorted(stored, key=lambda session: session.id) == sorted(
        sessions, key=lambda session: session.id
    )


async def test_add_raises_not_found_when_the_user_is_gone(adapters: Adapters) -> None:
    with pytest.raises(NotFound):
        await adapters.add(factories.session(nobody()))
    assert await adapters.sessions() == []


async def test_add_ends_the_oldest_active_sessions_above_fifty(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    expired = factories.session(user.id, expires_at=NOW)
    active = [
        factories.session(user.id, expires_at=LATER + timedelta(days=1))
        for _ in range(MAX_SESSIONS)
    ]
    theirs = factories.session(other.id)
    await adapters.add(user, other, expired, *active, theirs)
    new = factories.session(user.id, created_at=LATER)
    async with adapters.unit_of_work() as work:
        await work.users.get(user.id)
        assert await work.sessions.add(new, refresh_token(new)) == (active[0].id,)
        await work.commit()
    left = {session.id for session in await adapters.sessions()}
    assert left == {expired.id, theirs.id, new.id} | {session.id for session in active[1:]}
    assert await presented(adapters, refresh_token(active[0])) is None


async def test_add_ends_nothing_up_to_fifty_sessions(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user, *(factories.session(user.id) for _ in range(MAX_SESSIONS - 1)))
    new = factories.session(user.id)
    async with adapters.unit_of_work() as work:
        await work.users.get(user.id)
        assert await work.sessions.add(new, refresh_token(new)) == ()


async def test_expired_sessions_are_deleted_with_their_tokens(adapters: Adapters) -> None:
    user = factories.user()
    expired = [factories.session(user.id, expires_at=LATER) for _ in range(3)]
    active = factories.session(user.id, expires_at=LATER + timedelta(microseconds=1))
    await adapters.add(user, *expired, active)
    async with adapters.unit_of_work() as work:
        assert await work.sessions.delete_expired(LATER, 2) == 2
        assert await work.sessions.delete_expired(LATER, 2) == 1
        assert await work.sessions.delete_expired(LATER, 2) == 0
        await work.commit()
    assert [session.id for session in await adapters.sessions()] == [active.id]
    assert await presented(adapters, refresh_token(expired[0])) is None
    assert await presented(adapters, refresh_token(active)) is not None


async def test_tokens_used_long_ago_are_deleted_and_unused_ones_stay(adapters: Adapters) -> None:
    user = factories.user()
    session = factories.session(user.id)
    await adapters.add(user, session)
    token = refresh_token(session)
    used, second = await rotate(adapters, session, token, "second", SOON)
    _, third = await rotate(adapters, used, second, "third", LATER)
    async with adapters.unit_of_work() as work:
        assert await work.sessions.delete_used_tokens(LATER, 100) == 1
        await work.commit()
    assert await presented(adapters, token) is None
    assert await presented(adapters, second) is not None
    assert await presented(adapters, third) is not None


async def test_used_tokens_are_deleted_in_batches(adapters: Adapters) -> None:
    user = factories.user()
    session = factories.session(user.id)
    await adapters.add(user, session)
    token = refresh_token(session)
    for secret in ("second", "third", "fourth"):
        session, token = await rotate(adapters, session, token, secret, SOON)
    async with adapters.unit_of_work() as work:
        deleted = [await work.sessions.delete_used_tokens(LATER, 2) for _ in range(3)]
    assert deleted == [2, 1, 0]


async def test_a_token_is_presented_as_stored(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    session, elsewhere = factories.session(user.id), factories.session(other.id)
    await adapters.add(user, other, session, elsewhere)
    token = refresh_token(session)
    assert await presented(adapters, token) == TokenLookup(
        session, token, successors=0, successor_used=False
    )
    async with adapters.unit_of_work() as work:
        assert await work.sessions.owner(token.hash) == user.id
        assert await work.sessions.owner(refresh_token(elsewhere).hash) == other.id


async def test_an_unknown_token_has_no_session(adapters: Adapters) -> None:
    user = factories.user()
    await adapters.add(user, factories.session(user.id))
    async with adapters.unit_of_work() as work:
        assert await work.sessions.owner(token_digest("unknown")) is None
        assert await work.sessions.find_token(token_digest("unknown")) is None


async def test_rotation_stores_the_session_the_use_and_the_successor(adapters: Adapters) -> None:
    user = factories.user()
    session, bystander = factories.session(user.id), factories.session(user.id)
    await adapters.add(user, session, bystander)
    token = refresh_token(session)
    used, successor = await rotate(adapters, session, token, "second")
    assert await presented(adapters, token) == TokenLookup(
        used, replace(token, used_at=SOON), successors=1, successor_used=False
    )
    assert await presented(adapters, successor) == TokenLookup(
        used, successor, successors=0, successor_used=False
    )
    assert successor.parent == token.hash
    third_used, third = await rotate(adapters, used, successor, "third", LATER)
    for earlier, by_then in ((token, True), (successor, False), (third, False)):
        found = await presented(adapters, earlier)
        assert found is not None
        assert found.session == third_used
        assert found.successor_used is by_then
    assert await presented(adapters, refresh_token(bystander)) == TokenLookup(
        bystander, refresh_token(bystander), successors=0, successor_used=False
    )


async def test_the_first_use_of_a_token_counts(adapters: Adapters) -> None:
    user = factories.user()
    session = factories.session(user.id)
    await adapters.add(user, session)
    token = refresh_token(session)
    await rotate(adapters, session, token, "one tab", SOON)
    # Even of a token that was read before its first use.
    await rotate(adapters, session, token, "another tab", LATER)
    found = await presented(adapters, token)
    assert found is not None
    assert found.token.used_at == SOON


async def test_a_used_sibling_is_a_used_successor(adapters: Adapters) -> None:
    user = factories.user()
    session = factories.session(user.id)
    await adapters.add(user, session)
    token = refresh_token(session)
    used, _ = await rotate(adapters, session, token, "one tab")
    used, sibling = await rotate(adapters, used, token, "another tab")
    await rotate(adapters, used, sibling, "and on", LATER)
    found = await presented(adapters, token)
    assert found is not None
    assert found.successor_used


async def test_an_ended_session_goes_with_its_tokens(adapters: Adapters) -> None:
    user = factories.user()
    session, other = factories.session(user.id), factories.session(user.id)
    await adapters.add(user, session, other)
    token = refresh_token(session)
    _, successor = await rotate(adapters, session, token, "second")
    async with adapters.unit_of_work() as work:
        assert await work.sessions.end(session.id, user.id) is True
        assert await work.sessions.end(session.id, user.id) is False
        await work.commit()
    assert await adapters.sessions() == [other]
    assert await presented(adapters, token) is None
    assert await presented(adapters, successor) is None


async def test_a_session_of_another_user_cannot_be_ended(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    session = factories.session(user.id)
    await adapters.add(user, other, session)
    async with adapters.unit_of_work() as work:
        assert await work.sessions.end(session.id, other.id) is False
        assert await work.sessions.end(SessionId(nobody()), user.id) is False
        await work.commit()
    assert await adapters.sessions() == [session]
    assert await presented(adapters, refresh_token(session)) is not None


@pytest.mark.parametrize("spares_one", [False, True])
async def test_all_sessions_of_one_user_end_at_once(adapters: Adapters, spares_one: bool) -> None:
    user, other = factories.user(), factories.user()
    sessions = [factories.session(user.id) for _ in range(3)]
    others = factories.session(other.id)
    await adapters.add(user, other, *sessions, others)
    spared = sessions[1] if spares_one else None
    async with adapters.unit_of_work() as work:
        await work.sessions.end_all(user.id, but=spared.id if spared else None)
        await work.commit()
    left = {session.id for session in await adapters.sessions()}
    assert left == {others.id, *([spared.id] if spared else [])}
    for session in sessions:
        assert (await presented(adapters, refresh_token(session)) is None) is (session != spared)


async def test_sessions_are_listed_the_last_used_first_and_only_live_ones(
    adapters: Adapters,
) -> None:
    user, other = factories.user(), factories.user()
    long_ago = factories.session(user.id)
    lately = factories.session(user.id, last_used_at=SOON)
    as_lately = factories.session(user.id, last_used_at=SOON)
    over = factories.session(user.id, last_used_at=LATER, expires_at=LATER)
    await adapters.add(user, other, lately, over, long_ago, as_lately, factories.session(other.id))
    first = await adapters.accounts.sessions(user.id, PageRequest(2), LATER)
    assert (first.items, first.previous) == ((as_lately, lately), None)
    assert first.next is not None
    second = await adapters.accounts.sessions(user.id, PageRequest(2, first.next), LATER)
    assert (second.items, second.next) == ((long_ago,), None)
    assert (await adapters.accounts.sessions(nobody(), PageRequest(), LATER)).items == ()


async def test_active_sessions_are_counted(adapters: Adapters) -> None:
    user = factories.user()
    active = [factories.session(user.id) for _ in range(2)]
    await adapters.add(user, *active, factories.session(user.id, expires_at=LATER))
    assert await adapters.accounts.session_count(user.id, LATER) == 2
    assert await adapters.accounts.session_count(nobody(), LATER) == 0


async def test_live_sessions_are_those_there_and_not_over(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    live, elsewhere = factories.session(user.id), factories.session(other.id)
    over, unasked = factories.session(user.id, expires_at=LATER), factories.session(user.id)
    await adapters.add(user, other, live, elsewhere, over, unasked)
    asked = [live.id, elsewhere.id, over.id, SessionId(nobody())]
    assert await adapters.accounts.live_sessions(asked, LATER) == {live.id, elsewhere.id}
    just_before = LATER - timedelta(microseconds=1)
    assert over.id in await adapters.accounts.live_sessions(asked, just_before)
    assert await adapters.accounts.live_sessions([], LATER) == frozenset()
