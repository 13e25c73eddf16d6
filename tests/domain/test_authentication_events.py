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


class House:
    """A platform with one account, whose opening has been noted."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def open(self) -> "House":
        account = await self.services.accounts.sign_up(EMAIL, "mina", PASSWORD)
        self.id = account.id
        assert self.told() == [(Event.SIGNED_UP, self.id, None)]
        return self

    async def log_in(self, password: str = PASSWORD) -> tuple[Caller, Tokens]:
        tokens = await self.services.sessions.log_in(EMAIL, password, address=ADDRESS)
        return self.services.access_tokens.read(tokens.access_token), tokens

    def told(self) -> list[tuple[Event, UserId | None, str | None]]:
        """What was noted since the last time."""
        told = list(self.services.noted)
        self.services.noted.clear()
        return told


@awaited
async def test_log_ins_and_their_refusals_are_noted() -> None:
    house = await House(Services()).open()
    await house.log_in()
    assert house.told() == [(Event.LOGGED_IN, house.id, None)]
    with pytest.raises(WrongCredentials):
        await house.log_in("wrong horse")
    with pytest.raises(WrongCredentials):
        await house.services.sessions.log_in("x@example.com", PASSWORD, address=ADDRESS)
    await house.services.administration.set_active(EMAIL, active=False)
    with pytest.raises(AccountDeactivated):
        await house.log_in()
    assert house.told() == [
        (Event.LOG_IN_REFUSED, house.id, "wrong-credentials"),
        (Event.LOG_IN_REFUSED, None, "wrong-credentials"),
        (Event.DEACTIVATED, house.id, None),
        (Event.LOG_IN_REFUSED, house.id, "account-deactivated"),
    ]


@awaited
async def test_strangers_who_come_too_often_are_noted() -> None:
    house = await House(Services()).open()
    sessions = replace(house.services.sessions, limiter=InProcessRateLimiter())
    for _ in range(UNKNOWN_ADDRESS_LIMIT.quota):
        with pytest.raises(WrongCredentials):
            await sessions.log_in(EMAIL, "wrong horse", address=ADDRESS)
    house.told()
    with pytest.raises(RateLimited):
        await sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert house.told() == [(Event.LOG_IN_REFUSED, house.id, "rate-limited")]


@awaited
async def test_refreshing_replaying_and_ending_sessions_are_noted() -> None:
    house = await House(Services()).open()
    caller, tokens = await house.log_in()
    again = await house.services.sessions.refresh(tokens.refresh_token)
    await house.services.sessions.refresh(again.refresh_token)
    with pytest.raises(SessionEnded):
        await house.services.sessions.refresh(tokens.refresh_token)
    other, _ = await house.log_in()
    await house.services.sessions.end_session(other, other.session_id)
    await house.services.sessions.end_all_sessions(caller)
    assert [event for event, *_ in house.told()] == [
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
    house = await House(Services()).open()
    caller, _ = await house.log_in()
    with pytest.raises(WrongPassword):
        await house.services.accounts.change_password(caller, "wrong horse", "another horse")
    await house.services.accounts.change_password(caller, PASSWORD, "another horse")
    await house.services.administration.reset_password(EMAIL, "a third horse")
    await house.services.administration.set_active(EMAIL, active=True)
    await house.services.withdrawal.withdraw(caller, "a third horse")
    await house.services.administration.create_admin("boss@example.com", "boss", PASSWORD)
    told = house.told()
    assert [(event, reason) for event, _, reason in told] == [
        (Event.LOGGED_IN, None),
        (Event.PASSWORD_REFUSED, None),
        (Event.PASSWORD_CHANGED, None),
        (Event.PASSWORD_RESET, None),
        (Event.ACTIVATED, None),
        (Event.WITHDRAWN, None),
        (Event.SIGNED_UP, "administrator"),
    ]
    assert {user for _, user, _ in told[:-1]} == {house.id}
