"""Sessions: what a refresh token may still do, how long a session lasts, the gate, and any course
of events against a plain model.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sidepro.adapters.in_process import session_registry as gate_module
from sidepro.adapters.in_process.session_registry import CACHE_TTL, InProcessSessionRegistry
from sidepro.domain.accounts.session import (
    RefreshToken,
    Session,
    SessionTtl,
    TokenUse,
)
from sidepro.domain.accounts.session_service import Tokens
from sidepro.domain.errors import (
    AccountDeactivated,
    NotFound,
    SessionEnded,
    WrongCredentials,
    WrongPassword,
)
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.pagination import PageRequest
from tests import factories
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS, LIFETIMES, NOW, new_id
from tests.fakes.readers import MemoryReader
from tests.fakes.store import MemoryStore

Result = TypeVar("Result")

SESSION = factories.session(UserId(new_id()))
UNUSED = factories.refresh_token(SESSION)
USED = replace(UNUSED, used_at=NOW)


# ---------------------------------------------------------------------------- tokens, sessions


@pytest.mark.parametrize(
    ("token", "seconds", "successors", "successor_used", "meaning"),
    [
        (UNUSED, 0, 0, False, TokenUse.FIRST),
        (UNUSED, 1_000_000, 0, False, TokenUse.FIRST),
        (USED, 0, 1, False, TokenUse.GRACE),
        (USED, 0, 2, False, TokenUse.GRACE),
        (USED, 0, 3, False, TokenUse.REPLAY),
        (USED, 60, 1, False, TokenUse.GRACE),
        (USED, 60.000001, 1, False, TokenUse.REPLAY),
        (USED, 0, 1, True, TokenUse.REPLAY),
        (USED, 60.000001, 2, True, TokenUse.REPLAY),
        # Another process wrote the use, and its clock is ahead of ours.
        (USED, -0.5, 1, False, TokenUse.GRACE),
    ],
)
def test_what_presenting_a_token_means(
    token: RefreshToken, seconds: float, successors: int, successor_used: bool, meaning: TokenUse
) -> None:
    now = NOW + timedelta(seconds=seconds)
    found = token.use_at(now, successors=successors, successor_used=successor_used)
    assert found is meaning


def test_a_token_knows_its_parent_and_not_its_text() -> None:
    first = RefreshToken.issue("first", SESSION.id, None, NOW)
    second = RefreshToken.issue("second", SESSION.id, first, NOW)
    assert (first.parent, second.parent) == (None, token_digest("first"))
    assert "second" not in repr(second)


def test_a_session_lasts_so_long_unused_and_so_long_in_all() -> None:
    day = timedelta(days=1)
    session = Session.start(SESSION.id, SESSION.user_id, None, NOW, SessionTtl(2 * day, 5 * day))
    assert not session.is_expired(NOW + 2 * day - timedelta(microseconds=1))
    assert session.is_expired(NOW + 2 * day)
    session = session.used(NOW + day, SessionTtl(2 * day, 5 * day))
    assert (session.last_used_at, session.expires_at) == (NOW + day, NOW + 3 * day)
    session = session.used(NOW + 4 * day, SessionTtl(2 * day, 5 * day))
    assert session.expires_at == NOW + 5 * day
    brief = Session.start(SESSION.id, SESSION.user_id, None, NOW, SessionTtl(9 * day, day))
    assert brief.expires_at == NOW + day


# --------------------------------------------------------------------------------------- the gate


class CountingReader(MemoryReader):
    """Says which sessions are live, when it is let; counts the questions."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(factories.CATALOGUE))
        self.live: set[SessionId] = set()
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def live_sessions(
        self, session_ids: Collection[SessionId], now: object
    ) -> frozenset[SessionId]:
        self.asked += 1
        found = frozenset(self.live.intersection(session_ids))
        await self.may_answer.wait()
        return found


@dataclass
class Stopwatch:
    """Stands in for the module `time`."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Gate:
    """A gate, what it asks, and its time."""

    reader: CountingReader
    watch: Stopwatch
    session_registry: InProcessSessionRegistry
    one: SessionId = field(default_factory=lambda: SessionId(new_id()))
    other: SessionId = field(default_factory=lambda: SessionId(new_id()))


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Gate:
    watch, reader = Stopwatch(), CountingReader()
    monkeypatch.setattr(gate_module, "time", watch)
    found = Gate(reader, watch, InProcessSessionRegistry(reader, factories.SetClock()))
    reader.live |= {found.one, found.other}
    return found


@awaited
async def test_a_live_session_is_remembered_for_less_than_a_second(house: Gate) -> None:
    assert await house.session_registry.is_active(house.one)
    house.watch.now += CACHE_TTL - 0.001
    assert await house.session_registry.is_active(house.one)
    assert house.reader.asked == 1
    house.reader.live.clear()
    house.watch.now += 0.001
    assert not await house.session_registry.is_active(house.one)
    assert house.reader.asked == 2


@awaited
async def test_a_session_that_is_not_live_is_not_remembered(house: Gate) -> None:
    house.reader.live.clear()
    assert not await house.session_registry.is_active(house.one)
    house.reader.live.add(house.one)
    assert await house.session_registry.is_active(house.one)


@awaited
async def test_what_ended_here_is_refused_at_once(house: Gate) -> None:
    assert await house.session_registry.is_active(house.one)
    assert await house.session_registry.is_active(house.other)
    house.reader.live.remove(house.one)
    await house.session_registry.revoke([house.one])
    assert not await house.session_registry.is_active(house.one)
    assert await house.session_registry.is_active(house.other)
    assert house.reader.asked == 3


@awaited
async def test_what_ends_during_a_look_up_is_not_remembered(house: Gate) -> None:
    house.reader.may_answer.clear()
    looking = asyncio.create_task(house.session_registry.is_active(house.one))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert house.reader.asked == 1
    house.reader.live.clear()
    await house.session_registry.revoke([house.one])
    house.reader.may_answer.set()
    await looking
    assert not await house.session_registry.is_active(house.one)


@awaited
async def test_the_age_of_an_answer_counts_from_the_question(house: Gate) -> None:
    house.reader.may_answer.clear()
    looking = asyncio.create_task(house.session_registry.is_active(house.one))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    house.reader.live.clear()
    house.watch.now += CACHE_TTL
    house.reader.may_answer.set()
    assert await looking
    assert not await house.session_registry.is_active(house.one)


@awaited
async def test_no_more_sessions_are_remembered_than_fit(
    house: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "MAX_CACHED", 1)
    for session_id in (house.one, house.other, house.other, house.one):
        assert await house.session_registry.is_active(session_id)
    assert house.reader.asked == 3


@awaited
async def test_who_waits_for_an_end_hears_of_it(house: Gate) -> None:
    waiting = [asyncio.create_task(house.session_registry.wait_for_revocation()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    await house.session_registry.revoke([house.one])
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    again = asyncio.create_task(house.session_registry.wait_for_revocation())
    await asyncio.sleep(0)
    assert not again.done(), "the next end, not the last one"
    await house.session_registry.revoke([])
    await asyncio.wait_for(again, 5)


# ----------------------------------------------------------------- any course of events, a model

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
                now + LIFETIMES.total,
                now + LIFETIMES.idle,
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
        login.expires_at = min(now + LIFETIMES.idle, login.ends_at)

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
