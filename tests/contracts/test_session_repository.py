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
    MAX_SESSIONS,
    MAX_SIBLINGS,
    RefreshToken,
    Session,
)
from sidepro.domain.accounts.session_service import SessionService, Tokens
from sidepro.domain.errors import NotFound, SessionEnded
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import SessionId
from sidepro.domain.pagination import PageRequest
from sidepro.domain.withdrawal import WithdrawalService
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.builders import nobody
from tests.contracts.concurrency import MANY, after_change, race
from tests.factories import NOW, refresh_token
from tests.fakes.unit_of_work import FullUnitOfWork

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
    used = session.used(at, factories.LIFETIMES)
    successor = RefreshToken.issue(text, session.id, token, at)
    async with adapters.unit_of_work() as work:
        await work.users.get(session.user_id)
        await work.sessions.rotate(used, token, successor, at)
        await work.commit()
    return used, successor


# --------------------------------------------------------------------------------------- adding


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


# ------------------------------------------------------------------------------------- retention


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


# --------------------------------------------------------------------------------------- tokens


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


# --------------------------------------------------------------------------------------- ending


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


# --------------------------------------------------------------------------------------- reader


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


# ---------------------------------------------------------------------------------------- races


class Accounts:
    """The use cases over this store, with a person who is logged in."""

    def __init__(self, adapters: Adapters) -> None:
        self.clock = factories.SetClock()
        self.session_registry = InProcessSessionRegistry(adapters.accounts, self.clock)
        self.service = AccountService(
            unit_of_work=adapters.unit_of_work,
            reader=adapters.accounts,
            passwords=factories.QuickPasswords(),
            common_passwords=factories.FewCommonPasswords(),
            normalize_email=factories.email_syntax,
            clock=self.clock,
            new_id=factories.new_id,
            session_registry=self.session_registry,
            audit_log=audit_log,
        )
        self.sessions = SessionService(
            unit_of_work=adapters.unit_of_work,
            reader=adapters.accounts,
            passwords=factories.QuickPasswords(),
            normalize_email=factories.email_syntax,
            access_tokens=factories.PlainAccessTokens(),
            new_secret=factories.CountingTokens(),
            clock=self.clock,
            new_id=factories.new_id,
            session_registry=self.session_registry,
            session_ttl=factories.LIFETIMES,
            limiter=None,
            audit_log=audit_log,
        )
        self.withdrawal = WithdrawalService(
            unit_of_work=adapters.unit_of_work,
            accounts=self.service,
            session_registry=self.session_registry,
            events=InProcessPubSub(),
            audit_log=audit_log,
        )
        self.administration = AdministrationService(
            adapters.unit_of_work,
            adapters.accounts,
            self.service,
            self.session_registry,
            audit_log,
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
async def accounts(adapters: Adapters) -> Accounts:
    found = Accounts(adapters)
    await found.begin()
    return found


async def test_three_concurrent_refreshes_succeed_and_the_next_ends_the_session(
    adapters: Adapters, accounts: Accounts
) -> None:
    text = accounts.mine.refresh_token
    results = await race(adapters, MANY, lambda _: accounts.sessions.refresh(text))
    successors = {tokens.refresh_token for tokens in results if isinstance(tokens, Tokens)}
    assert len(successors) == 1 + MAX_SIBLINGS
    assert sum(isinstance(result, SessionEnded) for result in results) == MANY - len(successors)
    assert [session.id for session in await adapters.sessions()] == [accounts.other.session_id]


async def test_concurrent_replays_end_one_session(adapters: Adapters, accounts: Accounts) -> None:
    text = accounts.mine.refresh_token
    successor = (await accounts.sessions.refresh(text)).refresh_token
    accounts.clock.forward(GRACE_PERIOD.total_seconds() + 0.001)
    results = await race(adapters, MANY, lambda _: accounts.sessions.refresh(text))
    assert all(isinstance(result, SessionEnded) for result in results)
    with pytest.raises(SessionEnded):
        await accounts.sessions.refresh(successor)
    assert [session.id for session in await adapters.sessions()] == [accounts.other.session_id]


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
    adapters: Adapters, accounts: Accounts, end: End, spares: bool
) -> None:
    token = accounts.mine.refresh_token
    successors: list[str] = []

    async def attempt(index: int) -> None:
        if index == MANY // 2:
            await end(accounts)
        else:
            successors.append((await accounts.sessions.refresh(token)).refresh_token)

    for result in await race(adapters, MANY, attempt):
        assert result is None or isinstance(result, SessionEnded | NotFound), result
    for text in (token, *successors):
        with pytest.raises(SessionEnded):
            await accounts.sessions.refresh(text)
    left = [session.id for session in await adapters.sessions()]
    assert left == ([accounts.other.session_id] if spares else [])
    assert not await accounts.session_registry.is_active(accounts.me.session_id)


async def test_work_on_the_sessions_of_a_user_locks_the_user(
    adapters: Adapters, accounts: Accounts
) -> None:
    me, token = accounts.me, token_digest(accounts.mine.refresh_token)

    async def look(work: FullUnitOfWork) -> TokenLookup | None:
        await work.users.get(me.id)
        return await work.sessions.find_token(token)

    def end(work: FullUnitOfWork) -> Awaitable[bool]:
        return work.sessions.end(me.session_id, me.id)

    assert await after_change(adapters, look, end) is None


async def test_concurrent_log_ins_and_a_deactivation_leave_no_session(
    adapters: Adapters, accounts: Accounts
) -> None:
    async def attempt(index: int) -> Caller | None:
        if index == MANY // 2:
            await accounts.administration.set_active("mina", active=False)
        else:
            await accounts.log_in()
        return None

    await race(adapters, MANY, attempt)
    assert await adapters.sessions() == []
