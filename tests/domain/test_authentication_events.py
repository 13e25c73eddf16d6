"""Authentication events in the audit log."""

from dataclasses import replace

import pytest

from sidepro.adapters.in_process.rate_limiter import InProcessRateLimiter
from sidepro.domain.accounts.audit_log import AuthenticationEvent as Event
from sidepro.domain.accounts.session_service import UNKNOWN_ADDRESS_LIMIT, Tokens
from sidepro.domain.errors import (
    AccountDeactivated,
    RateLimited,
    SessionEnded,
    WrongCredentials,
    WrongPassword,
)
from sidepro.domain.identity import Caller
from sidepro.domain.ids import UserId
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS

EMAIL, PASSWORD = "mina@example.com", "correct horse"


class LoggedAccount:
    """Services with one account, without the event of its sign-up."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def open(self) -> "LoggedAccount":
        account = await self.services.accounts.sign_up(EMAIL, "mina", PASSWORD)
        self.id = account.id
        assert self.new_events() == [(Event.SIGNED_UP, self.id, None)]
        return self

    async def log_in(self, password: str = PASSWORD) -> tuple[Caller, Tokens]:
        tokens = await self.services.sessions.log_in(EMAIL, password, address=ADDRESS)
        return self.services.access_tokens.read(tokens.access_token), tokens

    def new_events(self) -> list[tuple[Event, UserId | None, str | None]]:
        """The events since the last call."""
        events = list(self.services.audit_log)
        self.services.audit_log.clear()
        return events


@awaited
async def test_log_ins_and_their_refusals_are_noted() -> None:
    account = await LoggedAccount(Services()).open()
    await account.log_in()
    assert account.new_events() == [(Event.LOGGED_IN, account.id, None)]
    with pytest.raises(WrongCredentials):
        await account.log_in("wrong horse")
    with pytest.raises(WrongCredentials):
        await account.services.sessions.log_in("x@example.com", PASSWORD, address=ADDRESS)
    await account.services.administration.set_active(EMAIL, active=False)
    with pytest.raises(AccountDeactivated):
        await account.log_in()
    assert account.new_events() == [
        (Event.LOG_IN_REFUSED, account.id, "wrong-credentials"),
        (Event.LOG_IN_REFUSED, None, "wrong-credentials"),
        (Event.DEACTIVATED, account.id, None),
        (Event.LOG_IN_REFUSED, account.id, "account-deactivated"),
    ]


@awaited
async def test_strangers_who_come_too_often_are_noted() -> None:
    account = await LoggedAccount(Services()).open()
    sessions = replace(account.services.sessions, limiter=InProcessRateLimiter())
    for _ in range(UNKNOWN_ADDRESS_LIMIT.quota):
        with pytest.raises(WrongCredentials):
            await sessions.log_in(EMAIL, "wrong horse", address=ADDRESS)
    account.new_events()
    with pytest.raises(RateLimited):
        await sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert account.new_events() == [(Event.LOG_IN_REFUSED, account.id, "rate-limited")]


@awaited
async def test_refreshing_replaying_and_ending_sessions_are_noted() -> None:
    account = await LoggedAccount(Services()).open()
    caller, tokens = await account.log_in()
    again = await account.services.sessions.refresh(tokens.refresh_token)
    await account.services.sessions.refresh(again.refresh_token)
    with pytest.raises(SessionEnded):
        await account.services.sessions.refresh(tokens.refresh_token)
    other, _ = await account.log_in()
    await account.services.sessions.end_session(other, other.session_id)
    await account.services.sessions.end_all_sessions(caller)
    assert [event for event, *_ in account.new_events()] == [
        Event.LOGGED_IN,
        Event.REFRESHED,
        Event.REFRESHED,
        Event.REPLAYED,
        Event.LOGGED_IN,
        Event.SESSION_ENDED,
        Event.ALL_SESSIONS_ENDED,
    ]


@awaited
async def test_changes_of_an_account_are_noted() -> None:
    account = await LoggedAccount(Services()).open()
    caller, _ = await account.log_in()
    with pytest.raises(WrongPassword):
        await account.services.accounts.change_password(caller, "wrong horse", "another horse")
    await account.services.accounts.change_password(caller, PASSWORD, "another horse")
    await account.services.administration.reset_password(EMAIL, "a third horse")
    await account.services.administration.set_active(EMAIL, active=True)
    await account.services.withdrawal.withdraw(caller, "a third horse")
    await account.services.administration.create_admin("boss@example.com", "boss", PASSWORD)
    events = account.new_events()
    assert [(event, reason) for event, _, reason in events] == [
        (Event.LOGGED_IN, None),
        (Event.PASSWORD_REFUSED, None),
        (Event.PASSWORD_CHANGED, None),
        (Event.PASSWORD_RESET, None),
        (Event.ACTIVATED, None),
        (Event.WITHDRAWN, None),
        (Event.SIGNED_UP, "administrator"),
    ]
    assert {user for _, user, _ in events[:-1]} == {account.id}
