"""`SessionRepository`: log-ins and the refresh tokens that keep them alive."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sidepro.adapters.in_process.pubsub import InProcessPubSub
from sidepro.adapters.in_process.session_registry import InProcessSessionRegistry
from sidepro.adapters.logs import audit_log
from sidepro.domain.accounts.account_service import AccountService
from sidepro.domain.accounts.administration_service import AdministrationService
from sidepro.domain.accounts.ports import TokenLookup
from sidepro.domain.accounts.session import (
    GRACE_PERIOD,
    RefreshToken,
    Session,
)
from sidepro.domain.accounts.session_service import SessionService, Tokens
from sidepro.domain.errors import NotFound, SessionEnded
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import SessionId
from sidepro.domain.withdrawal import WithdrawalService
from tests import factories
from tests.contracts.builders import nobody
from tests.contracts.concurrency import MANY, in_turn, race
from tests.contracts.world import World
from tests.factories import NOW, refresh_token
from tests.fakes.unit_of_work import FullUnitOfWork

pytestmark = pytest.mark.anyio

SOON = NOW + timedelta(seconds=3)
LATER = NOW + timedelta(days=1)


async def presented(world: World, token: RefreshToken) -> TokenLookup | None:
    async with world.unit_of_work() as work:
        return await work.sessions.find_token(token.hash)


async def rotate(
    world: World, session: Session, token: RefreshToken, text: str, at: datetime = SOON
) -> tuple[Session, RefreshToken]:
    """Use a token as a refresh does; the session after it, and the successor."""
    used = session.used(at, factories.LIFETIMES)
    successor = RefreshToken.issue(text, session.id, token, at)
    async with world.unit_of_work() as work:
        await work.users.get(session.user_id)
        await work.sessions.rotate(used, token, successor, at)
        await work.commit()
    return used, successor


# --------------------------------------------------------------------------------------- adding


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


async def test_add_removes_the_sessions_of_that_user_that_are_over(world: World) -> None:
    user, other = factories.user(), factories.user()
    over = factories.session(user.id, expires_at=LATER)
    live = factories.session(user.id, expires_at=LATER + timedelta(microseconds=1))
    others = factories.session(other.id, expires_at=NOW)
    new = factories.session(user.id, created_at=LATER)
    await world.store(user, other, over, live, others)
    await world.store(new)
    assert {session.id for session in await world.sessions()} == {live.id, others.id, new.id}
    assert await presented(world, refresh_token(over)) is None
    assert await presented(world, refresh_token(live)) is not None


# --------------------------------------------------------------------------------------- tokens


async def test_a_token_is_presented_as_stored(world: World) -> None:
    user, other = factories.user(), factories.user()
    session, elsewhere = factories.session(user.id), factories.session(other.id)
    await world.store(user, other, session, elsewhere)
    token = refresh_token(session)
    assert await presented(world, token) == TokenLookup(session, token, successor_used=False)
    async with world.unit_of_work() as work:
        assert await work.sessions.owner(token.hash) == user.id
        assert await work.sessions.owner(refresh_token(elsewhere).hash) == other.id


async def test_an_unknown_token_is_nobodys(world: World) -> None:
    user = factories.user()
    await world.store(user, factories.session(user.id))
    async with world.unit_of_work() as work:
        assert await work.sessions.owner(token_digest("unknown")) is None
        assert await work.sessions.find_token(token_digest("unknown")) is None


async def test_rotation_stores_the_session_the_use_and_the_successor(world: World) -> None:
    user = factories.user()
    session, bystander = factories.session(user.id), factories.session(user.id)
    await world.store(user, session, bystander)
    token = refresh_token(session)
    used, successor = await rotate(world, session, token, "second")
    assert await presented(world, token) == TokenLookup(
        used, replace(token, used_at=SOON), successor_used=False
    )
    assert await presented(world, successor) == TokenLookup(used, successor, successor_used=False)
    assert successor.parent == token.hash
    third_used, third = await rotate(world, used, successor, "third", LATER)
    for earlier, by_then in ((token, True), (successor, False), (third, False)):
        found = await presented(world, earlier)
        assert found is not None
        assert found.session == third_used
        assert found.successor_used is by_then
    assert await presented(world, refresh_token(bystander)) == TokenLookup(
        bystander, refresh_token(bystander), successor_used=False
    )


async def test_the_first_use_of_a_token_counts(world: World) -> None:
    user = factories.user()
    session = factories.session(user.id)
    await world.store(user, session)
    token = refresh_token(session)
    await rotate(world, session, token, "one tab", SOON)
    # Even of a token that was read before its first use.
    await rotate(world, session, token, "another tab", LATER)
    found = await presented(world, token)
    assert found is not None
    assert found.token.used_at == SOON


async def test_a_used_sibling_is_a_used_successor(world: World) -> None:
    user = factories.user()
    session = factories.session(user.id)
    await world.store(user, session)
    token = refresh_token(session)
    used, _ = await rotate(world, session, token, "one tab")
    used, sibling = await rotate(world, used, token, "another tab")
    await rotate(world, used, sibling, "and on", LATER)
    found = await presented(world, token)
    assert found is not None
    assert found.successor_used


# --------------------------------------------------------------------------------------- ending


async def test_an_ended_session_goes_with_its_tokens(world: World) -> None:
    user = factories.user()
    session, other = factories.session(user.id), factories.session(user.id)
    await world.store(user, session, other)
    token = refresh_token(session)
    _, successor = await rotate(world, session, token, "second")
    async with world.unit_of_work() as work:
        assert await work.sessions.end(session.id, user.id) is True
        assert await work.sessions.end(session.id, user.id) is False
        await work.commit()
    assert await world.sessions() == [other]
    assert await presented(world, token) is None
    assert await presented(world, successor) is None


async def test_nobody_ends_the_session_of_somebody_else(world: World) -> None:
    user, other = factories.user(), factories.user()
    session = factories.session(user.id)
    await world.store(user, other, session)
    async with world.unit_of_work() as work:
        assert await work.sessions.end(session.id, other.id) is False
        assert await work.sessions.end(SessionId(nobody()), user.id) is False
        await work.commit()
    assert await world.sessions() == [session]
    assert await presented(world, refresh_token(session)) is not None


@pytest.mark.parametrize("spares_one", [False, True])
async def test_all_sessions_of_one_user_end_at_once(world: World, spares_one: bool) -> None:
    user, other = factories.user(), factories.user()
    sessions = [factories.session(user.id) for _ in range(3)]
    others = factories.session(other.id)
    await world.store(user, other, *sessions, others)
    spared = sessions[1] if spares_one else None
    async with world.unit_of_work() as work:
        await work.sessions.end_all(user.id, but=spared.id if spared else None)
        await work.commit()
    left = {session.id for session in await world.sessions()}
    assert left == {others.id, *([spared.id] if spared else [])}
    for session in sessions:
        assert (await presented(world, refresh_token(session)) is None) is (session != spared)


# --------------------------------------------------------------------------------------- reader


async def test_sessions_are_listed_the_last_used_first_and_only_live_ones(world: World) -> None:
    user, other = factories.user(), factories.user()
    long_ago = factories.session(user.id)
    lately = factories.session(user.id, last_used_at=SOON)
    as_lately = factories.session(user.id, last_used_at=SOON)
    over = factories.session(user.id, last_used_at=LATER, expires_at=LATER)
    await world.store(user, other, lately, over, long_ago, as_lately, factories.session(other.id))
    assert await world.accounts.sessions(user.id, LATER) == (as_lately, lately, long_ago)
    assert await world.accounts.sessions(nobody(), LATER) == ()


async def test_live_sessions_are_those_there_and_not_over(world: World) -> None:
    user, other = factories.user(), factories.user()
    live, elsewhere = factories.session(user.id), factories.session(other.id)
    over, unasked = factories.session(user.id, expires_at=LATER), factories.session(user.id)
    await world.store(user, other, live, elsewhere, over, unasked)
    asked = [live.id, elsewhere.id, over.id, SessionId(nobody())]
    assert await world.accounts.live_sessions(asked, LATER) == {live.id, elsewhere.id}
    just_before = LATER - timedelta(microseconds=1)
    assert over.id in await world.accounts.live_sessions(asked, just_before)
    assert await world.accounts.live_sessions([], LATER) == frozenset()


# ---------------------------------------------------------------------------------------- races


class Accounts:
    """The use cases over this store, with a person who is logged in."""

    def __init__(self, world: World) -> None:
        self.clock = factories.SetClock()
        self.gate = InProcessSessionRegistry(world.accounts, self.clock)
        self.service = AccountService(
            unit_of_work=world.unit_of_work,
            reader=world.accounts,
            passwords=factories.QuickPasswords(),
            common_passwords=factories.FewCommonPasswords(),
            normalize_email=factories.email_syntax,
            clock=self.clock,
            new_id=factories.new_id,
            session_registry=self.gate,
            audit_log=audit_log,
        )
        self.sessions = SessionService(
            unit_of_work=world.unit_of_work,
            reader=world.accounts,
            passwords=factories.QuickPasswords(),
            normalize_email=factories.email_syntax,
            access_tokens=factories.PlainAccessTokens(),
            new_secret=factories.CountingTokens(),
            clock=self.clock,
            new_id=factories.new_id,
            session_registry=self.gate,
            session_ttl=factories.LIFETIMES,
            limiter=None,
            audit_log=audit_log,
        )
        self.withdrawal = WithdrawalService(
            unit_of_work=world.unit_of_work,
            accounts=self.service,
            session_registry=self.gate,
            events=InProcessPubSub(),
            audit_log=audit_log,
        )
        self.administration = AdministrationService(
            world.unit_of_work, world.accounts, self.service, self.gate, audit_log
        )

    async def begin(self) -> None:
        await self.service.sign_up("mina@example.kr", "mina", "correct horse")
        self.mine = await self.log_in()
        self.other = await self.log_in()
        self.me = self.sessions.access_tokens.read(self.mine.access_token)
        self.elsewhere = self.sessions.access_tokens.read(self.other.access_token)

    async def log_in(self) -> Tokens:
        return await self.sessions.log_in(
            "mina@example.kr", "correct horse", address=factories.ADDRESS
        )


@pytest.fixture
async def accounts(world: World) -> Accounts:
    found = Accounts(world)
    await found.begin()
    return found


async def test_of_many_refreshes_at_once_one_uses_the_token(
    world: World, accounts: Accounts
) -> None:
    text = accounts.mine.refresh_token
    results = await race(world, MANY, lambda _: accounts.sessions.refresh(text))
    given = {tokens.refresh_token for tokens in results if isinstance(tokens, Tokens)}
    assert len(given) == MANY, "they are siblings"
    assert len(await world.sessions()) == 2
    for successor in given:
        async with world.unit_of_work() as work:
            found = await work.sessions.find_token(token_digest(successor))
        assert found is not None
        assert found.token.parent == token_digest(text)
    # The first of them that goes on makes a replay of the first token.
    await accounts.sessions.refresh(given.pop())
    with pytest.raises(SessionEnded):
        await accounts.sessions.refresh(text)
    assert [session.id for session in await world.sessions()] == [accounts.other.session_id]


async def test_many_replays_at_once_end_one_session(world: World, accounts: Accounts) -> None:
    text = accounts.mine.refresh_token
    successor = (await accounts.sessions.refresh(text)).refresh_token
    accounts.clock.forward(GRACE_PERIOD.total_seconds() + 0.001)
    results = await race(world, MANY, lambda _: accounts.sessions.refresh(text))
    assert all(isinstance(result, SessionEnded) for result in results)
    with pytest.raises(SessionEnded):
        await accounts.sessions.refresh(successor)
    assert [session.id for session in await world.sessions()] == [accounts.other.session_id]


End = Callable[[Accounts], Awaitable[object]]

ENDS: list[Any] = [
    pytest.param(
        lambda accounts: accounts.sessions.end_session(accounts.elsewhere, accounts.me.session_id),
        True,
        id="end",
    ),
    pytest.param(
        lambda accounts: accounts.sessions.end_all_sessions(accounts.elsewhere), False, id="all"
    ),
    pytest.param(
        lambda accounts: accounts.service.change_password(
            accounts.elsewhere, "correct horse", "battery staple"
        ),
        True,
        id="password",
    ),
    pytest.param(
        lambda accounts: accounts.administration.set_active("mina", active=False),
        False,
        id="deactivation",
    ),
    pytest.param(
        lambda accounts: accounts.administration.reset_password("mina", "battery staple"),
        False,
        id="reset",
    ),
    pytest.param(
        lambda accounts: accounts.withdrawal.withdraw(accounts.elsewhere, "correct horse"),
        False,
        id="withdrawal",
    ),
]


@pytest.mark.parametrize(("end", "spares"), ENDS)
async def test_no_refresh_outlives_the_end_that_it_races(
    world: World, accounts: Accounts, end: End, spares: bool
) -> None:
    token = accounts.mine.refresh_token
    given: list[str] = []

    async def attempt(index: int) -> None:
        if index == MANY // 2:
            await end(accounts)
        else:
            given.append((await accounts.sessions.refresh(token)).refresh_token)

    for result in await race(world, MANY, attempt):
        assert result is None or isinstance(result, SessionEnded), result
    for text in (token, *given):
        with pytest.raises(SessionEnded):
            await accounts.sessions.refresh(text)
    left = [session.id for session in await world.sessions()]
    assert left == ([accounts.other.session_id] if spares else [])
    assert not await accounts.gate.is_active(accounts.me.session_id)


async def test_who_works_on_the_sessions_of_one_user_waits_for_the_user(
    world: World, accounts: Accounts
) -> None:
    me, token = accounts.me, token_digest(accounts.mine.refresh_token)

    async def look(work: FullUnitOfWork) -> TokenLookup | None:
        await work.users.get(me.id)
        return await work.sessions.find_token(token)

    def end(work: FullUnitOfWork) -> Awaitable[bool]:
        return work.sessions.end(me.session_id, me.id)

    assert await in_turn(world, look, end) is None


async def test_of_log_ins_and_a_deactivation_at_once_no_session_is_left(
    world: World, accounts: Accounts
) -> None:
    async def attempt(index: int) -> Caller | None:
        if index == MANY // 2:
            await accounts.administration.set_active("mina", active=False)
        else:
            await accounts.log_in()
        return None

    await race(world, MANY, attempt)
    assert await world.sessions() == []
