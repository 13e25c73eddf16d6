"""Sessions in any course of events, compared with a plain model."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sidepro.domain.accounts.session_service import Tokens
from sidepro.domain.errors import (
    AccountDeactivated,
    NotFound,
    SessionEnded,
    WrongCredentials,
    WrongPassword,
)
from sidepro.domain.identity import Caller
from sidepro.domain.pagination import PageRequest
from tests.domain.services import Services
from tests.factories import ADDRESS, SESSION_TTL

Result = TypeVar("Result")


PEOPLE = ("mina", "jun")


who = st.sampled_from(PEOPLE)


any_number = st.integers(0, 10_000)


@dataclass
class Token:
    """What the model knows of a refresh token."""

    text: str
    parent: "Token | None"
    used_at: datetime | None = None
    children: "list[Token]" = field(default_factory=list)


@dataclass
class Login:
    """What the model knows of a session."""

    owner: str
    caller: Caller
    ends_at: datetime
    expires_at: datetime
    tokens: list[Token]
    is_active: bool = True


class Sessions(RuleBasedStateMachine):
    """Two people; everything that begins, renews and ends their sessions."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.services = Services()
        self.accounts = self.services.accounts
        self.logins: list[Login] = []
        self.passwords = dict.fromkeys(PEOPLE, "correct horse 1")
        self.active = dict.fromkeys(PEOPLE, True)
        self.changes = 1
        for name in PEOPLE:
            self.sign_up(name)
        # Everybody has something to lose.
        for name in PEOPLE:
            self.log_in(name)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()

    def run(self, call: Awaitable[Result]) -> Result:
        async def waited() -> Result:
            return await call

        return self.loop.run_until_complete(waited())

    def sign_up(self, name: str) -> None:
        email = f"{name}@example.com"
        self.run(self.accounts.sign_up(email, name, self.passwords[name]))

    def live(self, login: Login) -> bool:
        return login.is_active and self.services.clock.now < login.expires_at

    def any_login(self, number: int) -> Login:
        return self.logins[number % len(self.logins)]

    def end(self, which: Callable[[Login], bool]) -> None:
        for login in self.logins:
            login.is_active = login.is_active and not which(login)

    @rule(name=who)
    def log_in(self, name: str) -> None:
        call = self.services.sessions.log_in(
            f"{name}@example.com", self.passwords[name], address=ADDRESS
        )
        if not self.active[name]:
            with pytest.raises(AccountDeactivated):
                self.run(call)
            return
        tokens = self.run(call)
        now = self.services.clock.now
        self.logins.append(
            Login(
                name,
                self.services.access_tokens.read(tokens.access_token),
                now + SESSION_TTL.total,
                now + SESSION_TTL.idle,
                [Token(tokens.refresh_token, None)],
            )
        )

    @rule(name=who)
    def log_in_with_another_password(self, name: str) -> None:
        with pytest.raises(WrongCredentials):
            self.run(
                self.services.sessions.log_in(
                    f"{name}@example.com", "another horse", address=ADDRESS
                )
            )

    @rule(which=any_number, token_number=st.integers(0, 3))
    def refresh(self, which: int, token_number: int) -> None:
        """Any of the last tokens: its first use, a second tab, or a replay."""
        login = self.any_login(which)
        token = login.tokens[-1 - token_number % len(login.tokens)]
        now = self.services.clock.now
        first = token.used_at is None
        sibling = (
            token.used_at is not None
            and now - token.used_at <= timedelta(seconds=60)
            and len(token.children) < 3
            and all(child.used_at is None for child in token.children)
        )
        if not (self.live(login) and (first or sibling)):
            with pytest.raises(SessionEnded):
                self.run(self.services.sessions.refresh(token.text))
            login.is_active = False
            return
        tokens: Tokens = self.run(self.services.sessions.refresh(token.text))
        assert tokens.session_id == login.caller.session_id
        assert self.services.access_tokens.read(tokens.access_token) == login.caller
        token.used_at = token.used_at or now
        child = Token(tokens.refresh_token, token)
        token.children.append(child)
        login.tokens.append(child)
        login.expires_at = min(now + SESSION_TTL.idle, login.ends_at)

    @rule(which=any_number, goes_on=st.booleans(), seconds=st.sampled_from([0, 60, 60.5]))
    def refresh_twice(self, which: int, goes_on: bool, seconds: float) -> None:
        """What chance alone does rarely: the same token again, soon or late."""
        login = self.any_login(which)
        place = len(login.tokens) - 1
        for again in range(2):
            self.refresh(which, len(login.tokens) - 1 - place)
            if goes_on and not again:
                self.refresh(which, 0)
            self.time_passes(0 if again else seconds)

    @rule()
    def refresh_with_nothing(self) -> None:
        with pytest.raises(SessionEnded):
            self.run(self.services.sessions.refresh("unknown"))

    @rule(by=any_number, which=any_number)
    def log_out_one(self, by: int, which: int) -> None:
        caller, login = self.any_login(by), self.any_login(which)
        if not self.live(caller):
            return
        call = self.services.sessions.end_session(caller.caller, login.caller.session_id)
        if login.owner == caller.owner and self.live(login):
            self.run(call)
            login.is_active = False
        elif login.owner != caller.owner or not login.is_active:
            with pytest.raises(NotFound):
                self.run(call)
        else:
            call.close()  # over and perhaps still stored

    @rule(by=any_number)
    def log_out_everywhere(self, by: int) -> None:
        login = self.any_login(by)
        if self.live(login):
            self.run(self.services.sessions.end_all_sessions(login.caller))
            self.end(lambda other: other.owner == login.owner)

    @rule(by=any_number, right=st.booleans())
    def change_password(self, by: int, right: bool) -> None:
        login = self.any_login(by)
        if not self.live(login):
            return
        current = self.passwords[login.owner] if right else "another horse"
        self.changes += 1
        new = f"correct horse {self.changes}"
        call = self.accounts.change_password(login.caller, current, new)
        if right:
            self.run(call)
            self.passwords[login.owner] = new
            self.end(lambda other: other.owner == login.owner and other is not login)
        else:
            with pytest.raises(WrongPassword):
                self.run(call)

    @rule(name=who)
    def reset_password(self, name: str) -> None:
        self.changes += 1
        self.passwords[name] = f"correct horse {self.changes}"
        self.run(self.services.administration.reset_password(name, self.passwords[name]))
        self.end(lambda login: login.owner == name)

    @rule(name=who, active=st.booleans())
    def set_active(self, name: str, active: bool) -> None:
        self.run(self.services.administration.set_active(name, active=active))
        self.active[name] = active
        if not active:
            self.end(lambda login: login.owner == name)

    @rule(by=any_number, right=st.booleans())
    def withdraw(self, by: int, right: bool) -> None:
        login = self.any_login(by)
        if not self.live(login):
            return
        if not right:
            with pytest.raises(WrongPassword):
                self.run(self.services.withdrawal.withdraw(login.caller, "another horse"))
            return
        self.run(self.services.withdrawal.withdraw(login.caller, self.passwords[login.owner]))
        self.end(lambda other: other.owner == login.owner)
        # Somebody else may have the name now.
        self.sign_up(login.owner)

    @rule(seconds=st.sampled_from([0.5, 4, 10, 11, 86_400, 8 * 86_400, 14 * 86_400]))
    def time_passes(self, seconds: float) -> None:
        self.services.clock.forward(seconds)
        # Over is over, whatever the clock says later.
        self.end(lambda login: not self.live(login))
        # The gate's second goes by too, which it takes from another clock.
        self.run(
            self.services.session_registry.revoke([one.caller.session_id for one in self.logins])
        )

    @invariant()
    def those_live_are_the_models(self) -> None:
        if not hasattr(self, "logins"):
            return
        for login in self.logins:
            found = self.run(self.services.session_registry.is_active(login.caller.session_id))
            assert found == self.live(login), login
        for name in PEOPLE:
            mine = [login for login in self.logins if login.owner == name and self.live(login)]
            if mine:
                page = PageRequest(limit=100)
                listed = self.run(self.services.sessions.sessions(mine[0].caller, page))
                assert {one.id for one in listed.items} == {one.caller.session_id for one in mine}


TestSessions = Sessions.TestCase


TestSessions.settings = settings(stateful_step_count=25)
