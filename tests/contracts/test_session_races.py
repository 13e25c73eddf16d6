"""Concurrent refreshes, log-ins and ends of sessions."""

from collections.abc import Awaitable, Callable
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
    MAX_SIBLINGS,
)
from sidepro.domain.accounts.session_service import SessionService, Tokens
from sidepro.domain.deletion.withdrawal import WithdrawalService
from sidepro.domain.errors import NotFound, SessionEnded
from sidepro.domain.identity import Caller, token_digest
from tests import factories
from tests.contracts.adapters import Adapters
from tests.contracts.concurrency import MANY, after_change, race
from tests.domain.doubles import RecordingSimilarityTrigger
from tests.fakes.unit_of_work import FullUnitOfWork

pytestmark = pytest.mark.anyio


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
            limiter=None,
            audit_log=audit_log,
            mail_trigger=RecordingSimilarityTrigger(),
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
            session_ttl=factories.SESSION_TTL,
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
