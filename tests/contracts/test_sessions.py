"""`SessionRepository`: log-ins."""

import pytest

from sidepro.domain.errors import NotFound
from tests import factories
from tests.contracts.builders import nobody
from tests.contracts.world import World

pytestmark = pytest.mark.anyio


async def test_a_session_is_stored_exactly(world: World) -> None:
    user = factories.user()
    session = factories.session(user.id, user_agent="크롬 \\ 😀")
    await world.store(user, session)
    assert await world.sessions() == [session]


async def test_a_session_without_a_user_agent_is_stored_exactly(world: World) -> None:
    user = factories.user()
    session = factories.session(user.id, user_agent=None)
    await world.store(user, session)
    assert await world.sessions() == [session]


async def test_a_person_may_have_several_sessions(world: World) -> None:
    user, other = factories.user(), factories.user()
    sessions = [
        factories.session(user.id),
        factories.session(user.id),
        factories.session(other.id),
    ]
    await world.store(user, other, *sessions)
    stored = await world.sessions()
    assert sorted(stored, key=lambda session: session.id) == sorted(
        sessions, key=lambda session: session.id
    )


async def test_add_raises_not_found_when_the_user_is_gone(world: World) -> None:
    with pytest.raises(NotFound):
        await world.store(factories.session(nobody()))
    assert await world.sessions() == []
