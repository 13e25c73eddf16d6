"""Sessions of browsers in `SessionRepository` and `AccountReader`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sidepro.domain.accounts.session import Session
from sidepro.domain.accounts.user import User
from sidepro.domain.accounts.views import SessionViewer, UserSummary
from sidepro.domain.identity import token_digest
from tests import factories
from tests.contracts.adapters import Adapters
from tests.factories import NOW

pytestmark = pytest.mark.anyio

DIGEST = token_digest("the secret of a cookie")


async def add(adapters: Adapters, user: User, **members: object) -> Session:
    """A session with the cookie of `DIGEST` and without tokens."""
    session = factories.session(user.id, **{"cookie_digest": DIGEST, **members})
    async with adapters.unit_of_work() as work:
        await work.users.add(user)
        await work.sessions.add(session, None)
        await work.commit()
    return session


async def viewer(adapters: Adapters, digest: bytes = DIGEST) -> SessionViewer | None:
    return await adapters.accounts.session_viewer(digest, NOW)


async def test_a_cookie_finds_its_session_and_the_person(adapters: Adapters) -> None:
    user = factories.user(is_admin=True, time_zone="Europe/Berlin")
    session = await add(adapters, user)

    person = UserSummary(user.id, user.username, None)
    expected = SessionViewer(
        session,
        person,
        is_admin=True,
        is_moderator=False,
        has_profile=False,
        time_zone="Europe/Berlin",
    )
    assert await viewer(adapters) == expected


async def test_a_viewer_has_a_profile_or_not(adapters: Adapters) -> None:
    user = factories.user()
    await add(adapters, user)
    await adapters.add(factories.profile(user.id))

    found = await viewer(adapters)

    assert found is not None
    assert found.has_profile


async def test_another_cookie_finds_nobody(adapters: Adapters) -> None:
    await add(adapters, factories.user())

    assert await viewer(adapters, token_digest("another secret")) is None


async def test_sessions_with_tokens_have_no_cookie(adapters: Adapters) -> None:
    user, other = factories.user(), factories.user()
    await adapters.add(user, other, factories.session(user.id), factories.session(other.id))

    assert [session.cookie_digest for session in await adapters.sessions()] == [None, None]
    assert await viewer(adapters, b"") is None


async def test_an_expired_session_has_no_viewer(adapters: Adapters) -> None:
    await add(adapters, factories.user(), expires_at=NOW)

    assert await viewer(adapters) is None


async def test_a_deactivated_person_is_no_viewer(adapters: Adapters) -> None:
    user = factories.user()
    await add(adapters, user)
    async with adapters.unit_of_work() as work:
        await work.users.save(replace(user, is_active=False))
        await work.commit()

    assert await viewer(adapters) is None


async def test_a_session_that_ended_has_no_viewer(adapters: Adapters) -> None:
    user = factories.user()
    session = await add(adapters, user)
    async with adapters.unit_of_work() as work:
        await work.sessions.end(session.id, user.id)
        await work.commit()

    assert await viewer(adapters) is None


async def test_the_use_of_a_session_is_stored(adapters: Adapters) -> None:
    session = await add(adapters, factories.user())
    used = session.used(NOW + timedelta(minutes=7), factories.SESSION_TTL)
    async with adapters.unit_of_work() as work:
        await work.sessions.record_use(used)
        await work.commit()

    assert await adapters.sessions() == [used]


async def test_the_use_of_a_session_that_ended_is_not_stored(adapters: Adapters) -> None:
    user = factories.user()
    session = await add(adapters, user)
    async with adapters.unit_of_work() as work:
        await work.sessions.end(session.id, user.id)
        await work.sessions.record_use(session.used(NOW, factories.SESSION_TTL))
        await work.commit()

    assert await adapters.sessions() == []
